"""Statistics of a stream of samples that are not kept: counts, means, variances, for a chain that is long.

A statistic is an object that changes with each sample. ``merge`` makes one of two, those of two chains say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, Generic, Self, TypeVar

import torch
from torch import Tensor

from virgil.errors import ArgumentError, a_kind
from virgil.ops.running_covariance import RunningCovariance

__all__ = [
    "CountMeanStats",
    "CountMeanVarianceStats",
    "CountStats",
    "StackStats",
    "StatsOfDict",
    "StreamingStats",
]

Sample = TypeVar("Sample")


class StreamingStats(ABC, Generic[Sample]):
    """A statistic of a stream of samples of one shape, in any order."""

    @abstractmethod
    def update(self, sample: Sample) -> None:
        """Take one more sample."""

    @abstractmethod
    def merge(self, other: Self) -> Self:
        """The statistic of both streams. Neither of the two changes.

        Raises:
            ArgumentError: the other is of another kind.
        """

    @abstractmethod
    def get(self) -> Any:
        """The statistic so far."""


class CountStats(StreamingStats[Any]):
    """How many samples have come.

    >>> stats = CountStats()
    >>> stats.update(torch.zeros(3))
    >>> stats.get()
    {'count': 1}
    """

    def __init__(self) -> None:
        self.count = 0

    def update(self, sample: Any) -> None:
        self.count += 1

    def merge(self, other: Self) -> Self:
        _check_alike(self, other)
        result = type(self)()
        result.count = self.count + other.count
        return result

    def get(self) -> dict[str, int]:
        """``count``."""
        return {"count": self.count}


class StackStats(StreamingStats[Tensor]):
    """All samples, stacked. Shape: ``(count, *sample)``."""

    def __init__(self) -> None:
        self.samples: list[Tensor] = []

    def update(self, sample: Tensor) -> None:
        self.samples.append(sample)

    def merge(self, other: Self) -> Self:
        _check_alike(self, other)
        result = type(self)()
        result.samples = self.samples + other.samples
        return result

    def get(self) -> dict[str, int | Tensor]:
        """``count`` and, once there are any, ``samples``."""
        count = len(self.samples)
        return {"count": count, "samples": torch.stack(self.samples)} if count else {"count": count}


class CountMeanStats(StreamingStats[Tensor]):
    """The number of samples and their mean."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor | float = 0.0

    def update(self, sample: Tensor) -> None:
        self.count += 1
        self.mean = self.mean + (sample.detach() - self.mean) / self.count

    def merge(self, other: Self) -> Self:
        _check_alike(self, other)
        result = type(self)()
        result.count = self.count + other.count
        share = other.count / max(result.count, 1)
        result.mean = self.mean * (1 - share) + other.mean * share
        return result

    def get(self) -> dict[str, int | Tensor]:
        """``count`` and, once there are samples, ``mean``."""
        return {"count": self.count, "mean": torch.as_tensor(self.mean)} if self.count else {"count": 0}


class CountMeanVarianceStats(StreamingStats[Tensor]):
    """The number of samples, their mean, and the variance of each entry, NaN for one sample."""

    def __init__(self) -> None:
        self.shape = torch.Size()
        self.running: RunningCovariance | None = None

    def update(self, sample: Tensor) -> None:
        flat = sample.detach().reshape(-1)
        if self.running is None:
            self.shape = sample.shape
            self.running = RunningCovariance.empty(flat, head=0)
        self.running = self.running.updated(flat)

    def merge(self, other: Self) -> Self:
        _check_alike(self, other)
        result = type(self)()
        filled = self if self.running is not None else other
        result.shape, result.running = filled.shape, filled.running
        if self.running is not None and other.running is not None:
            result.running = self.running.merged(other.running)
        return result

    def get(self) -> dict[str, int | Tensor]:
        """``count`` and, once there are samples, ``mean`` and ``variance``."""
        if self.running is None:
            return {"count": 0}
        count, mean = self.running.count, self.running.mean
        variance = self.running.covariance()[1] if count > 1 else torch.full_like(mean, torch.nan)
        return {"count": count, "mean": mean.reshape(self.shape), "variance": variance.reshape(self.shape)}


class StatsOfDict(StreamingStats[Mapping[Hashable, Any]]):
    """A statistic for each key of samples that are dicts with the same keys.

    Args:
        types: by key, what makes its statistic.
        default: what makes those of other keys.

    >>> stats = StatsOfDict({"x": CountMeanStats})
    >>> stats.update({"x": torch.tensor([1.0, 2.0]), "y": torch.zeros(())})
    >>> stats.get()
    {'x': {'count': 1, 'mean': tensor([1., 2.])}, 'y': {'count': 1}}
    """

    def __init__(
        self,
        types: Mapping[Hashable, Callable[[], StreamingStats[Any]]] = MappingProxyType({}),
        default: Callable[[], StreamingStats[Any]] = CountStats,
    ) -> None:
        self.types = types
        self.default = default
        self.stats: dict[Hashable, StreamingStats[Any]] = {key: kind() for key, kind in types.items()}

    def update(self, sample: Mapping[Hashable, Any]) -> None:
        for key, value in sample.items():
            if key not in self.stats:
                self.stats[key] = self.default()
            self.stats[key].update(value)

    def merge(self, other: Self) -> Self:
        _check_alike(self, other)
        result = type(self)(self.types, self.default)
        for key in {**self.stats, **other.stats}:
            both = [each.stats[key] for each in (self, other) if key in each.stats]
            result.stats[key] = both[0].merge(both[-1] if len(both) > 1 else result.default_of(key))
        return result

    def default_of(self, key: Hashable) -> StreamingStats[Any]:
        """A key's statistic before any sample."""
        return self.types.get(key, self.default)()

    def get(self) -> dict[Hashable, Any]:
        """By key, its statistic."""
        return {key: stats.get() for key, stats in self.stats.items()}


def _check_alike(one: StreamingStats[Any], other: StreamingStats[Any]) -> None:
    if type(one) is not type(other):
        raise ArgumentError(
            f"merge got {a_kind(type(other))} for {a_kind(type(one))}; it takes two statistics of one kind."
        )
