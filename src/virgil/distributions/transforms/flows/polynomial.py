"""Autoregressive maps by polynomials whose derivatives are sums of squares."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from virgil.distributions.transforms.flows.autoregressive import inverse_in_order
from virgil.distributions.transforms.flows.layer import REAL_VECTOR, Layer
from virgil.networks import AutoRegressiveNN
from virgil.ops.monotone_inverse import invert_increasing

__all__ = ["Polynomial", "polynomial"]


class Polynomial(Layer):
    r"""An autoregressive map by increasing polynomials, with a network to learn.

    .. math:: y_i = c_i + \int_0^{x_i} \sum_{k=1}^K \Bigl(\sum_{r=0}^R a_{kri}\, u^r\Bigr)^2 du

    The network gives the coefficients :math:`a` from the variables before :math:`x_i`. The integral is a Gaussian
    quadrature of R + 1 points, which is exact for polynomials of this degree and a sum of squares as well, so that
    rounding does not make it decrease. The log determinant of the Jacobian is the sum of the logarithms of the
    integrands at :math:`x_i`. The inverse finds one variable after the other, each from an increasing function of one
    number.

    Source: Jaini, Selby and Yu 2019, "Sum-of-Squares Polynomial Flow", section 3.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        autoregressive_nn: a network such as :class:`~virgil.nn.AutoRegressiveNN` that gives a tensor of shape
            ``(*batch, count_sum * (count_degree + 1), n)``, the coefficients of the first polynomial first.
        input_dim: the length of the vectors.
        count_degree: R, the degree of the polynomials that are squared.
        count_sum: K, how many there are.

    Example:
        >>> import torch
        >>> from virgil import distributions as dist
        >>> from virgil.distributions.transforms import polynomial
        >>> base = dist.Normal(torch.zeros(3), 1.0).to_event(1)
        >>> flow = dist.TransformedDistribution(base, [polynomial(3)])
        >>> flow.log_prob(flow.rsample((5,))).shape
        torch.Size([5])
    """

    domain = codomain = REAL_VECTOR
    sign = +1
    autoregressive = True

    def __init__(self, autoregressive_nn: nn.Module, input_dim: int, count_degree: int, count_sum: int) -> None:
        super().__init__()
        self.arn = autoregressive_nn
        self.input_dim, self.count_degree, self.count_sum = input_dim, count_degree, count_sum
        self.c = nn.Parameter(torch.empty(input_dim))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new constants."""
        bound = self.c.shape[0] ** -0.5
        nn.init.uniform_(self.c, -bound, bound)

    def _coefficients(self, x: Tensor) -> list[Tensor]:
        """From the highest power to the lowest. Shape: ``(*batch, K, n)`` each."""
        coefficients: Tensor = self.arn(x)
        rows = coefficients.unflatten(-2, (self.count_sum, self.count_degree + 1))
        return list(rows.unbind(-2))[::-1]

    def _image(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rows = self._coefficients(x)
        return self.c + _integral(rows, x), _sum_of_squares(rows, x).log().sum(-1)

    def _inverse_image(self, y: Tensor) -> tuple[Tensor, Tensor]:
        # on the scale of asinh(x), for any size of x; polynomials and their squares stay finite up to this bound
        bound = math.asinh(torch.finfo(y.dtype).max ** (0.5 / (self.count_degree + 1)) / 8)
        high = torch.full_like(y, bound)

        def solve(x: Tensor) -> Tensor:
            rows = self._coefficients(x)

            def image(t: Tensor) -> tuple[Tensor, Tensor]:
                u = t.sinh()
                return self.c + _integral(rows, u), _sum_of_squares(rows, u).log() + t.cosh().log()

            return invert_increasing(image, y, -high, high).sinh()

        x = inverse_in_order(solve, y, self.arn)
        return x, _sum_of_squares(self._coefficients(x), x).log().sum(-1)


def _sum_of_squares(rows: list[Tensor], x: Tensor) -> Tensor:
    """The sum of the squares of the polynomials at ``x``. Shape: that of ``x``."""
    x = x.unsqueeze(-2)
    value = rows[0]
    for row in rows[1:]:
        value = value * x + row
    return value.square().sum(-2)


def _integral(rows: list[Tensor], x: Tensor) -> Tensor:
    """The integral of the sum of squares from 0 to ``x``."""
    points, weights = (torch.from_numpy(each).to(x) for each in np.polynomial.legendre.leggauss(len(rows)))
    inside = x.unsqueeze(-2) * ((points + 1) / 2).unsqueeze(-1)
    heights = _sum_of_squares([row.unsqueeze(-3) for row in rows], inside)
    return x * (weights.unsqueeze(-1) / 2 * heights).sum(-2)


def polynomial(input_dim: int, hidden_dims: Sequence[int] | None = None) -> Polynomial:
    """A :class:`Polynomial` of three squares of degree four, with an autoregressive network.

    Args:
        input_dim: the length of the vectors.
        hidden_dims: the sizes of the hidden layers. Default: one of ``10 * input_dim``.
    """
    degree, count = 4, 3
    hidden = [10 * input_dim] if hidden_dims is None else hidden_dims
    network = AutoRegressiveNN(input_dim, hidden, param_dims=[(degree + 1) * count])
    return Polynomial(network, input_dim, degree, count)
