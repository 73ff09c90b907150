"""``Coordinates``: the base of reparameterisers that state all latent variables by way of a fitted guide."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.distributions import Unit
from virgil.errors import ArgumentError, shown
from virgil.infer.reparam.reparameteriser import Reparam, computed, refuse_observed
from virgil.poutine.plate import active_frames
from virgil.poutine.reparam import ReparamMessage, ReparamResult, reparam
from virgil.poutine.runtime import emit
from virgil.poutine.site import OUTSIDE, UNPLACED, Site

__all__ = ["Coordinates"]


class Coordinates(Reparam):
    """All latent variables of a guide as functions of variables that it knows better.

    The first variable of the guide states those, and the volume change; each variable is then an observed point with
    its own log-density.

    Args:
        guide: a fitted guide.
        needs: the attributes that it must have, besides ``latents``.
        usage: which guides are taken, for the message.

    Raises:
        ArgumentError: the guide is none, or has not been called yet.
    """

    def __init__(self, guide: Any, needs: Sequence[str], usage: str) -> None:
        name = type(self).__name__
        if not all(hasattr(guide, each) for each in ("latents", *needs)):
            raise ArgumentError(f"{name} got guide={shown(guide)}; it takes {usage}.")
        if not guide.latents:
            raise ArgumentError(f"{name} got a guide that has no latent variables yet. Fit it first.")
        self._latents: Sequence[Any] = guide.latents
        self._names = frozenset(latent.name for latent in guide.latents)
        self._run = _Run()

    def reparam(self, fn: Callable[..., Any] | None = None) -> Any:
        """The program with all latent variables of the guide restated; without one, the handler."""
        return reparam(fn, config=dict.fromkeys(self._names, self))

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State the other variables at the first one; each variable is a function of them."""
        name, fn = msg["name"], msg["fn"]
        if name not in self._names:
            return {"fn": fn, "value": msg["value"], "is_observed": bool(msg["is_observed"])}
        refuse_observed(self, msg)
        if name == self._latents[0].name:
            around = frozenset(frame.name for frame in active_frames() if not frame.particle)
            self._run.values = self._stated(name, {OUTSIDE: around, UNPLACED: True})
        value = self._run.values[name]
        return computed(value, len(fn.event_shape), fn.log_prob(value))

    @abstractmethod
    def _stated(self, name: str, at_top: dict[str, Any]) -> dict[str, Tensor]:
        """State the other variables and the volume change, and return the guide's variables.

        Args:
            name: of the first variable.
            at_top: the ``Site.extra`` of statements that no plate, scale or mask of the variables concerns.
        """

    @staticmethod
    def _state_volume(name: str, change: Tensor, at_top: dict[str, Any]) -> None:
        """State the logarithm of the volume change, nats, as a factor."""
        factor = Site(
            "sample", f"{name}_log_volume", Unit(change), value=torch.empty((*change.shape, 0)), observed=True
        )
        factor.extra = at_top
        emit(factor)


class _Run(threading.local):
    """The value of each variable, in the run that a thread is at."""

    def __init__(self) -> None:
        self.values: dict[str, Tensor] = {}
