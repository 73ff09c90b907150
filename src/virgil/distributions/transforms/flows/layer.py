"""The base of maps whose image and log-determinant come from one pass through a network."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, cast

from torch import Tensor

from virgil.distributions import constraints
from virgil.distributions.transforms.transform_module import TransformModule

__all__ = ["Layer", "REAL_VECTOR"]

REAL_VECTOR = cast(constraints.Constraint, constraints.real_vector)


class Layer(TransformModule):
    """A map of which a pass gives the image, or the inverse image, and the log-determinant of the Jacobian.

    The log-determinant of the last pass is kept as the image is, so that a draw and its density take one pass.
    """

    bijective = True
    _kept: tuple[Tensor, Tensor, Tensor] | None = None  # value, image, log-determinant

    def __init__(self) -> None:
        super().__init__(cache_size=1)

    @abstractmethod
    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The image of ``x``, and the log-determinant at ``x``."""

    @abstractmethod
    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """The value whose image is ``y``, and the log-determinant at that value."""

    def _call(self, x: Tensor) -> Tensor:
        y, log_determinant = self._image(x)
        self._keep_determinant(x, y, log_determinant)
        return y

    def _inverse(self, y: Tensor) -> Tensor:
        x, log_determinant = self._inverse_image(y)
        self._keep_determinant(x, y, log_determinant)
        return x

    def _keep_determinant(self, x: Tensor, y: Tensor, log_determinant: Tensor) -> None:
        if self._cache_size:
            self._kept = x, y, log_determinant

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor, intermediates: Any = None) -> Tensor:
        """The logarithm of the Jacobian's absolute determinant at ``x``."""
        if self._kept is not None and self._kept[0] is x and self._kept[1] is y:
            return self._kept[2]
        return self._image(x)[1]
