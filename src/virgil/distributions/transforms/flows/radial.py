"""Radial maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.vector_bijection import GivenParameters, VectorBijection, VectorMap
from virgil.networks import DenseNN

__all__ = ["ConditionalRadial", "ConditionedRadial", "Radial", "conditional_radial", "radial"]

_Params = tuple[Tensor, Tensor, Tensor]


class _RadialMap(VectorMap):
    """The formulas of a radial map, see :class:`Radial`."""

    def _centre_and_scales(self) -> tuple[Tensor, Tensor, Tensor]:
        """The centre, alpha, and alpha + beta."""
        centre, alpha, beta = self._params()
        return centre, softplus(alpha), softplus(beta)

    def _call(self, x: Tensor) -> Tensor:
        centre, alpha, total = self._centre_and_scales()
        offset = x - centre
        return centre + offset * _stretch(_norm(offset), alpha, total)

    def _inverse(self, y: Tensor) -> Tensor:
        centre, alpha, total = self._centre_and_scales()
        offset = y - centre
        image = _norm(offset)
        half = (total - image) / 2
        root = (half.square() + image * alpha).sqrt()
        # of the two forms of the solution the one that adds numbers of one sign
        radius = torch.where(half > 0, image * alpha / (root + half.abs()), root + half.abs())
        return centre + offset / _stretch(radius, alpha, total)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        centre, alpha, total = self._centre_and_scales()
        radius = _norm(x - centre)
        across = _stretch(radius, alpha, total)
        along = (radius * (2 * alpha + radius) + alpha * total) / (alpha + radius).square()
        return ((x.shape[-1] - 1) * across.log() + along.log()).squeeze(-1)


def _norm(offset: Tensor) -> Tensor:
    """The length of a vector, with derivatives of zero at the origin."""
    norm: Tensor = torch.linalg.vector_norm(offset, dim=-1, keepdim=True)
    return norm


def _stretch(radius: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """The factor 1 + beta / (alpha + r) by which distances across the radius grow, a sum of positive numbers."""
    return (radius + total) / (alpha + radius)


class ConditionedRadial(GivenParameters, _RadialMap):
    """A radial map (:class:`Radial`) of given parameters.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        params: the centre, alpha' and beta', or a function that gives them. Shapes: ``(*batch, n)``, ``(*batch, 1)``,
            ``(*batch, 1)``.
    """


class Radial(_RadialMap):
    r"""A radial map with parameters to learn.

    .. math::

        y = x + \frac{\beta}{\alpha + r} (x - x_0), \qquad r = |x - x_0|, \qquad
        \alpha = \log(1 + e^{\alpha'}), \qquad \beta = \log(1 + e^{\beta'}) - \alpha

    moves values towards a centre or away from it. As :math:`\beta > -\alpha` it is a bijection. The determinant of its
    Jacobian is :math:`(1 + \beta h)^{n - 1} (1 + \beta \alpha h^2)` with :math:`h = 1 / (\alpha + r)`. In the inverse
    :math:`r` solves the quadratic equation :math:`r^2 + (\alpha + \beta - R) r = R \alpha` for :math:`R = |y - x_0|`.

    Source: Rezende and Mohamed 2015, "Variational Inference with Normalizing Flows", section 4.1 and appendix A.2.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        input_dim: the length of the vectors.

    Example:
        >>> import torch
        >>> from virgil import distributions as dist
        >>> from virgil.distributions.transforms import Radial
        >>> base = dist.Normal(torch.zeros(3), 1.0).to_event(1)
        >>> dist.TransformedDistribution(base, [Radial(3)]).log_prob(torch.zeros(5, 3)).shape
        torch.Size([5])
    """

    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.x0 = nn.Parameter(torch.empty(input_dim))
        self.alpha_prime = nn.Parameter(torch.empty(1))
        self.beta_prime = nn.Parameter(torch.empty(1))
        self.reset_parameters()

    def _params(self) -> _Params:
        return self.x0, self.alpha_prime, self.beta_prime

    def reset_parameters(self) -> None:
        """Draw new parameters."""
        bound = self.x0.shape[0] ** -0.5
        for each in (self.x0, self.alpha_prime, self.beta_prime):
            nn.init.uniform_(each, -bound, bound)


class ConditionalRadial(ConditionalTransformModule):
    """Radial maps (:class:`Radial`) whose parameters a network gives from a context.

    Args:
        nn: a function of the context that gives the centre, alpha' and beta', of sizes n, 1 and 1.
    """

    domain = codomain = VectorBijection.domain
    bijective = True

    def __init__(self, nn: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.nn = nn

    def condition(self, context: Tensor) -> ConditionedRadial:
        """The map at this context."""
        centre, alpha, beta = self.nn(context)
        return ConditionedRadial((centre, alpha, beta))


def radial(input_dim: int) -> Radial:
    """A new :class:`Radial`.

    Args:
        input_dim: the length of the vectors.
    """
    return Radial(input_dim)


def conditional_radial(input_dim: int, context_dim: int, hidden_dims: Sequence[int] | None = None) -> ConditionalRadial:
    """A :class:`ConditionalRadial` with a dense network.

    Args:
        input_dim: the length of the vectors.
        context_dim: the size of the context.
        hidden_dims: the sizes of the hidden layers. Default: two of ``10 * input_dim``.
    """
    hidden = [10 * input_dim] * 2 if hidden_dims is None else hidden_dims
    return ConditionalRadial(DenseNN(context_dim, hidden, param_dims=[input_dim, 1, 1]))
