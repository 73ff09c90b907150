"""Growth of the American economy, by quarters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

__all__ = ["Growth", "load"]


@dataclass(frozen=True)
class Growth:
    """Growth of real gross domestic product.

    Attributes:
        quarters: each as ``4 * year + quarter - 1``. Shape: ``(202,)``.
        percent: growth in that quarter, percent a year. Shape: ``(202,)``.
    """

    quarters: Tensor
    percent: Tensor


def load() -> Growth:
    """The table that ships with Virgil, as growth; its first lines name the source."""
    table = np.loadtxt(Path(__file__).with_name("gdp.csv"), delimiter=",", skiprows=4)
    year, quarter, product = torch.from_numpy(table).T
    return Growth((4 * year + quarter - 1)[1:].long(), 400 * product.log().diff().float())
