"""A statement of a program, as the handlers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.distributions.composed.unit import Unit
from virgil.distributions.core.extended_support import extended_log_prob, support_varies
from virgil.distributions.core.shape_algebra import TorchDistributionMixin, expanded
from virgil.poutine.frame import Block, ChainStep, Frame, plates_shape
from virgil.poutine.masked_log_prob import LogProb, counted, observed_log_prob
from virgil.poutine.string_keys import StringKeys

__all__ = ["Enumeration", "OUTSIDE", "Site", "UNPLACED"]

OUTSIDE = "outside"
"""The key of ``Site.extra`` for the names of plates around a statement in which it does not stand."""
UNPLACED = "unplaced"
"""The key of ``Site.extra`` for a handler's statement that does not stand where the site stands that it treats."""

_NO_VARIABLES: Mapping[int, str] = {}
_NO_EXTRA: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Enumeration:
    """How a site that is enumerated has its values.

    Attributes:
        dim: the batch dim along which it has them at once; ``None`` where each execution has one of them.
        slot: the dim that later variables cannot have as long as they see this one. It is ``dim``, except in a test
            run that gives variables dims far apart.
        draws: how many independent draws it has along the dim; ``None`` where it has all values of its support.
        choices: how many values there are of which an execution has one.
    """

    dim: int | None = None
    slot: int | None = None
    draws: int | None = None
    choices: int = 1


