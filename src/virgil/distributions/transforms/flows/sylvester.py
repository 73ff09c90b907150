"""Sylvester maps, which are planar maps of many planes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from virgil.distributions.transforms.flows.bent_line import invert_bent
from virgil.distributions.transforms.flows.householder import reflect
from virgil.distributions.transforms.flows.vector_bijection import VectorBijection

__all__ = ["Sylvester", "sylvester"]


class Sylvester(VectorBijection):
    r"""A Sylvester map whose orthogonal matrix is a product of reflections.

    .. math:: y = x + Q R \tanh(S Q^\top x + b)

    with upper triangular :math:`R` and :math:`S`, whose diagonals are hyperbolic tangents of the parameters, and an
    orthogonal :math:`Q`. As :math:`R_{ii} S_{ii} > -1` it is a bijection. With :math:`a = S Q^\top x + b` the
    determinant of its Jacobian is :math:`\prod_i (1 + (1 - \tanh^2 a_i) R_{ii} S_{ii})`. The inverse finds the entries
    of :math:`Q^\top x` from the last to the first, each from an increasing function of one number.

    Source: van den Berg, Hasenclever, Tomczak and Welling 2018, "Sylvester Normalizing Flows for Variational
    Inference", sections 3 and 4.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        input_dim: the length of the vectors.
        count_transforms: how many reflections :math:`Q` has.

    Example:
        >>> import torch
        >>> from virgil import distributions as dist
        >>> from virgil.distributions.transforms import Sylvester
        >>> base = dist.Normal(torch.zeros(3), 1.0).to_event(1)
        >>> flow = dist.TransformedDistribution(base, [Sylvester(3, count_transforms=2)])
        >>> flow.log_prob(flow.rsample((5,))).shape
        torch.Size([5])
    """

    triangular_mask: Tensor

    def __init__(self, input_dim: int, count_transforms: int = 1) -> None:
        super().__init__()
        self.u_unnormed = nn.Parameter(torch.empty(count_transforms, input_dim))
        self.R_dense = nn.Parameter(torch.empty(input_dim, input_dim))
        self.S_dense = nn.Parameter(torch.empty(input_dim, input_dim))
        self.R_diag = nn.Parameter(torch.empty(input_dim))
        self.S_diag = nn.Parameter(torch.empty(input_dim))
        self.b = nn.Parameter(torch.empty(input_dim))
        self.register_buffer("triangular_mask", torch.ones(input_dim, input_dim).triu(1))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new parameters: any reflections, and small numbers for the rest."""
        bound = self.b.shape[0] ** -0.5
        nn.init.uniform_(self.u_unnormed, -bound, bound)
        self.reset_parameters2()

    def reset_parameters2(self) -> None:
        """Draw small numbers for all parameters but the reflections', which stay: a map near the identity."""
        for each in (self.R_dense, self.S_dense, self.R_diag, self.S_diag, self.b):
            nn.init.uniform_(each, -0.01, 0.01)

    def dtanh_dx(self, x: Tensor) -> Tensor:
        """The derivative of the hyperbolic tangent."""
        return 1 - x.tanh().square()

    def R(self) -> Tensor:
        """The upper triangular matrix outside of the hyperbolic tangent. Shape: ``(n, n)``."""
        return self.R_dense * self.triangular_mask + self.R_diag.tanh().diag()

    def S(self) -> Tensor:
        """The upper triangular matrix inside. Shape: ``(n, n)``."""
        return self.S_dense * self.triangular_mask + self.S_diag.tanh().diag()

    def Q(self, x: Tensor) -> Tensor:
        """The orthogonal matrix, the product of the reflections in their order. Shape: ``(n, n)``.

        Args:
            x: a tensor with the dtype and device of the result.
        """
        identity = torch.eye(self.b.shape[0], dtype=x.dtype, device=x.device)
        norm: Tensor = torch.linalg.vector_norm(self.u_unnormed, dim=-1, keepdim=True)
        return reflect(identity, self.u_unnormed / norm)

    def _call(self, x: Tensor) -> Tensor:
        orthogonal = self.Q(x)
        return x + ((x @ orthogonal) @ self.S().mT + self.b).tanh() @ self.R().mT @ orthogonal.mT

    def _inverse(self, y: Tensor) -> Tensor:
        orthogonal, outer, inner = self.Q(y), self.R(), self.S()
        image = y @ orthogonal
        found = y.new_zeros((*y.shape[:-1], 0))  # the last entries of Q' x
        bent = found  # and the hyperbolic tangents that belong to them
        for i in reversed(range(y.shape[-1])):
            value = image[..., i] - bent @ outer[i, i + 1 :]
            rest = found @ inner[i, i + 1 :] + self.b[i]
            entry = invert_bent(value, rest, inner[i, i], outer[i, i])
            bent = torch.cat([(inner[i, i] * entry + rest).tanh().unsqueeze(-1), bent], -1)
            found = torch.cat([entry.unsqueeze(-1), found], -1)
        return y - bent @ outer.mT @ orthogonal.mT

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        inside = (x @ self.Q(x)) @ self.S().mT + self.b
        slopes = self.R_diag.tanh() * self.S_diag.tanh()
        return torch.log1p(self.dtanh_dx(inside) * slopes).sum(-1)


def sylvester(input_dim: int, count_transforms: int | None = None) -> Sylvester:
    """A new :class:`Sylvester`.

    Args:
        input_dim: the length of the vectors.
        count_transforms: how many reflections. Default: ``input_dim // 2 + 1``.
    """
    return Sylvester(input_dim, input_dim // 2 + 1 if count_transforms is None else count_transforms)
