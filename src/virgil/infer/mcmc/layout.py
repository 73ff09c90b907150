"""``Layout``: named tensors as one vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Size, Tensor

from virgil.errors import ArgumentError

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """Where named tensors stand in a vector.

    Attributes:
        shapes: by name, in the order of the vector.
    """

    shapes: Mapping[str, Size]

    @classmethod
    def of(cls, params: Mapping[str, Tensor]) -> Layout:
        """The layout of some tensors, in the order of their names."""
        return cls({name: params[name].shape for name in sorted(params)})

    def ordered(self, names: Sequence[str]) -> Layout:
        """The same tensors in another order."""
        return Layout({name: self.shapes[name] for name in names})

    @property
    def dim(self) -> int:
        """The length of the vector."""
        return sum(shape.numel() for shape in self.shapes.values())

    def sizes(self, names: Sequence[str]) -> int:
        """How many entries some of the tensors have."""
        return sum(self.shapes[name].numel() for name in names)

    def vector(self, params: Mapping[str, Tensor]) -> Tensor:
        """The tensors in a row. Shape: ``(dim,)``.

        Raises:
            ArgumentError: a tensor is missing or has another shape.
        """
        for name, shape in self.shapes.items():
            if name not in params:
                raise ArgumentError(f"The state of a chain has no {name!r}; it has {', '.join(params) or 'nothing'}.")
            if params[name].shape != shape:
                raise ArgumentError(
                    f"The state of a chain has {name!r} of shape {tuple(params[name].shape)}; a chain takes the "
                    f"unconstrained shape {tuple(shape)}. With num_chains=n, initial_params have n rows."
                )
        return torch.cat([params[name].reshape(-1) for name in self.shapes])

    def rows(self, params: Mapping[str, Tensor]) -> Tensor:
        """Tensors with a batch in rows. Shapes: ``(*batch, *shape)`` by name to ``(*batch, dim)``."""
        flat = [
            params[name].flatten(params[name].dim() - len(shape)) if shape else params[name].unsqueeze(-1)
            for name, shape in self.shapes.items()
        ]
        return torch.cat(flat, -1)

    def params(self, vector: Tensor) -> dict[str, Tensor]:
        """The tensors of a vector, or of many. Shapes: ``(*batch, dim)`` to ``(*batch, *shape)`` by name."""
        rows = vector.split([shape.numel() for shape in self.shapes.values()], -1)
        batch = vector.shape[:-1]
        return {name: row.reshape(batch + shape) for (name, shape), row in zip(self.shapes.items(), rows, strict=True)}
