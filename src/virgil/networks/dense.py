"""Networks of dense layers that give the parameters of a distribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from virgil.networks.sizes import check_sizes, checked_input, with_context

__all__ = ["ConditionalDenseNN", "DenseNN", "Nonlinearity"]

Nonlinearity = Callable[[Tensor], Tensor]


class ConditionalDenseNN(nn.Module):
    """A dense network of an input and a context.

    Args:
        input_dim: size of the last dim of the input.
        context_dim: size of the last dim of the context.
        hidden_dims: sizes of the hidden layers.
        param_dims: sizes of the parameters that come out, one a parameter.
        nonlinearity: what follows each hidden layer, a function or a module.

    Raises:
        ArgumentError: a size that is no positive integer, or no parameter at all.

    Example:
        >>> import torch
        >>> from virgil.nn import ConditionalDenseNN
        >>> loc, scale = ConditionalDenseNN(5, 3, [16], param_dims=[4, 1])(torch.ones(10, 5), torch.ones(3))
        >>> loc.shape, scale.shape
        (torch.Size([10, 4]), torch.Size([10, 1]))
    """

    def __init__(
        self,
        input_dim: int,
        context_dim: int,
        hidden_dims: Sequence[int],
        param_dims: Sequence[int] = (1, 1),
        nonlinearity: Nonlinearity = functional.relu,
    ) -> None:
        super().__init__()
        check_sizes(self, input_dim, context_dim, hidden_dims, param_dims)
        self.input_dim, self.context_dim = input_dim, context_dim
        self.hidden_dims, self.param_dims = list(hidden_dims), list(param_dims)
        sizes = [context_dim + input_dim, *hidden_dims, sum(param_dims)]
        self.layers = nn.ModuleList(nn.Linear(size, following) for size, following in pairwise(sizes))
        self.f = nonlinearity

    def forward(self, x: Tensor, context: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The parameters, one tensor if there is one and else a tuple.

        Args:
            x: the input. Shape: ``(*batch, input_dim)``.
            context: the context, which broadcasts with the batch. Shape: ``(..., context_dim)``.

        Returns:
            For each of ``param_dims`` a tensor. Shape: ``(*batch, param_dim)``.
        """
        return self._of(with_context(self, x, context))

    def _of(self, h: Tensor) -> Tensor | tuple[Tensor, ...]:
        *hidden, last = self.layers
        for layer in hidden:
            h = self.f(layer(h))
        h = last(h)
        return h if len(self.param_dims) == 1 else h.split(self.param_dims, -1)


class DenseNN(ConditionalDenseNN):
    """A dense network.

    Args:
        input_dim: size of the last dim of the input.
        hidden_dims: sizes of the hidden layers.
        param_dims: sizes of the parameters that come out, one a parameter.
        nonlinearity: what follows each hidden layer, a function or a module.

    Raises:
        ArgumentError: a size that is no positive integer, or no parameter at all.

    Example:
        >>> import torch
        >>> from virgil.nn import DenseNN
        >>> DenseNN(5, [16, 16], param_dims=[3])(torch.ones(10, 5)).shape
        torch.Size([10, 3])
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dims: Sequence[int],
        param_dims: Sequence[int] = (1, 1),
        nonlinearity: Nonlinearity = functional.relu,
    ) -> None:
        super().__init__(input_dim, 0, hidden_dims, param_dims, nonlinearity)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:  # type: ignore[override]
        """The parameters, one tensor if there is one and else a tuple.

        Args:
            x: the input. Shape: ``(*batch, input_dim)``.

        Returns:
            For each of ``param_dims`` a tensor. Shape: ``(*batch, param_dim)``.
        """
        return self._of(checked_input(self, x))
