"""The sine model of two angles."""

from __future__ import annotations

import math

import torch
from torch import Size, Tensor
from torch.distributions.utils import broadcast_all, lazy_property

from virgil.distributions import constraints
from virgil.distributions.core.expand_methods import expand_parameters
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError
from virgil.ops.broadcast import broadcast_shapes
from virgil.ops.double_precision import in_double
from virgil.ops.sine_von_mises import log_normaliser, random_first_angles, second_angle
from virgil.ops.sizes import Sizes
from virgil.ops.von_mises import von_mises_angles

__all__ = ["SineBivariateVonMises"]

_Number = Tensor | float


@expand_parameters
class SineBivariateVonMises(TorchDistributionMixin):
    r"""Two dependent angles, such as those of a protein's backbone.

    The density at the angles :math:`(\phi, \psi)` is proportional to :math:`\exp(\kappa_1 \cos x + \kappa_2 \cos y +
    \rho \sin x \sin y)`, where x and y are the angles less their locations *(Singh, Hnizdo and Demchuk 2002)*. It has
    one mode if :math:`\rho^2 < \kappa_1 \kappa_2`, else two. The normaliser is the integral of the first angle's
    density, which has a closed form; the series of the paper takes as many terms as the root of the concentrations.
    Draws are the quantile of the first angle, then the second angle given it. Shape: parameters ``(*batch,)``, event
    ``(2,)``.

    Args:
        phi_loc: location of the first angle, radians.
        psi_loc: location of the second angle, radians.
        phi_concentration: > 0, of the first angle.
        psi_concentration: > 0, of the second angle.
        correlation: :math:`\rho`, any number.
        weighted_correlation: in place of it, :math:`\rho / \sqrt{\kappa_1 \kappa_2}`, which lies in [-1, 1] where there
            is one mode.

    Raises:
        ArgumentError: both of the correlations are given, or none.
    """

    arg_constraints = {
        "phi_loc": constraints.real,
        "psi_loc": constraints.real,
        "phi_concentration": constraints.positive,
        "psi_concentration": constraints.positive,
        "correlation": constraints.real,
    }
    support = constraints.real_vector

    def __init__(
        self,
        phi_loc: _Number,
        psi_loc: _Number,
        phi_concentration: _Number,
        psi_concentration: _Number,
        correlation: _Number | None = None,
        weighted_correlation: _Number | None = None,
        validate_args: bool | None = None,
    ) -> None:
        given = correlation if weighted_correlation is None else weighted_correlation
        if given is None or (correlation is not None and weighted_correlation is not None):
            raise ArgumentError(
                "SineBivariateVonMises takes exactly one of correlation and weighted_correlation, which is "
                "correlation / sqrt(phi_concentration * psi_concentration)."
            )
        numbers = broadcast_all(phi_loc, psi_loc, phi_concentration, psi_concentration, given)
        self.phi_loc, self.psi_loc, self.phi_concentration, self.psi_concentration, self.correlation = numbers
        if correlation is None:
            self.correlation = self.correlation * (self.phi_concentration * self.psi_concentration).sqrt()
        super().__init__(self.phi_loc.shape, Size((2,)), validate_args=validate_args)

    @classmethod
    def infer_shapes(cls, **arg_shapes: Sizes) -> tuple[Size, Size]:
        return Size(broadcast_shapes(*arg_shapes.values())), Size((2,))

    @lazy_property
    def norm_const(self) -> Tensor:
        """The logarithm of the integral of the exponential. Shape: ``(*batch,)``."""
        return in_double(lambda a, b, c: log_normaliser(a, b, c) + a + b, *self._model)

    @property
    def _model(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.phi_concentration, self.psi_concentration, self.correlation

    def sample(self, sample_shape: Sizes = Size()) -> Tensor:
        with torch.no_grad():
            a, b, c = (each.double() for each in self._model)
            uniform = torch.rand(Size(sample_shape) + self._batch_shape, dtype=a.dtype, device=a.device)
            # one uniform number gives the sign and, with what is left, the size
            sign = torch.where(uniform < 0.5, -1.0, 1.0).to(a.dtype)
            size = (2 * uniform - 1).abs().clamp(min=torch.finfo(a.dtype).tiny)
            phi = random_first_angles(size, sign, a, b, c)
            centre, concentration = second_angle(phi, b, c)
            psi = centre + von_mises_angles(concentration)
            angles = torch.stack([phi + self.phi_loc, psi + self.psi_loc], -1)
            return ((angles + math.pi) % (2 * math.pi) - math.pi).to(self.phi_loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        phi, psi = value.unbind(-1)
        return in_double(_log_prob, phi, psi, self.phi_loc, self.psi_loc, *self._model)

    @property
    def mean(self) -> Tensor:
        """The mean directions. Shape: ``(*batch, 2)``."""
        return torch.stack([self.phi_loc, self.psi_loc], -1)


def _log_prob(phi: Tensor, psi: Tensor, phi_loc: Tensor, psi_loc: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    x, y = phi - phi_loc, psi - psi_loc
    below = 2 * a * torch.sin(x / 2).square() + 2 * b * torch.sin(y / 2).square()  # 1 - cos
    return c * torch.sin(x) * torch.sin(y) - below - log_normaliser(a, b, c)
