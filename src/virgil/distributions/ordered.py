"""Vectors whose entries increase: the cutpoints of an ordinal regression, the sorted means of a mixture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import biject_to, constraints, transform_to
from torch.distributions.transforms import ComposeTransform, ExpTransform, IndependentTransform, Transform

__all__ = ["OrderedTransform", "ordered_vector", "positive_ordered_vector"]


class _OrderedVector(constraints.Constraint):
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value[..., 1:] > value[..., :-1]).all(-1) & (value == value).all(-1)


class _PositiveOrderedVector(_OrderedVector):
    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value > 0).all(-1)


ordered_vector = _OrderedVector()
positive_ordered_vector = _PositiveOrderedVector()


class OrderedTransform(Transform):
    r"""From a real vector to an increasing one: :math:`y_0 = x_0,\ y_i = y_{i-1} + e^{x_i}`."""

    domain = constraints.real_vector
    codomain = ordered_vector
    bijective = True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OrderedTransform)

    __hash__ = Transform.__hash__

    def _call(self, x: Tensor) -> Tensor:
        return torch.cat([x[..., :1], x[..., 1:].exp()], -1).cumsum(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return torch.cat([y[..., :1], y.diff(dim=-1).log()], -1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x[..., 1:].sum(-1)


@biject_to.register(ordered_vector)  # type: ignore[untyped-decorator]
@transform_to.register(ordered_vector)  # type: ignore[untyped-decorator]
def _to_ordered_vector(constraint: constraints.Constraint) -> Transform:
    return OrderedTransform()


@biject_to.register(positive_ordered_vector)  # type: ignore[untyped-decorator]
@transform_to.register(positive_ordered_vector)  # type: ignore[untyped-decorator]
def _to_positive_ordered_vector(constraint: constraints.Constraint) -> Transform:
    return ComposeTransform([OrderedTransform(), IndependentTransform(ExpTransform(), 1)])
