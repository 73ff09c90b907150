"""``MultiFrameTensor``: sums of tensors that stand in different plates."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from virgil.poutine.frame import Frame

__all__ = ["MultiFrameTensor"]

Frames = frozenset[Frame]


class MultiFrameTensor(dict[Frames, Tensor]):
    """Sums of tensors, one for each set of plates around them.

    Args:
        *items: pairs of the plates around a tensor, as ``site["cond_indep_stack"]``, and the tensor.

    Example:
        >>> import torch
        >>> from virgil.poutine.frame import Frame
        >>> rows, columns = Frame("rows", -2, 2), Frame("columns", -1, 3)
        >>> costs = MultiFrameTensor(((rows, columns), torch.ones(2, 3)), ((rows,), torch.ones(2, 1)))
        >>> costs.sum_to((rows,)).tolist()
        [[4.0], [4.0]]
    """

    def __init__(self, *items: tuple[Iterable[Frame], Tensor]) -> None:
        super().__init__()
        self.add(*items)

    def add(self, *items: tuple[Iterable[Frame], Tensor]) -> None:
        """Add tensors, each with the plates around it; those that are iterated do not count."""
        for frames, value in items:
            key = frozenset(frame for frame in frames if frame.dim is not None)
            self[key] = self[key] + value if key in self else value

    def sum_to(self, target_frames: Iterable[Frame]) -> Tensor | float:
        """The sum of all tensors, each summed first over the plates that are not among these."""
        kept = frozenset(frame for frame in target_frames if frame.dim is not None)
        total: Tensor | float = 0.0
        for frames, value in self.items():
            for frame in frames - kept:
                if frame.dim is not None and value.dim() >= -frame.dim and value.shape[frame.dim] != 1:
                    value = value.sum(frame.dim, keepdim=True)
            while value.dim() and value.shape[0] == 1:
                value = value.squeeze(0)
            total = total + value
        return total

    def __repr__(self) -> str:
        parts = ",\n\t".join(f"({sorted(frame.name for frame in frames)}, ...)" for frames in self)
        return f"MultiFrameTensor({parts})"
