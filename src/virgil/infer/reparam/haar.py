"""Series, stated by their Haar wavelets."""

from __future__ import annotations

from virgil.distributions.transforms.haar import HaarTransform
from virgil.infer.reparam.unit_jacobian import UnitJacobianReparam

__all__ = ["HaarReparam"]


class HaarReparam(UnitJacobianReparam):
    """States the Haar coefficients ``x_haar`` of a series, coarse to fine.

    The coefficients of a series that varies slowly depend on each other less than its entries do, which suits guides
    and samplers that take them for independent.

    Args:
        dim: the dim of time, negative.
        flip: whether the series is turned around first.
        experimental_allow_batch: lets ``dim`` be a batch dim; see :class:`UnitJacobianReparam`.
    """

    def __init__(self, dim: int = -1, flip: bool = False, *, experimental_allow_batch: bool = False) -> None:
        transform = HaarTransform(dim=dim, flip=flip)
        super().__init__(transform, suffix="haar", experimental_allow_batch=experimental_allow_batch)
