"""The three functions that opt-einsum asks of a backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import opt_einsum
from torch import Tensor

from virgil.pyro.ops import contract

__all__ = ["Tensordot", "einsum_of"]

Einsum = Callable[..., Tensor]


def einsum_of(backend: str) -> Einsum:
    """Einsum with one output, of logarithms.

    Args:
        backend: the name of the module in ``pyro.ops.einsum``.
    """

    def einsum(equation: str, *operands: Tensor) -> Tensor:
        return contract.einsum(equation, *operands, backend=f"pyro.ops.einsum.{backend}")[0]

    einsum.__doc__ = f"Einsum with one output by the backend ``{backend}``, of logarithms."
    return einsum


class Tensordot:
    """``tensordot(x, y, axes)`` by an einsum.

    Args:
        einsum: a function of an equation and two tensors.
    """

    def __init__(self, einsum: Einsum) -> None:
        self.einsum = einsum

    def __call__(self, x: Tensor, y: Tensor, axes: int | Sequence[Sequence[int]] = 2) -> Tensor:
        """The product of two tensors, summed over dims of both.

        Args:
            x: the one.
            y: the other.
            axes: the dims of ``x``, and those of ``y``; or how many of the last ones of ``x`` and first ones of ``y``.
        """
        if isinstance(axes, int):
            axes = (range(x.dim() - axes, x.dim()), range(axes))
        names = [opt_einsum.get_symbol(place) for place in range(x.dim() + y.dim())]
        left, right = names[: x.dim()], names[x.dim() :]
        for one, other in zip(*axes, strict=True):
            right[other] = left[one]
        output = [name for name in left + right if (left + right).count(name) == 1]
        return self.einsum(f"{''.join(left)},{''.join(right)}->{''.join(output)}", x, y)
