"""A row of the tables of edges: a log-density or a divergence, its exact formula, and values to put into it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import virgil.distributions as dist


@dataclass(frozen=True, eq=False)
class Edge:
    """One family: how to make it, its log-density, and values at the edges.

    Attributes:
        make: the distribution from its parameters.
        log_prob: the exact log-density from value and parameters.
        grid: values of each parameter, by name, and of ``x``, the value; or a function of the parameters for ``x``.
    """

    make: Callable[..., Any]
    log_prob: Callable[..., Any]
    grid: dict[str, Any]

    def ours(self, x: Tensor, **params: Tensor) -> Tensor:
        return self.make(**params).log_prob(x)

    def exact(self, x: Any, **params: Any) -> Any:
        return self.log_prob(x, *params.values())

    def cases(self) -> Iterator[dict[str, float]]:
        names = [name for name in self.grid if name != "x"]
        for params in itertools.product(*(self.grid[name] for name in names)):
            values = self.grid["x"](*params) if callable(self.grid["x"]) else self.grid["x"]
            for x in values:
                yield {"x": x, **dict(zip(names, params, strict=True))}


@dataclass(frozen=True, eq=False)
class Divergence:
    """A divergence in closed form: of two distributions, which take the numbers in turn, first those of the first."""

    make: Callable[..., Any]
    exact_of: Callable[..., Any]
    first: tuple[tuple[float, ...], ...]
    second: tuple[tuple[float, ...], ...]

    def ours(self, **params: Tensor) -> Tensor:
        numbers = list(params.values())
        half = len(numbers) // 2
        return dist.kl_divergence(self.make(*numbers[:half]), self.make(*numbers[half:]))

    def exact(self, **params: Any) -> Any:
        return self.exact_of(*params.values())

    def cases(self) -> Iterator[dict[str, float]]:
        for numbers in itertools.product(*self.first, *self.second):
            half = len(numbers) // 2
            yield {f"{'pq'[place >= half]}{place % half}": number for place, number in enumerate(numbers)}


@dataclass(frozen=True, eq=False)
class Cross:
    """A divergence between two families, as a function of some numbers."""

    value: Callable[..., Tensor]
    exact_of: Callable[..., Any]
    grids: tuple[tuple[float, ...], ...]

    def ours(self, **params: Tensor) -> Tensor:
        return self.value(*params.values())

    def exact(self, **params: Any) -> Any:
        return self.exact_of(*params.values())

    def cases(self) -> Iterator[dict[str, float]]:
        for numbers in itertools.product(*self.grids):
            yield {f"p{place}": number for place, number in enumerate(numbers)}


class Pair:
    """A family of vectors of two numbers with a fixed sum, as one of the first of them."""

    def __init__(self, fn: Any, total: float) -> None:
        self.fn, self.total = fn, total

    def log_prob(self, x: Tensor) -> Tensor:
        return self.fn.log_prob(torch.stack([x, self.total - x], -1))


class OfTwoRows:
    """Cholesky factors of correlation matrices with two rows, by their last entry."""

    def __init__(self, fn: Any) -> None:
        self.fn = fn

    def log_prob(self, x: Tensor) -> Tensor:
        row = torch.stack([(1 - x.square()).sqrt(), x], -1)
        return self.fn.log_prob(torch.stack([torch.tensor([1.0, 0.0]), row], -2))


class OfOneRow:
    """Matrices with one row, by their only entry."""

    def __init__(self, fn: Any) -> None:
        self.fn = fn

    def log_prob(self, x: Tensor) -> Tensor:
        return self.fn.log_prob(x[None, None])


class OfOneEntry:
    """Vectors with one entry, by that."""

    def __init__(self, fn: Any) -> None:
        self.fn = fn

    def log_prob(self, x: Tensor) -> Tensor:
        return self.fn.log_prob(x[None])


POSITIVE = (1e-20, 1e-6, 1e-3, 1.0, 30.0, 1e4, 1e6, 1e12)
SHAPES = (1e-6, 1e-3, 0.5, 1.0, 3.0, 1e3, 1e6)
LOCS = (-1e6, 0.0, 30.0)
SCALES = (1e-12, 1e-3, 1.0, 1e6)
LOGITS = (-1e4, -200.0, -50.0, -20.0, -1.0, 0.0, 1e-4, 5.0, 20.0, 50.0, 200.0, 1e4)
PROBS = (1e-30, 1e-10, 1e-4, 0.3, 0.5, 0.9999)
UNIT = (1e-30, 1e-10, 1e-4, 0.3, 0.5, 0.99, 0.9999)


def around(*centre_and_spread: float) -> tuple[float, ...]:
    centre, spread = centre_and_spread
    return tuple(centre + z * spread for z in (-30.0, -2.0, 0.0, 1.0, 1e-3, 8.0))


def near_mean(mean: float, sd: float) -> tuple[float, ...]:
    return tuple(x for x in (mean, mean + sd, mean - sd, mean / 10, mean * 3) if x > 0)


def counts_near(mean: float, sd: float) -> tuple[float, ...]:
    return tuple({float(max(0, round(x))) for x in (0.0, 1.0, mean, mean + sd, mean - 2 * sd) if x < 2**24})
