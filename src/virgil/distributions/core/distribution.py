"""The abstract base of all of Virgil's distributions."""

from __future__ import annotations

from typing import Any

from torch import Size, Tensor
from torch import distributions as td

from virgil.errors import ArgumentError
from virgil.ops.sizes import Sizes

__all__ = ["Distribution"]


class _NoShapeError(ArgumentError, AttributeError):
    """Also an AttributeError, which ``hasattr`` and ``getattr`` with a default expect of what is not there."""


class Distribution(td.Distribution):
    """Abstract base of all of Virgil's distributions, for ``isinstance`` and annotations."""

    def __call__(self, sample_shape: Sizes = Size()) -> Tensor:
        """A draw, with a pathwise derivative where the family has one. Shape: (*sample_shape, *batch, *event)."""
        sample_shape = Size(sample_shape)  # as torch's own methods pass it to each other
        return self.rsample(sample_shape) if self.has_rsample else self.sample(sample_shape)

    def __getattr__(self, name: str) -> Any:
        if name in ("_batch_shape", "_event_shape"):
            raise _NoShapeError(
                f"{type(self).__name__} has no batch_shape and event_shape. Call "
                "super().__init__(batch_shape, event_shape, validate_args=validate_args) in its __init__."
            )
        following = getattr(super(), "__getattr__", None)  # that of nn.Module, where the class is one as well
        if following is not None:
            return following(name)
        return super().__getattribute__(name)  # raises what it raised before

    def __repr__(self) -> str:
        try:
            return super().__repr__()
        except NotImplementedError:  # one of a user's own, without arg_constraints
            return f"{type(self).__name__}()"
