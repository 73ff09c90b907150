"""Planar maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from virgil.distributions.transforms.conditional import ConditionalTransformModule
from virgil.distributions.transforms.flows.bent_line import invert_bent
from virgil.distributions.transforms.flows.vector_bijection import GivenParameters, VectorBijection, VectorMap
from virgil.networks import DenseNN

__all__ = ["ConditionalPlanar", "ConditionedPlanar", "Planar", "conditional_planar", "planar"]

_Params = tuple[Tensor, Tensor, Tensor]


class _PlanarMap(VectorMap):
    """The formulas of a planar map, see :class:`Planar`."""

    def u_hat(self, u: Tensor, w: Tensor) -> Tensor:
        r"""The direction :math:`\hat u`, for which :math:`w \cdot \hat u > -1`.

        Args:
            u: any vector. Shape: ``(*batch, n)``.
            w: the normal of the planes. Shape: ``(*batch, n)``.
        """
        product = (w * u).sum(-1, keepdim=True)
        square = w.square().sum(-1, keepdim=True).clamp_min(torch.finfo(w.dtype).tiny)
        return u + (softplus(product) - 1 - product) * w / square

    def _call(self, x: Tensor) -> Tensor:
        bias, u, w = self._params()
        return x + self.u_hat(u, w) * ((w * x).sum(-1, keepdim=True) + bias).tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        bias, u, w = self._params()
        factor = softplus((w * u).sum(-1, keepdim=True)) - 1  # of w and u_hat
        image = (w * y).sum(-1, keepdim=True)
        height = invert_bent(image, bias, torch.ones_like(bias), factor)
        return y - self.u_hat(u, w) * (height + bias).tanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        bias, u, w = self._params()
        square = ((w * x).sum(-1) + bias.squeeze(-1)).tanh().square()
        return (
            square + (1 - square) * softplus((w * u).sum(-1))
        ).log()  # 1 + (1 - square) w.u_hat, without cancellation


class ConditionedPlanar(GivenParameters, _PlanarMap):
    """A planar map (:class:`Planar`) of given parameters.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        params: b, u and w, or a function that gives them. Shapes: ``(*batch, 1)``, ``(*batch, n)``, ``(*batch, n)``.
    """


class Planar(_PlanarMap):
    r"""A planar map with parameters to learn.

    .. math::

        y = x + \hat u \tanh(w \cdot x + b), \qquad
        \hat u = u + (\log(1 + e^{w \cdot u}) - 1 - w \cdot u) \frac{w}{|w|^2}

    moves values along :math:`\hat u`, by amounts that are equal on planes across :math:`w`. As
    :math:`w \cdot \hat u > -1` it is a bijection. With :math:`a = w \cdot x + b` the determinant of its Jacobian is
    :math:`1 + (1 - \tanh^2 a)\, w \cdot \hat u`. The inverse is found from the increasing function
    :math:`w \cdot x \mapsto w \cdot y` of one number.

    Source: Rezende and Mohamed 2015, "Variational Inference with Normalizing Flows", section 4.1 and appendix A.1.

    Shape: ``(*batch, n)`` to ``(*batch, n)``.

    Args:
        input_dim: the length of the vectors.

    Example:
        >>> import torch
        >>> from virgil import distributions as dist
        >>> from virgil.distributions.transforms import Planar
        >>> base = dist.Normal(torch.zeros(3), 1.0).to_event(1)
        >>> flow = dist.TransformedDistribution(base, [Planar(3), Planar(3)])
        >>> flow.log_prob(flow.rsample((5,))).shape
        torch.Size([5])
    """

    def __init__(self, input_dim: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(1))
        self.u = nn.Parameter(torch.empty(input_dim))
        self.w = nn.Parameter(torch.empty(input_dim))
        self.reset_parameters()

    def _params(self) -> _Params:
        return self.bias, self.u, self.w

    def reset_parameters(self) -> None:
        """Draw new parameters."""
        bound = self.u.shape[0] ** -0.5
        nn.init.uniform_(self.u, -bound, bound)
        nn.init.uniform_(self.w, -bound, bound)
        nn.init.zeros_(self.bias)


class ConditionalPlanar(ConditionalTransformModule):
    """Planar maps (:class:`Planar`) whose parameters a network gives from a context.

    Args:
        nn: a function of the context that gives b, u and w, of sizes 1, n and n.
    """

    domain = codomain = VectorBijection.domain
    bijective = True

    def __init__(self, nn: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.nn = nn

    def condition(self, context: Tensor) -> ConditionedPlanar:
        """The map at this context."""
        bias, u, w = self.nn(context)
        return ConditionedPlanar((bias, u, w))


def planar(input_dim: int) -> Planar:
    """A new :class:`Planar`.

    Args:
        input_dim: the length of the vectors.
    """
    return Planar(input_dim)


def conditional_planar(input_dim: int, context_dim: int, hidden_dims: Sequence[int] | None = None) -> ConditionalPlanar:
    """A :class:`ConditionalPlanar` with a dense network.

    Args:
        input_dim: the length of the vectors.
        context_dim: the size of the context.
        hidden_dims: the sizes of the hidden layers. Default: two of ``10 * input_dim``.
    """
    hidden = [10 * input_dim] * 2 if hidden_dims is None else hidden_dims
    return ConditionalPlanar(DenseNN(context_dim, hidden, param_dims=[1, input_dim, input_dim]))
