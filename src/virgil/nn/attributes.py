"""The attributes of a module that are random variables or constrained parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from torch import Tensor
from torch.distributions import constraints

from virgil.errors import ArgumentError, shown
from virgil.nn.priors import learnt_tensor
from virgil.params.constraint import Constraint

__all__ = ["Declared", "PyroParam", "PyroSample"]


class Declared:
    """An attribute that is read by a statement.

    In the body of a class it is declared for all instances, and may decorate the method that makes it.
    """

    def __get__(self, module: Any, owner: type | None = None) -> Any:
        return self if module is None else module.__getattr__(self.name)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    name = ""


class PyroParam(Declared):
    """A constrained parameter as an attribute of a :class:`PyroModule`.

    The module owns its unconstrained leaf, an ``nn.Parameter`` called ``<name>_unconstrained``. Reading the attribute
    makes a ``param`` statement under the attribute's dotted name and gives the constrained value; assigning a tensor
    sets that value.

    Args:
        init_value: the constrained initial value, or a function that makes it: of no arguments where it is assigned to
            an attribute, of the module where it stands in a class. That of a class is called when the attribute is
            first read, or not at all where a state is loaded before.
        constraint: where the value lives.
        event_dim: how many dims on the right belong to one slot; inside a subsampling plate the dims left of them are
            cut to the mini-batch. Default: all dims, so that nothing is cut.

    Example:
        >>> import torch
        >>> from virgil.distributions import constraints
        >>> from virgil.nn import PyroModule, PyroParam
        >>> class Growth(PyroModule):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.rate = PyroParam(torch.tensor(1.0), constraint=constraints.positive)
        ...     @PyroParam(constraint=constraints.unit_interval)
        ...     def share(self):
        ...         return torch.full((2,), 0.5)
        >>> growth = Growth()
        >>> growth.rate.item(), growth.share.tolist()
        (1.0, [0.5, 0.5])
        >>> list(growth.state_dict())
        ['rate_unconstrained', 'share_unconstrained']
    """

    init_value: Tensor | float | Callable[..., Tensor] | None = None
    constraint: Constraint = constraints.real
    event_dim: int | None = None

    def __init__(
        self,
        init_value: Tensor | float | Callable[..., Tensor] | None = None,
        constraint: Constraint = constraints.real,
        event_dim: int | None = None,
    ) -> None:
        self.init_value = init_value
        self.constraint = constraint
        self.event_dim = event_dim

    def __call__(self, init_value: Callable[..., Tensor]) -> PyroParam:
        """The same with this initial value, for ``@PyroParam(constraint=...)`` above a method."""
        return PyroParam(init_value, self.constraint, self.event_dim)

    def __reduce__(self) -> tuple[Any, ...]:
        # one that is pickled with its module has its leaf, and how that began may be a function without a name
        return PyroParam, (None, self.constraint, self.event_dim)


class PyroSample(Declared):
    """A random variable as an attribute of a :class:`PyroModule`.

    Reading the attribute makes a ``sample`` statement under the attribute's dotted name. Within one call of the
    outermost module it is made once, when the attribute is first read, and its value shared.

    Args:
        prior: a distribution, or a function of the module that gives one and may read its other attributes. A function
            that gives a tensor makes a ``deterministic`` statement. Where learnable parameters are in it, it must be a
            function.

    Raises:
        ArgumentError: ``prior`` is neither, or is a distribution of tensors that are learnt.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.nn import PyroModule, PyroSample
        >>> class Level(PyroModule):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.scale = PyroSample(dist.HalfNormal(1.0))
        ...     @PyroSample
        ...     def level(self):
        ...         return dist.Normal(0.0, self.scale)
        ...     def forward(self):
        ...         return self.level + self.level
        >>> virgil.poutine.trace(Level()).get_trace().stochastic_nodes
        ['scale', 'level']
    """

    def __init__(self, prior: Any) -> None:
        self.is_given = hasattr(prior, "log_prob") and not isinstance(prior, type)
        if not self.is_given and not callable(prior):
            raise ArgumentError(
                f"PyroSample got {shown(prior)}; it takes a distribution, such as dist.Normal(0.0, 1.0), or a "
                "function of the module that gives one."
            )
        if self.is_given and learnt_tensor(prior) is not None:
            raise ArgumentError(
                f"PyroSample got {prior}, which holds a tensor that is learnt, of shape "
                f"{tuple(learnt_tensor(prior).shape)}. A parameter must be read anew in each call: write "  # type: ignore[union-attr]
                "PyroSample(lambda self: ...) and read it as an attribute of self."
            )
        self.prior = prior
