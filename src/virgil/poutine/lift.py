"""``lift``: turn parameters into random variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.poutine.per_entry import PerEntry
from virgil.poutine.runtime import Handler, Passage
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["Lift", "lift"]


class Lift(Handler):
    """Makes a name's first ``param`` statement a ``sample`` statement from ``prior``; later ones have its value."""

    takes_turns = True

    def __init__(self, prior: Any) -> None:
        self.prior = prior
        self._drawn: PerEntry[dict[str, Site]] = PerEntry(dict)

    def __enter__(self) -> Lift:
        self._drawn.enter()
        super().__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        super().__exit__(*exc_info)
        self._drawn.leave()

    def _prior_of(self, name: str) -> Any:
        if isinstance(self.prior, Mapping):
            return self.prior.get(name)
        if hasattr(self.prior, "log_prob"):
            return self.prior
        return self.prior(name)

    def before(self, site: Site) -> Site | Passage:
        """Exchange the parameter for a random variable."""
        if site.kind != "param":
            return site
        drawn = self._drawn.present
        if site.name in drawn:
            return Passage(drawn[site.name], is_finished=True)
        prior = self._prior_of(site.name)
        if prior is None:
            return site

        def keep(finished: Site) -> Site:
            drawn[site.name] = finished
            return finished

        if not hasattr(prior, "log_prob"):
            prior = _called(prior, site)
            if isinstance(prior, Tensor):  # drawn by statements of its own
                return Passage(site.replace(value=prior), keep, is_finished=True)
        return Passage(site.replace(kind="sample", fn=prior, args=(), kwargs={}, value=None), keep)


def _called(prior: Any, site: Site) -> Any:
    """The distribution, or the value, that a function of the parameter's initial value gives."""
    found = prior(_initial(site)) if callable(prior) else prior
    if not isinstance(found, Tensor) and not hasattr(found, "log_prob"):
        what = f"a function that returned {shown(found)}" if callable(prior) else shown(prior)
        raise ArgumentError(
            f"lift() got {what} as the prior of parameter {site.name!r}. It takes a distribution, or a function of the "
            "parameter's initial value that returns a distribution or a value."
        )
    return found


def _initial(site: Site) -> Tensor:
    """The value that a parameter begins with, detached: as its statement gives it, else as it is now."""
    for given in site.args:
        if isinstance(given, Tensor):
            return given.detach()
        if isinstance(given, FunctionType | MethodType | partial):
            made = given()
            return made.detach() if isinstance(made, Tensor) else torch.as_tensor(made)
    value: Tensor = site.resolve().value
    return value.detach()


def lift(fn: Program | None = None, prior: Mapping[str, Any] | Callable[[str], Any] | Any = None) -> Any:
    """Run a program whose parameters are random variables. A parameter that is read again is the same variable.

    Args:
        fn: the program; without one, the handler is returned.
        prior: a distribution for every parameter, a dict from name to distribution (others stay parameters), or a
            callable that gives a distribution, or ``None``, for a name. Its shape is the parameter's: batch dims of it
            need a plate or ``.to_event()``. In the place of a distribution in the dict may be a function of the
            parameter's initial value that returns one, or that draws the value by statements of its own.

    Raises:
        ArgumentError: there is no prior, or one that is neither.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> def model():
        ...     return virgil.param("w", torch.full((3,), 2.0))
        >>> around = virgil.poutine.lift(model, prior={"w": lambda w: dist.Normal(w, 0.1).to_event(1)})
        >>> virgil.poutine.trace(around).get_trace()["w"].fn.mean
        tensor([2., 2., 2.])
    """
    if prior is None:
        raise ArgumentError("lift() needs prior=: a distribution, or a dict from parameter name to distribution.")
    return wrapped(Lift(prior), fn)
