"""The handwritten digits that come with scikit-learn, in two parts: to learn from, and held out.

A sheet of 32 × 32 points, each inked or not, was cut into 8 × 8 blocks of 16 points *(Alpaydin and Kaynak 1998)*. What
is called a pixel here is the number of inked points in a block.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from virgil.examples.data.scikit_learn import scikit_learn

__all__ = ["Digits", "INK", "PIXELS", "SIDE", "load"]

SIDE = 8  # blocks
PIXELS = SIDE * SIDE
INK = 16  # points in a block
_HELD_OUT = 360  # a fifth


class Digits(NamedTuple):
    """Images, and which digit each shows.

    Attributes:
        images: whole numbers from 0 to ``INK``, as floats. Shape: ``(images, PIXELS)``.
        labels: from 0 to 9. Shape: ``(images,)``.
    """

    images: Tensor
    labels: Tensor


def load() -> tuple[Digits, Digits]:
    """1,437 digits to learn from, and 360 that are held out; the parts are the same in every run.

    Raises:
        ArgumentError: scikit-learn is not installed.
    """
    data = scikit_learn("datasets").load_digits()
    # the writers follow one another in the table, so the parts are drawn; by a generator of their own, which leaves
    # the program's random numbers as they are
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))
    images, labels = torch.from_numpy(data.data).float()[order], torch.from_numpy(data.target).long()[order]
    return Digits(images[_HELD_OUT:], labels[_HELD_OUT:]), Digits(images[:_HELD_OUT], labels[:_HELD_OUT])
