"""The abstract base of all of Virgil's distributions."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch import distributions as td

from virgil.errors import ArgumentError
from virgil.ops.sizes import Sizes

__all__ = ["Distribution"]


class Distribution(td.Distribution):
    """Abstract base of all of Virgil's distributions, for ``isinstance`` and annotations."""

    def __call__(self, sample_shape: Sizes = ()) -> Tensor:
        """A draw, with a pathwise derivative where the family has one. Shape: (*sample_shape, *batch, *event)."""
        return self.rsample(sample_shape) if self.has_rsample else self.sample(sample_shape)

    def __getattr__(self, name: str) -> Any:
        if name in ("_batch_shape", "_event_shape"):
            raise ArgumentError(
                f"{type(self).__name__} has no batch_shape and event_shape. Call "
                "super().__init__(batch_shape, event_shape, validate_args=validate_args) in its __init__."
            )
        return super().__getattribute__(name)  # raises what it raised before

    def __repr__(self) -> str:
        try:
            return super().__repr__()
        except NotImplementedError:  # one of a user's own, without arg_constraints
            return f"{type(self).__name__}()"
