"""A set in words: ``> 0``, ``[low, high]``, ``simplex``."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.distributions import constraints as torchs

from virgil.distributions import constraints

__all__ = ["in_words"]

_NAMES = {
    "_Real": "real",
    "_Integer": "integer",
    "_Boolean": "0 or 1",
    "_OneHot": "one-hot vector",
    "_Simplex": "simplex",
    "_OrderedVector": "increasing vector",
    "_LowerCholesky": "lower Cholesky factor",
    "_CorrCholesky": "Cholesky factor of a correlation matrix",
    "_CorrMatrix": "correlation matrix",
    "_PositiveDefinite": "positive definite matrix",
    "_ZeroSum": "array that sums to zero along each dim",
    "_Dependent": "of any kind",
    "unit_norm": "unit vector",
    "CoalescentTimesConstraint": "times in increasing order at which the leaves can coalesce",
    "OneOneMatchingConstraint": "permutation of 0, ..., n - 1",
    "OneTwoMatchingConstraint": "vector in which each of 0, ..., n - 1 comes twice",
    "SpanningTreeConstraint": "edges of a spanning tree, sorted",
}
_BETWEEN = {
    torchs.interval: "[{lower_bound}, {upper_bound}]",
    torchs.half_open_interval: "[{lower_bound}, {upper_bound})",
    torchs.integer_interval: "{lower_bound}, ..., {upper_bound}",
    torchs.greater_than: "> {lower_bound}",
    torchs.greater_than_eq: "≥ {lower_bound}",
    torchs.less_than: "< {upper_bound}",
    type(torchs.nonnegative_integer): "integer ≥ {lower_bound}",
}
_ARRAYS = {1: "vector", 2: "matrix"}


def in_words(constraint: Any, fn: Any = None) -> str:
    """The set that a constraint describes; bounds that are parameters of ``fn`` have their names."""
    if isinstance(constraint, torchs.independent):
        return _of_entries(constraint, fn)
    if isinstance(constraint, torchs.MixtureSameFamilyConstraint):
        return in_words(constraint.base_constraint, fn)
    if isinstance(constraint, type(constraints.multinomial(1))):
        return "counts that sum to `total_count`"
    for kind, words in _BETWEEN.items():
        if isinstance(constraint, kind):
            bounds = {name: _bound(bound, fn) for name, bound in vars(constraint).items() if name.endswith("_bound")}
            return words.format(**bounds)
    return _NAMES[type(constraint).__name__]


def _of_entries(constraint: Any, fn: Any) -> str:
    array = _ARRAYS.get(constraint.reinterpreted_batch_ndims, "array")
    entry = in_words(constraint.base_constraint, fn)
    return f"real {array}" if entry == "real" else f"{array} of entries {entry}"


def _bound(value: Any, fn: Any) -> str:
    if not isinstance(value, Tensor):
        return "n - 1" if value == getattr(fn, "_num_events", 0) - 1 > 0 else f"{value:g}"
    for name in [*getattr(fn, "arg_constraints", {}), *getattr(fn, "__dict__", {})]:
        other = getattr(fn, name, None)
        if isinstance(other, Tensor) and other.shape == value.shape and bool((other == value).all()):
            return f"`{name.removeprefix('_')}`"
    if bool((value == value.reshape(-1)[0]).all()):
        return f"{value.reshape(-1)[0].item():g}"
    if bool((value == fn.loc + fn.scale).all()):
        return "`loc + scale`"
    raise ValueError(f"No parameter of {fn} is the bound {value}.")
