"""The bijection from real vectors onto a site's support, whose Jacobian a guide's density needs.

``biject_to`` is torch's registry of them. It has none onto lower triangular and positive definite matrices; those are
chosen here, from the vector of the free entries. Bounds that are the same in every slot of a plate become one number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor
from torch.distributions import constraints as torch_constraints
from torch.distributions.transforms import ExpTransform, Transform

from virgil.distributions.core.entry_constraint import entry_constraint
from virgil.distributions.transforms import biject_to
from virgil.errors import ArgumentError

__all__ = ["Bijection", "find_bijection", "is_discrete"]


@dataclass(frozen=True, slots=True)
class Bijection:
    """How a site's unconstrained value becomes its value.

    Attributes:
        support: the set onto which it maps, all event dims counted.
        transform: applied to the innermost dims; ``None`` for the identity.
        event_dim: event dims of the value.
        unconstrained_event_dim: event dims of the unconstrained value.
        independent: how many event dims lie left of the transform's own.
    """

    support: torch_constraints.Constraint
    transform: Transform | None
    event_dim: int
    unconstrained_event_dim: int
    independent: int

    def __call__(self, unconstrained: Tensor) -> Tensor:
        """The value."""
        return unconstrained if self.transform is None else cast(Tensor, self.transform(unconstrained))

    def inverse(self, value: Tensor) -> Tensor:
        """The unconstrained value."""
        return value if self.transform is None else cast(Tensor, self.transform.inv(value))

    def log_abs_det_jacobian(self, unconstrained: Tensor, value: Tensor) -> Tensor | float:
        """Log of the volume's change, nats. Shape: ``(*batch,)``, or a number where there is none."""
        if self.transform is None:
            return 0.0
        log_volume = cast(Tensor, self.transform.log_abs_det_jacobian(unconstrained, value))
        return log_volume.sum(list(range(-self.independent, 0))) if self.independent else log_volume


def is_discrete(fn: Any) -> bool:
    """True for a distribution of discrete values."""
    if getattr(fn, "has_enumerate_support", False):
        return True
    return bool(getattr(getattr(fn, "support", None), "is_discrete", False))


def find_bijection(name: str, fn: Any, bound_of: Callable[[Tensor], Any] | None = None) -> Bijection:
    """The bijection for the distribution ``fn`` at site ``name``.

    Args:
        name: the site's.
        fn: its distribution.
        bound_of: what to take for a bound of the support that is a tensor. Default: the tensor without derivatives, or
            one number where all entries are the same.

    Raises:
        ArgumentError: the support is discrete, or no bijection onto it is known.
    """
    event_dim = len(fn.event_shape)
    support = entry_constraint(fn.support)
    if support is torch_constraints.real or type(support) is type(torch_constraints.real):
        return Bijection(_independent(torch_constraints.real, event_dim), None, event_dim, event_dim, event_dim)
    support = _bounded(support, bound_of or _number)
    transform = _transform(name, type(fn).__name__, support)
    independent = event_dim - transform.codomain.event_dim
    whole = _independent(support, event_dim - support.event_dim)
    return Bijection(whole, transform, event_dim, transform.domain.event_dim + independent, independent)


def _independent(support: torch_constraints.Constraint, count: int) -> torch_constraints.Constraint:
    return torch_constraints.independent(support, count) if count else support


def _transform(name: str, family: str, support: torch_constraints.Constraint) -> Transform:
    if (
        isinstance(support, torch_constraints.greater_than | torch_constraints.greater_than_eq)
        and not isinstance(support.lower_bound, Tensor)
        and support.lower_bound == 0
    ):
        return ExpTransform()  # torch's is 0 + 1 * exp(x), in three operations
    try:
        return cast(Transform, biject_to(support))
    except NotImplementedError:
        raise ArgumentError(
            f"At site {name!r}, the support of {family} is {support}, onto which no bijection from real vectors is "
            "known. Register one by virgil.distributions.biject_to.register(...), or give the site a guide of your own."
        ) from None


def _bounded(support: Any, bound_of: Callable[[Tensor], Any]) -> Any:
    """The same set with other bounds in the place of those that are tensors."""
    bounds = {key: bound for key, bound in vars(support).items() if key in ("lower_bound", "upper_bound")}
    if not any(isinstance(bound, Tensor) for bound in bounds.values()):
        return support
    return type(support)(**{key: bound_of(each) if isinstance(each, Tensor) else each for key, each in bounds.items()})


def _number(bound: Tensor) -> Any:
    """A bound that was widened to a plate as one number again."""
    bound = bound.detach()
    first = bound.flatten()[0]
    return first.item() if bool((bound == first).all()) else bound
