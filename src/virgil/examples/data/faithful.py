"""Eruptions of the geyser Old Faithful."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

__all__ = ["Eruptions", "load"]


@dataclass(frozen=True)
class Eruptions:
    """Length of an eruption and the wait for the next one.

    Attributes:
        minutes: as they were measured. Shape: ``(272, 2)``.
        data: each column with mean 0 and sd 1. Shape: ``(272, 2)``.
    """

    minutes: Tensor
    data: Tensor

    def in_minutes(self, places: Tensor) -> Tensor:
        """Standardised places in minutes."""
        return self.minutes.mean(0) + self.spread_in_minutes(places)

    def spread_in_minutes(self, scale: Tensor) -> Tensor:
        """Standardised sds in minutes."""
        return scale * self.minutes.std(0, correction=0)


def load() -> Eruptions:
    """The table that ships with Virgil; its first lines name the source."""
    table = np.loadtxt(Path(__file__).with_name("faithful.csv"), delimiter=",", skiprows=4)
    minutes = torch.from_numpy(table).float()
    return Eruptions(minutes, (minutes - minutes.mean(0)) / minutes.std(0, correction=0))
