"""``to_arviz``: a fit as ArviZ's ``DataTree``. The door to arviz-base."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.density.draws_at_once import Joint
from virgil.infer.export.dims import Dims, whole_value
from virgil.infer.export.pointwise import is_datum
from virgil.infer.export.samples import Samples, samples
from virgil.infer.run.outcome import Outcome
from virgil.infer.trust.draws import Arguments, fitted, joint, obstacle, origin_of_fit
from virgil.infer.trust.weights import LEAST, importance

if TYPE_CHECKING:
    from xarray import DataTree

__all__ = ["to_arviz"]


@dataclass(frozen=True)
class _Group:
    """Arrays by variable, the names of each one's own dims, and attributes.

    Attributes:
        is_sampled: whether the first dim of each array counts draws.
    """

    arrays: dict[str, Tensor]
    dims: dict[Any, Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    is_sampled: bool = True


def to_arviz(fit: Outcome, given: Arguments | None, num_samples: int, seed: int | None) -> DataTree:
    """A fit as a ``DataTree``; the arguments are those of ``Fit.to_arviz``."""
    try:
        import arviz_base  # noqa: PLC0415 - an optional dependency at its door
        import xarray  # noqa: PLC0415 - which arviz-base needs
    except ImportError:
        raise ArgumentError('to_arviz() needs arviz-base: pip install "virgil-ppl[arviz]".') from None
    if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples < 1:
        raise ArgumentError(f"to_arviz() got num_samples={shown(num_samples)}; it takes a whole number, 1 or more.")
    origin = origin_of_fit(fit)
    with fitted(origin, seed):
        at = joint(origin, given)
        drawn = samples(at, num_samples)
        hindrance = obstacle(origin, at, given is not None)
    dims = Dims(at.single.model)
    datasets = {
        name: arviz_base.dict_to_dataset(
            {each: _array(value, group.is_sampled) for each, value in group.arrays.items()},
            dims=group.dims,
            coords=dims.coords,
            attrs={"inference_library": "virgil", **group.attributes},
            sample_dims=None if group.is_sampled else [],
        )
        for name, group in _groups(at, drawn, dims, hindrance).items()
        if group.arrays
    }
    tree: DataTree = xarray.DataTree.from_dict(datasets)
    return tree


def _array(value: Tensor, is_sampled: bool) -> Any:
    array = value.detach().cpu().numpy()
    return array[None] if is_sampled else array  # one chain


def _groups(at: Joint, drawn: Samples, dims: Dims, hindrance: str | None) -> dict[str, _Group]:
    def of_sites(arrays: dict[str, Tensor], is_sampled: bool = True) -> _Group:
        return _Group(arrays, {name: dims.of(name) for name in arrays}, is_sampled=is_sampled)

    likelihood = {
        name: dims.of_batch(name) if each.plates is None else dims.of_plates(each.plates)
        for name, each in drawn.log_likelihood.items()
    }
    data = {name: whole_value(site) for name, site in at.single.model.nodes.items() if is_datum(site)}
    return {
        "posterior": of_sites(drawn.posterior),
        "posterior_predictive": of_sites(drawn.posterior_predictive),
        "log_likelihood": _Group({name: each.logs for name, each in drawn.log_likelihood.items()}, likelihood),
        "sample_stats": _stats(drawn, hindrance),
        "prior": of_sites(drawn.prior),
        "prior_predictive": of_sites(drawn.prior_predictive),
        "observed_data": of_sites(data, is_sampled=False),
        "constant_data": _Group(_constants(at, data), {}, is_sampled=False),
    }


def _stats(drawn: Samples, hindrance: str | None) -> _Group:
    """Log-densities, and what importance weights say, or why there are none."""
    arrays = {"lp": drawn.log_p, "log_q": drawn.log_q}
    if hindrance is not None:
        return _Group(arrays, {}, {"no_weights_because": hindrance})
    arrays["log_weight"] = drawn.log_p - drawn.log_q
    if len(drawn.log_p) < LEAST:
        return _Group(arrays, {})
    weights = importance(drawn.log_p, drawn.log_q)
    return _Group(arrays, {}, {"k_hat": weights.k_hat, "k_hat_threshold": weights.threshold})


def _constants(at: Joint, data: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors among the arguments that are no observations."""
    call = at.call
    try:
        arguments = inspect.signature(call.model).bind(*call.args, **call.kwargs).arguments
    except (TypeError, ValueError):  # no signature, or one that takes the arguments in another way
        arguments = {f"argument_{place}": value for place, value in enumerate(call.args)} | call.kwargs
    tensors = {name: value for name, value in arguments.items() if isinstance(value, Tensor)}
    return {
        name: value
        for name, value in tensors.items()
        if not any(value.shape == each.shape and value.data_ptr() == each.data_ptr() for each in data.values())
    }
