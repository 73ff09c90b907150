"""Series, stated by their frequencies."""

from __future__ import annotations

from virgil.distributions.transforms.discrete_cosine import DiscreteCosineTransform
from virgil.infer.reparam.unit_jacobian import UnitJacobianReparam

__all__ = ["DiscreteCosineReparam"]


class DiscreteCosineReparam(UnitJacobianReparam):
    """States the discrete cosine coefficients ``x_dct`` of a series, low frequencies first.

    Args:
        dim: the dim of time, negative.
        smooth: the order of noise that becomes white noise: 0 for white noise itself, 1 for a series that is
            continuous, as Brownian motion is, 2 for one with a continuous derivative.
        experimental_allow_batch: lets ``dim`` be a batch dim; see :class:`UnitJacobianReparam`.
    """

    def __init__(self, dim: int = -1, smooth: float = 0.0, *, experimental_allow_batch: bool = False) -> None:
        transform = DiscreteCosineTransform(dim=dim, smooth=smooth)
        super().__init__(transform, suffix="dct", experimental_allow_batch=experimental_allow_batch)
