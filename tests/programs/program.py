"""A program as users write them, with the numbers that SciPy gives for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

__all__ = ["Answer", "Program"]


class Answer(NamedTuple):
    """The numbers of a program at a point.

    Attributes:
        log_joint: log-density of the latent variables and the data, nats; discrete ones that are enumerated summed out.
        moments: mean and standard deviation of observed variables, given the latent variables at the point.
    """

    log_joint: float
    moments: Mapping[str, tuple[Any, Any]] = {}


@dataclass(frozen=True)
class Program:
    """A program and a point.

    Attributes:
        model: the program, called as ``model(*args, **data)``, or without data to draw them.
        point: a value of each latent variable that is not summed out.
        answer: ``answer(*args, **data, **point)``, all as NumPy arrays in double precision.
        args: what the program is called with.
        data: what it observes, tensors or dicts of them.
        enumerated: discrete variables that are summed out.
    """

    model: Callable[..., Any]
    point: Mapping[str, Any]
    answer: Callable[..., Answer]
    args: tuple[Any, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    enumerated: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, Tensor]:
        """The point as tensors."""
        return {name: torch.as_tensor(value) for name, value in self.point.items()}

    def computed(self) -> Answer:
        """The answer, computed in double precision by NumPy and SciPy."""
        point = {name: _number(value) for name, value in self.values.items()}
        args = [_number(each) for each in self.args]
        return self.answer(*args, **{name: _number(each) for name, each in self.data.items()}, **point)


def _number(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _number(each) for key, each in value.items()}
    if not isinstance(value, Tensor):
        return value
    array = value.detach().numpy()
    return array.astype(np.float64) if value.is_floating_point() else array
