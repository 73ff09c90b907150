"""The ``expand`` methods that families share."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from torch import Size
from torch import distributions as td
from torch.distributions import constraints

from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.ops.sizes import Sizes

__all__ = ["Parameter", "expand_as_torch", "expand_parameters"]

_Constraints = dict[str, constraints.Constraint]
_Family = TypeVar("_Family", bound=TorchDistributionMixin)


class Parameter:
    """A family's parameter, where the class is asked for it: an instance has a tensor under the same name.

    Args:
        constraint: the set that it lies in.

    Attributes:
        name: the parameter's, once it stands in a class.
    """

    def __init__(self, constraint: constraints.Constraint) -> None:
        self.constraint = constraint
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Parameter:
        if instance is None:
            return self
        raise AttributeError(f"{type(instance).__name__} has no {self.name} yet; its constructor sets it.")


def expand_as_torch(family: type[_Family]) -> type[_Family]:
    """Let a family of torch's with a constructor of its own keep torch's ``expand``.

    torch refuses to expand a class whose constructor is not its own, as attributes could be missing in the copy. The
    family sets the same attributes as torch's constructor and no others. A subclass that has a constructor is refused
    as before.
    """

    def expand(self: Any, batch_shape: Sizes, _instance: Any = None) -> Any:
        return super(family, self).expand(batch_shape, self._get_checked_instance(family, _instance))

    return _with_expand(family, expand)


def expand_parameters(family: type[_Family]) -> type[_Family]:
    """Give a family an ``expand`` that expands each parameter named in its ``arg_constraints``.

    The parameters are all that its constructor sets, and each spans the whole batch. A subclass that has a constructor
    is refused, as its attributes could be missing in the copy. The class itself has a :class:`Parameter` for each,
    which ``help()`` lists.
    """
    for name, constraint in cast(_Constraints, family.arg_constraints).items():
        if not hasattr(family, name):
            each = Parameter(constraint)
            each.__set_name__(family, name)
            setattr(family, name, each)
    event_dims = {name: constraint.event_dim for name, constraint in cast(_Constraints, family.arg_constraints).items()}

    def expand(self: Any, batch_shape: Sizes, _instance: Any = None) -> Any:
        new = self._get_checked_instance(family, _instance)
        shape = Size(batch_shape)
        for name, event_dim in event_dims.items():
            value = getattr(self, name)
            setattr(new, name, value.expand(shape + value.shape[value.dim() - event_dim :]))
        td.Distribution.__init__(new, shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    return _with_expand(family, expand)


def _with_expand(family: type[_Family], expand: Any) -> type[_Family]:
    expand.__qualname__ = f"{family.__qualname__}.expand"
    expand.__doc__ = "The same distribution over a larger batch."
    family.expand = expand  # type: ignore[method-assign]
    return family
