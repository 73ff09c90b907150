"""``Reparam``, the base of reparameterisers, and the statements that they make."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, cast

from torch import Tensor

from virgil.distributions import Delta
from virgil.errors import ArgumentError, shown
from virgil.poutine.plate import active_frames
from virgil.poutine.reparam import ReparamMessage, ReparamResult
from virgil.poutine.runtime import emit
from virgil.poutine.site import OUTSIDE, Site

__all__ = ["Reparam", "computed", "refuse_observed", "refused", "state"]


class Reparam(ABC):
    """States other variables in the place of one.

    A reparameteriser of a program's own derives from it and defines :meth:`apply`, which makes the statements.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.reparam import Reparam
        >>> class Shifted(Reparam):
        ...     def apply(self, msg):
        ...         base = virgil.sample(msg["name"] + "_base", dist.Normal(0.0, 1.0))
        ...         value = base + msg["fn"].loc
        ...         return {"fn": dist.Delta(value).mask(False), "value": value, "is_observed": True}
        >>> model = lambda: virgil.sample("x", dist.Normal(3.0, 1.0))
        >>> virgil.poutine.trace(virgil.poutine.reparam(model, config={"x": Shifted()})).get_trace().stochastic_nodes
        ['x_base']
    """

    @abstractmethod
    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """Make the statements, and say what becomes of the variable.

        Args:
            msg: the variable: ``name``, ``fn``, ``value`` and ``is_observed``. A value that is not observed is where
                the variable is to begin.

        Returns:
            ``fn``, ``value`` and ``is_observed`` of the statement that keeps the variable's name.
        """


def state(
    name: str,
    fn: Any,
    value: Tensor | None = None,
    is_observed: bool | None = False,
    infer: dict[str, Any] | None = None,
    outside: Iterable[str] = (),
) -> Tensor:
    """State a variable, and return its value.

    Args:
        name: of the site.
        fn: its distribution.
        value: where it begins, or what is observed.
        is_observed: whether the value is data.
        infer: options for inference.
        outside: names of plates around it in which it does not stand.

    Raises:
        ArgumentError: a mask or scale differs between slots of one of these.
    """
    site = Site("sample", name, fn, value=value, observed=bool(is_observed), infer=infer)
    names = frozenset(outside)
    if not names:
        return cast(Tensor, emit(site).value)
    site.extra = {OUTSIDE: names}
    dims = {frame.name: frame.dim for frame in active_frames() if frame.name in names}
    finished = emit(site)
    for each in (finished.mask, finished.scale):
        for plate, dim in dims.items():
            if isinstance(each, Tensor) and dim is not None and each.dim() >= -dim and each.shape[dim] > 1:
                raise ArgumentError(
                    f"At site {name!r}, masks or scales differ between slots of plate {plate!r}, outside of which it "
                    "stands. Give all slots the same mask and scale, or leave this variable as it is."
                )
    return cast(Tensor, finished.value)


def computed(value: Tensor, event_dim: int, log_density: Tensor | None = None) -> ReparamResult:
    """The statement of a variable that is a function of others: an observation of their value.

    Args:
        value: the variable's.
        event_dim: how many of its dims on the right are one event.
        log_density: what it adds to the log-density of the program, nats. Default: nothing.
    """
    if log_density is None:
        return {"fn": Delta(value, event_dim=event_dim).mask(False), "value": value, "is_observed": True}
    return {"fn": Delta(value, log_density, event_dim=event_dim), "value": value, "is_observed": True}


def refuse_observed(reparam: object, msg: ReparamMessage) -> None:
    """Refuse to restate data.

    Raises:
        ArgumentError: the variable is observed.
    """
    if msg["is_observed"]:
        name = type(reparam).__name__
        raise ArgumentError(
            f"At site {msg['name']!r}, {name} got an observed variable; it restates latent ones alone. Leave this site "
            "out of the config of poutine.reparam."
        )


def refused(reparam: object, msg: ReparamMessage, expected: str) -> ArgumentError:
    """The error about a variable whose distribution is none that a reparameteriser can restate.

    Args:
        reparam: the reparameteriser.
        msg: the variable.
        expected: what it takes, and what to do, in words that follow "it takes".
    """
    return ArgumentError(
        f"At site {msg['name']!r}, {type(reparam).__name__} got {shown(msg['fn'])}; it takes {expected}."
    )