class Site(StringKeys):
    """One statement: ``sample``, ``param``, ``plate``, ``deterministic``, ``subsample``, ``args`` or ``return``.

    Handlers read its fields and pass a changed copy outward, ``outer(site.replace(value=...))``. Programs that index
    traces may use string keys as well: ``site["value"]``, ``site["is_observed"]``, ``site["log_prob"]``.

    Attributes:
        kind: which statement it is.
        name: its name, unique in one execution.
        fn: the distribution; for other kinds the callable that gives the value.
        args, kwargs: the arguments of ``fn``.
        value: ``None`` until some handler gives one or the site resolves.
        observed: whether the value is data.
        infer: the options given by ``infer=``.
        scale: the factor put on by ``poutine.scale``.
        mask: the mask put on by ``poutine.mask``: ``None``, a bool, or a tensor that broadcasts over the batch.
        frames: the plates around it, outermost first.
        steps: the steps of Markov chains around it, outermost first.
        variables: by batch dim, the enumerated variable whose values the dim holds, as far as the site can see it.
        enumeration: how the site itself is enumerated; ``None`` where it has one value.
        latent_slots: for a partly observed variable, which slots of the batch inference must find; ``None`` for all.
        extra: what a ``Messenger`` says about it under other keys than these; ``"undrawn"`` keeps it without a value.
    """

    __slots__ = (
        "_log_prob",
        "_unscaled_log_prob",
        "args",
        "enumeration",
        "extra",
        "fn",
        "frames",
        "infer",
        "kind",
        "kwargs",
        "latent_slots",
        "mask",
        "name",
        "observed",
        "scale",
        "steps",
        "value",
        "variables",
    )

    def __init__(
        self,
        kind: str,
        name: str,
        fn: Any = None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        value: Any = None,
        observed: bool = False,
        infer: dict[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.fn = fn
        self.args = args
        self.kwargs = kwargs or {}
        self.value = value
        self.observed = observed
        self.infer = {} if infer is None else infer
        self.scale: float | Tensor = 1.0
        self.mask: bool | Tensor | None = None
        self.frames: tuple[Frame, ...] = ()
        self.steps: tuple[ChainStep, ...] = ()
        self.variables: Mapping[int, str] = _NO_VARIABLES
        self.enumeration: Enumeration | None = None
        self.latent_slots: Tensor | None = None
        self.extra: Mapping[str, Any] = _NO_EXTRA
        self._unscaled_log_prob: Tensor | None = None
        self._log_prob: Tensor | None = None

    def replace(self, **changes: Any) -> Site:
        """A copy with some fields changed."""
        new = object.__new__(Site)
        new.kind = self.kind
        new.name = self.name
        new.fn = self.fn
        new.args = self.args
        new.kwargs = self.kwargs
        new.value = self.value
        new.observed = self.observed
        new.infer = self.infer
        new.scale = self.scale
        new.mask = self.mask
        new.frames = self.frames
        new.steps = self.steps
        new.variables = self.variables
        new.enumeration = self.enumeration
        new.latent_slots = self.latent_slots
        new.extra = self.extra
        new._unscaled_log_prob = None
        new._log_prob = None
        for field, value in changes.items():
            setattr(new, field, value)
        return new

    def copy(self) -> Site:
        """A copy of the same fields; its values are the same objects."""
        return self.replace(_unscaled_log_prob=self._unscaled_log_prob, _log_prob=self._log_prob)

    def with_value(self, value: Any) -> Site:
        """A copy that has this value."""
        return self.replace(value=value)

    def with_log_prob(self, unscaled_log_prob: Tensor) -> Site:
        """A copy whose log-density is known: that of ``unscaled_log_prob``."""
        return self.replace(_unscaled_log_prob=unscaled_log_prob)

    def scaled_by(self, scale: float | Tensor) -> Site:
        """A copy whose log-probability is multiplied by another factor."""
        alone = not isinstance(self.scale, Tensor) and self.scale == 1.0
        return self.replace(scale=scale if alone else self.scale * scale)

    def masked_by(self, mask: bool | Tensor) -> Site:
        """A copy that counts only where this mask is true too."""
        return self.replace(mask=mask if self.mask is None else self.mask & mask)

    def placed_at(self, other: Site, frames: tuple[Frame, ...], steps: tuple[ChainStep, ...]) -> Site:
        """A copy that stands where another site stands, and counts as much if it is a sample site.

        Args:
            other: the site whose surroundings it gets.
            frames: plates further in than those of the other.
            steps: steps of Markov chains further in.
        """
        around = other.frames
        if self.extra:
            if self.extra.get(UNPLACED):
                return self
            around = tuple([frame for frame in around if frame.name not in self.extra.get(OUTSIDE, ())])
        site = self.replace(
            frames=(*around, *frames),
            steps=(*other.steps, *steps),
            variables={**other.variables, **self.variables},
        )
        if site.kind != "sample":
            return site
        site = site.scaled_by(other.scale)
        if other.latent_slots is not None and not site.observed:
            own = site.latent_slots
            site = site.replace(latent_slots=other.latent_slots if own is None else own & other.latent_slots)
        return site if other.mask is None else site.masked_by(other.mask)

    def resolve(self) -> Site:
        """The finished site: its distribution broadcast to its plates, and a value drawn if it has none."""
        self.broadcast()
        if self.value is None and self.fn is not None and "undrawn" not in self.extra:
            fn = self.fn
            if callable(fn):
                self.value = fn(*self.args, **self.kwargs)
            else:  # a plain torch.distributions object
                self.value = fn.rsample() if fn.has_rsample else fn.sample()
        elif isinstance(self.fn, TorchDistributionMixin) and isinstance(self.value, Tensor):
            self.fn = self.fn.with_length_of(self.value)
        return self

    def broadcast(self) -> None:
        """Expand its distribution to the plates around it that are known so far, in place."""
        if self.kind != "sample" or not self.frames:
            return
        batch_shape = self.fn.batch_shape
        shape = plates_shape(self.name, batch_shape, self.frames)
        if shape != batch_shape:
            self.fn = expanded(self.fn, shape)

    # After it has resolved

    @property
    def is_latent(self) -> bool:
        """True for a random variable that inference must find."""
        return self.kind == "sample" and not self.observed

    @property
    def is_factor(self) -> bool:
        """True for a log-probability of the program's own choice, as ``factor`` states it."""
        return self.kind == "sample" and isinstance(self.fn, Unit)

    @property
    def block(self) -> Block | None:
        """The steps of a Markov chain that it states at once; ``None`` where it states one, or is in no chain."""
        return next((step.block for step in self.steps if step.block is not None), None)

    @property
    def weight(self) -> float:
        """The product of the weights of its plates."""
        weight = 1.0
        for frame in self.frames:
            weight *= frame.weight
        return weight

    @property
    def unscaled_log_prob(self) -> Tensor:
        """Log-density of the value, without scale, mask and plate weights. Shape: ``fn.batch_shape``.

        Where an observation is masked out, it is that of some point of the support. Where an enumerated variable moves
        the support away from the value, it is minus infinity.
        """
        if self._unscaled_log_prob is None:
            moves = self.variables and support_varies(self.fn, self.variables)
            self._unscaled_log_prob = self.extended_log_prob() if moves else self._scored(_log_prob)
        return self._unscaled_log_prob

    def extended_log_prob(self) -> Tensor:
        """As ``unscaled_log_prob``, with minus infinity outside any support that has tensors for bounds."""
        return self._scored(extended_log_prob)

    def _scored(self, log_prob: LogProb) -> Tensor:
        if self.mask is None or not self.observed:
            return log_prob(self.fn, self.value)
        return observed_log_prob(self.fn, self.value, self.mask, log_prob)

    @property
    def unscaled_log_prob_is_known(self) -> bool:
        """True if it has been computed already."""
        return self._unscaled_log_prob is not None

    @property
    def term(self) -> Tensor:
        """Log-density with the scale and mask of handlers, before the plates' weights. Shape: ``fn.batch_shape``."""
        log_prob = self.unscaled_log_prob
        if self.mask is not None:
            log_prob = counted(log_prob, self.mask)
        if isinstance(self.scale, Tensor) or self.scale != 1.0:
            log_prob = log_prob * self.scale
        return log_prob

    @property
    def log_prob(self) -> Tensor:
        """Log-density as objectives count it: scaled, masked, weighted by its plates. Shape: ``fn.batch_shape``."""
        if self._log_prob is None:
            weight = self.weight
            self._log_prob = self.term if weight == 1.0 else self.term * weight
        return self._log_prob

    @property
    def log_prob_sum(self) -> Tensor:
        """The sum of ``log_prob``, a scalar in nats."""
        return self.log_prob.sum()

    def forget_log_prob(self) -> None:
        """Drop the log-probabilities computed so far."""
        self._unscaled_log_prob = None
        self._log_prob = None

    def __repr__(self) -> str:
        value = tuple(self.value.shape) if isinstance(self.value, torch.Tensor) else self.value
        return f"Site({self.kind} {self.name!r}, fn={self.fn}, value={value}, observed={self.observed})"


def _log_prob(fn: Any, value: Tensor) -> Tensor:
    return fn.log_prob(value)  # type: ignore[no-any-return]
