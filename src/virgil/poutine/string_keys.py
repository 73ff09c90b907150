"""The string keys by which programs read and change a site, ``site["value"]``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["FIELDS", "StringKeys"]

_SAMPLE_TYPES = frozenset({"sample", "plate", "deterministic"})

FIELDS = {
    "name": "name",
    "fn": "fn",
    "args": "args",
    "kwargs": "kwargs",
    "value": "value",
    "is_observed": "observed",
    "infer": "infer",
    "mask": "mask",
    "cond_indep_stack": "frames",
}
"""The field of each string key that programs may set."""
_KEYS = {"kind": "kind", **FIELDS, **{each: each for each in ("log_prob", "log_prob_sum", "unscaled_log_prob")}}


class StringKeys(ABC):
    """The part of a :class:`~virgil.poutine.site.Site` that answers to string keys."""

    __slots__ = ()

    kind: str
    scale: Any
    extra: Mapping[str, Any]

    @property
    @abstractmethod
    def weight(self) -> float:
        """The product of the weights of its plates."""

    @abstractmethod
    def forget_log_prob(self) -> None:
        """Drop the log-probabilities computed so far."""

    def _lookup(self, key: str) -> Any:
        if key == "type":
            return "sample" if self.kind in _SAMPLE_TYPES else self.kind
        if key == "scale":
            return self.scale if self.weight == 1.0 else self.scale * self.weight
        return getattr(self, _KEYS[key]) if key in _KEYS else self.extra[key]

    def __getitem__(self, key: str) -> Any:
        try:
            return self._lookup(key)
        except KeyError:
            raise KeyError(f"A site has no key {key!r}. It has: {', '.join(self.keys())}.") from None

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in FIELDS:
            raise KeyError(f"Key {key!r} of a site cannot be set. These can: {', '.join(sorted(FIELDS))}.")
        setattr(self, FIELDS[key], value)
        self.forget_log_prob()

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a string key, or ``default`` where there is no such key."""
        return self._lookup(key) if key in self else default

    def keys(self) -> list[str]:
        """The string keys."""
        return ["type", "scale", *_KEYS, *self.extra]

    def __contains__(self, key: object) -> bool:
        return key in _KEYS or key in ("type", "scale") or key in self.extra

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())
