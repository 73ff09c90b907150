"""Constraints as JSON values and back, by a table. A constraint that is not in the table cannot be written or read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.errors import FileFormatError, ParamError, a_kind
from virgil.params.constraint import Constraint

__all__ = ["constraint_from_json", "constraint_to_json", "register_constraint"]

# name -> (how it is made, its parameters in that order)
_TABLE: dict[str, tuple[Callable[..., Constraint], tuple[str, ...]]] = {}
_NAMES: dict[type[Constraint], str] = {}


def register_constraint(name: str, kind: type[Constraint], *parameters: str) -> None:
    """Give a class of constraints a written form: its name and the attributes that make it again."""
    _TABLE[name] = (kind, parameters)
    _NAMES[kind] = name


def constraint_to_json(name: str, constraint: Constraint) -> Any:
    """The written form of the constraint of parameter ``name``.

    >>> constraint_to_json("x", constraints.greater_than(1.0))
    {'type': 'greater_than', 'lower_bound': 1.0}

    Raises:
        ParamError: the constraint is of a class that is not in the table.
    """
    kind = _NAMES.get(type(constraint))
    if kind is None:
        raise ParamError(
            f"Parameter {name!r} has the constraint {constraint}, {a_kind(type(constraint))}, which has no written "
            "form, so the store was not saved. Use a constraint of virgil.distributions.constraints, or give it one by "
            "virgil.params.register_constraint."
        )
    values = {each: _value_to_json(name, getattr(constraint, each)) for each in _TABLE[kind][1]}
    return {"type": kind, **values}


def constraint_from_json(name: str, written: Any) -> Constraint:
    """The constraint of parameter ``name`` from its written form.

    Raises:
        FileFormatError: it is not one.
    """
    try:
        make, parameters = _TABLE[written["type"]]
        made = make(*(_value_from_json(name, written[each]) for each in parameters))
        if not isinstance(made, Constraint):
            raise TypeError(made)
        return made
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        raise FileFormatError(
            f"The file gives parameter {name!r} the constraint {written!r}, which this version does not know."
        ) from None


def _value_to_json(name: str, value: Any) -> Any:
    if isinstance(value, Constraint):
        return constraint_to_json(name, value)
    if isinstance(value, (list, tuple)):
        return [_value_to_json(name, each) for each in value]
    if isinstance(value, Tensor):
        return {"tensor": value.tolist(), "dtype": str(value.dtype).removeprefix("torch.")}
    return value


def _value_from_json(name: str, written: Any) -> Any:
    if isinstance(written, list):
        return [_value_from_json(name, each) for each in written]
    if isinstance(written, dict) and "tensor" in written:
        dtype = getattr(torch, written["dtype"])
        return torch.tensor(written["tensor"], dtype=dtype)
    return constraint_from_json(name, written) if isinstance(written, dict) else written


def _singleton(name: str, constraint: Constraint) -> None:
    _TABLE[name] = (lambda: constraint, ())
    _NAMES[type(constraint)] = name


for _name in (
    "boolean", "corr_cholesky", "corr_matrix", "lower_cholesky", "lower_triangular", "one_hot", "ordered_vector",
    "positive_definite", "positive_ordered_vector", "positive_semidefinite", "real", "simplex",
    "softplus_lower_cholesky", "softplus_positive", "sphere", "square", "symmetric", "unit_lower_cholesky",
):  # fmt: skip
    _singleton(_name, getattr(constraints, _name))
register_constraint("unit_norm", constraints.unit_norm, "p")  # in the place of "sphere", which old files have
register_constraint("greater_than", constraints.greater_than, "lower_bound")
register_constraint("greater_than_eq", constraints.greater_than_eq, "lower_bound")
register_constraint("less_than", constraints.less_than, "upper_bound")
register_constraint("interval", constraints.interval, "lower_bound", "upper_bound")
register_constraint("half_open_interval", constraints.half_open_interval, "lower_bound", "upper_bound")
register_constraint("independent", constraints.independent, "base_constraint", "reinterpreted_batch_ndims")
register_constraint("cat", constraints.cat, "cseq", "dim", "lengths")
register_constraint("stack", constraints.stack, "cseq", "dim")
