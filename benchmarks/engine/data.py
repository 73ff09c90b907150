"""What the programs fit and where they start: NumPy arrays, the same for every language.

Nothing here imports a language, since a row's time begins with its process.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Array",
    "Layer",
    "Rows",
    "documents",
    "eight_schools",
    "eruptions",
    "images",
    "layers",
    "rows",
    "series",
    "word_counts",
]

Array = NDArray[np.float32]


class Rows(NamedTuple):
    """Covariates and a yes or no."""

    x: Array
    y: Array


class Layer(NamedTuple):
    """An affine map as a network has it at its start. Shapes: ``(inputs, outputs)`` and ``(outputs,)``."""

    weight: Array
    bias: Array


def _single(values: NDArray[np.float64]) -> Array:
    return values.astype(np.float32)


def eight_schools() -> tuple[Array, Array]:
    """Effects and their standard errors *(Rubin 1981)*."""
    effect = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0], np.float32)
    return effect, np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0], np.float32)


def eruptions(size: int = 272) -> Array:
    """Two groups of points, unequal in size, of one spread."""
    random = np.random.default_rng(0)
    return _single(np.where(random.random(size) < 0.35, -1.2, 0.7) + 0.3 * random.standard_normal(size))


def rows(size: int = 10_000, coefficients: int = 50) -> Rows:
    """From a logistic regression."""
    random = np.random.default_rng(1)
    x = random.standard_normal((size, coefficients))
    logits = x @ (0.3 * random.standard_normal(coefficients))
    return Rows(_single(x), _single(1.0 * (random.random(size) < 1.0 / (1.0 + np.exp(-logits)))))


def series(steps: int = 200, states: int = 8) -> Array:
    """A chain that mostly stays where it is, seen through noise."""
    random = np.random.default_rng(2)
    state, seen = 0, np.empty(steps)
    for step in range(steps):
        if random.random() < 0.2:
            state = int(random.integers(states))
        seen[step] = 2.0 * (state - (states - 1) / 2) + random.standard_normal()
    return _single(seen)


def documents(count: int = 1_000, words: int = 64, vocabulary: int = 1_024, topics: int = 8) -> NDArray[np.int64]:
    """From latent Dirichlet allocation. Shape: ``(words, count)``."""
    random = np.random.default_rng(3)
    frequencies = random.dirichlet(np.full(vocabulary, 0.3), topics)
    shares = random.dirichlet(np.full(topics, 0.3), count) @ frequencies
    ends = shares.cumsum(1)
    drawn = [np.searchsorted(row, random.random(words) * row[-1]) for row in ends]
    return np.stack(drawn, 1).astype(np.int64)


def word_counts(topics: int = 8, vocabulary: int = 1_024) -> Array:
    """Where a guide's topics start: all different, or they would stay alike."""
    return _single(np.random.default_rng(4).gamma(1.0, 1.0, (topics, vocabulary)) + 0.2)


def images(count: int = 128, pixels: int = 784, kinds: int = 10) -> Array:
    """Black and white, each one of ten with a twentieth of its pixels turned over."""
    random = np.random.default_rng(5)
    originals = random.random((kinds, pixels)) < 0.3
    turned = random.random((count, pixels)) < 0.05
    return _single(1.0 * (originals[random.integers(kinds, size=count)] ^ turned))


def layers(*sizes: int) -> list[Layer]:
    """The start of a network with these numbers of units, uniform within one over the root of the inputs."""
    random = np.random.default_rng(list(sizes))
    return [
        Layer(*(_single(random.uniform(-1.0, 1.0, shape) / inputs**0.5) for shape in ((inputs, outputs), (outputs,))))
        for inputs, outputs in pairwise(sizes)
    ]
