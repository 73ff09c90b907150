"""The string keys by which programs read and change a site, ``site["value"]``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["COMPUTED", "FIELDS", "StringKeys"]

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
COMPUTED = ("log_prob", "log_prob_sum", "unscaled_log_prob")
"""The keys of what follows from the fields."""
_FIELD_OF = {"type": "kind", "kind": "kind", **FIELDS}
_KEYS = {"kind": "kind", **FIELDS, **{each: each for each in COMPUTED}}


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

    @property
    @abstractmethod
    def unscaled_log_prob_is_known(self) -> bool:
        """True if the log-probability has been computed."""

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
        if key in COMPUTED:
            can = ", ".join(sorted({"scale", "type", *FIELDS}))
            raise KeyError(f"Key {key!r} of a site cannot be set. These can: {can}, and keys of your own.")
        if key == "scale":
            self._put("scale", value if self.weight == 1.0 else value / self.weight)
        elif key in _FIELD_OF:
            self._put(_FIELD_OF[key], value)
        else:
            self._put("extra", {**self.extra, key: value})

    def _put(self, field: str, value: Any) -> None:
        setattr(self, field, value)
        if field != "extra":
            self.forget_log_prob()

    def __delitem__(self, key: str) -> None:
        if key not in self.extra:
            raise KeyError(f"A site has no key {key!r} of a program's own, and only these can be deleted.")
        self._put("extra", {each: value for each, value in self.extra.items() if each != key})

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a string key, or ``default`` where there is no such key."""
        return self._lookup(key) if key in self else default

    def keys(self) -> list[str]:
        """The string keys; those of log-probabilities once these have been computed."""
        computed = COMPUTED if self.unscaled_log_prob_is_known else ()
        return ["type", "scale", "kind", *FIELDS, *computed, *self.extra]

    def values(self) -> list[Any]:
        """The objects under the string keys."""
        return [self._lookup(key) for key in self.keys()]

    def items(self) -> list[tuple[str, Any]]:
        """The string keys, each with its object."""
        return [(key, self._lookup(key)) for key in self.keys()]

    def update(self, *changes: Any, **named: Any) -> None:
        """Set several keys, given as mappings, as pairs or by name."""
        for key, value in dict(*changes, **named).items():
            self[key] = value

    @abstractmethod
    def copy(self) -> StringKeys:
        """A copy; its values are the same objects."""

    def __contains__(self, key: object) -> bool:
        return key in _KEYS or key in ("type", "scale") or key in self.extra

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())
