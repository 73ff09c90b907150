"""Networks whose every output depends on earlier inputs alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from virgil.errors import ArgumentError, shown
from virgil.networks.dense import Nonlinearity
from virgil.networks.masked import MaskedLinear
from virgil.networks.sizes import check_sizes, checked_input, with_context

__all__ = ["AutoRegressiveNN", "ConditionalAutoRegressiveNN", "create_mask"]


def create_mask(
    input_dim: int,
    context_dim: int,
    hidden_dims: Sequence[int],
    permutation: Tensor,
    output_dim_multiplier: int,
) -> tuple[list[Tensor], Tensor]:
    r"""The masks that make a dense network autoregressive.

    Each unit has a degree, the number of variables in the order's beginning that it may depend on: 0 for the context,
    :math:`1, \dots, D` for the inputs in their order, and for hidden units the degrees below :math:`D` in equal shares.
    With :math:`d'` for degrees of one layer and :math:`d` for those of the layer before it, the mask is

    .. math:: M_{kj} = [d'_k \ge d_j] \text{ into hidden units}, \qquad M_{kj} = [d'_k > d_j] \text{ into outputs}.

    Source: Germain, Gregor, Murray and Larochelle 2015, "MADE: Masked Autoencoder for Distribution Estimation",
    sections 3 and 4.

    Args:
        input_dim: :math:`D`, the number of variables.
        context_dim: how many units of context stand before them; all outputs may depend on these.
        hidden_dims: sizes of the hidden layers.
        permutation: the variables in their order: ``permutation[0]`` is the first. Shape: ``(input_dim,)``.
        output_dim_multiplier: how many outputs each variable has. The outputs are blocks of ``input_dim``.

    Returns:
        The mask of each layer, ones and zeros, outputs first, and that of a connection past all hidden layers.
    """
    order = torch.empty_like(permutation)
    order[permutation] = torch.arange(1, input_dim + 1, device=permutation.device)
    inputs = torch.cat([order.new_zeros(context_dim), order])
    lowest = 0 if context_dim else min(1, input_dim - 1)
    hidden = [_even_degrees(lowest, input_dim, size).to(order) for size in hidden_dims]
    outputs = order.repeat(output_dim_multiplier)
    masks = [(after[:, None] >= before) for before, after in pairwise([inputs, *hidden])]
    masks.append(outputs[:, None] > (hidden[-1] if hidden else inputs))
    dtype = torch.get_default_dtype()
    return [mask.to(dtype) for mask in masks], (outputs[:, None] > inputs).to(dtype)


def _even_degrees(lowest: int, end: int, size: int) -> Tensor:
    """``size`` degrees in equal shares from ``lowest`` up to ``end``, excluding it."""
    return lowest + torch.arange(size) * (end - lowest) // size


class ConditionalAutoRegressiveNN(nn.Module):
    r"""A network of variables and a context, in which a variable's outputs depend on the variables before it alone.

    For a variable :math:`x_i` the outputs are functions of the context and of those :math:`x_j` that stand before it in
    an order; the Jacobian of the outputs, sorted by this order, is strictly lower triangular.

    Source: Germain, Gregor, Murray and Larochelle 2015, "MADE: Masked Autoencoder for Distribution Estimation".

    Args:
        input_dim: the number of variables.
        context_dim: size of the last dim of the context.
        hidden_dims: sizes of the hidden layers. Each must have room for all degrees, see :func:`create_mask`.
        param_dims: how many outputs a variable has, one number a parameter.
        permutation: the variables in their order: ``permutation[0]`` depends on no other. Default: a random order.
            Shape: ``(input_dim,)``.
        skip_connections: whether the inputs are also connected directly to the outputs.
        nonlinearity: what follows each hidden layer, a function or a module.

    Raises:
        ArgumentError: a size that is no positive integer, no parameter at all, a hidden layer that is too small, or a
            permutation that is none.
    """

    permutation: Tensor

    def __init__(
        self,
        input_dim: int,
        context_dim: int,
        hidden_dims: Sequence[int],
        param_dims: Sequence[int] = (1, 1),
        permutation: Tensor | None = None,
        skip_connections: bool = False,
        nonlinearity: Nonlinearity = functional.relu,
    ) -> None:
        super().__init__()
        check_sizes(self, input_dim, context_dim, hidden_dims, param_dims)
        self.input_dim, self.context_dim = input_dim, context_dim
        self.hidden_dims, self.param_dims = list(hidden_dims), list(param_dims)
        degrees = input_dim if context_dim else input_dim - 1
        if hidden_dims and min(hidden_dims) < degrees:
            raise ArgumentError(
                f"{type(self).__name__} got hidden_dims={shown(hidden_dims)} for input_dim={input_dim}; a hidden "
                f"layer with less than {degrees} units would keep some variables from those after them. Make it larger."
            )
        self.register_buffer("permutation", _checked_order(self, input_dim, permutation))
        outputs = sum(param_dims)
        masks, skip = create_mask(input_dim, context_dim, hidden_dims, self.permutation, outputs)
        self.layers = nn.ModuleList(MaskedLinear(mask.shape[1], mask.shape[0], mask) for mask in masks)
        self.skip_layer = MaskedLinear(skip.shape[1], skip.shape[0], skip, bias=False) if skip_connections else None
        self.f = nonlinearity

    def get_permutation(self) -> Tensor:
        """The variables in their order. Shape: ``(input_dim,)``."""
        return self.permutation

    def forward(self, x: Tensor, context: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The parameters, one tensor if there is one and else a tuple.

        Args:
            x: the variables. Shape: ``(*batch, input_dim)``.
            context: the context, which broadcasts with the batch. Shape: ``(..., context_dim)``.

        Returns:
            For each of ``param_dims`` a tensor, without the dim ``param_dim`` where all of them are 1.
            Shape: ``(*batch, param_dim, input_dim)``.
        """
        return self._of(with_context(self, x, context))

    def _of(self, inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        h: Tensor = inputs
        *hidden, last = self.layers
        for layer in hidden:
            h = self.f(layer(h))
        h = last(h)
        if self.skip_layer is not None:
            h = h + self.skip_layer(inputs)
        params: tuple[Tensor, ...] = h.unflatten(-1, (-1, self.input_dim)).split(self.param_dims, -2)
        if set(self.param_dims) == {1}:
            params = tuple(each.squeeze(-2) for each in params)
        return params[0] if len(params) == 1 else params


def _checked_order(network: nn.Module, size: int, permutation: Tensor | None) -> Tensor:
    if permutation is None:
        return torch.randperm(size)
    order = torch.as_tensor(permutation)
    if order.is_floating_point() or tuple(order.shape) != (size,) or order.sort().values.tolist() != list(range(size)):
        raise ArgumentError(
            f"{type(network).__name__} got permutation={shown(permutation)}; it takes a tensor with each whole "
            f"number from 0 to {size - 1} once, in the order of the variables."
        )
    return order.long()


class AutoRegressiveNN(ConditionalAutoRegressiveNN):
    """A network in which a variable's outputs depend on the variables before it alone.

    As :class:`ConditionalAutoRegressiveNN`, without a context. The outputs of the first variable are constant.

    Args:
        input_dim: the number of variables.
        hidden_dims: sizes of the hidden layers, each at least ``input_dim - 1``.
        param_dims: how many outputs a variable has, one number a parameter.
        permutation: the variables in their order: ``permutation[0]`` depends on no other. Default: a random order.
            Shape: ``(input_dim,)``.
        skip_connections: whether the inputs are also connected directly to the outputs.
        nonlinearity: what follows each hidden layer, a function or a module.

    Example:
        >>> import torch
        >>> from virgil.nn import AutoRegressiveNN
        >>> loc, log_scale = AutoRegressiveNN(4, [32])(torch.ones(10, 4))
        >>> loc.shape
        torch.Size([10, 4])
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dims: Sequence[int],
        param_dims: Sequence[int] = (1, 1),
        permutation: Tensor | None = None,
        skip_connections: bool = False,
        nonlinearity: Nonlinearity = functional.relu,
    ) -> None:
        super().__init__(input_dim, 0, hidden_dims, param_dims, permutation, skip_connections, nonlinearity)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:  # type: ignore[override]
        """The parameters, one tensor if there is one and else a tuple.

        Args:
            x: the variables. Shape: ``(*batch, input_dim)``.

        Returns:
            For each of ``param_dims`` a tensor, without the dim ``param_dim`` where all of them are 1.
            Shape: ``(*batch, param_dim, input_dim)``.
        """
        return self._of(checked_input(self, x))
