"""Positive numbers reached by softplus instead of exp, which grows linearly and so keeps large gradients in bounds."""

from __future__ import annotations

from torch.distributions import biject_to, constraints, transform_to
from torch.distributions.transforms import SoftplusTransform

__all__ = ["softplus_positive"]


class _SoftplusPositive(constraints.greater_than):
    def __init__(self) -> None:
        super().__init__(lower_bound=0.0)

    def __repr__(self) -> str:
        return "SoftplusPositive()"


softplus_positive = _SoftplusPositive()


@biject_to.register(softplus_positive)  # type: ignore[untyped-decorator]
@transform_to.register(softplus_positive)  # type: ignore[untyped-decorator]
def _to_softplus_positive(constraint: constraints.Constraint) -> SoftplusTransform:
    return SoftplusTransform()
