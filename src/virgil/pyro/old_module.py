"""A module of the old paths, which finds a name when it is first asked for it."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from virgil.ops.absent_names import INSTEAD, absent, refused
from virgil.pyro.names import NAMES
from virgil.pyro.paths import is_package, later, modules_in, places_of

__all__ = ["OldModule", "former_module", "in_old_words", "offered"]

_OWN = "virgil.pyro."  # the modules of these paths exist for old programs alone


class OldModule(ModuleType):
    """A module of the old paths. A name that has been found is in its ``__dict__``, where programs may replace it."""

    def __getattr__(self, name: str) -> Any:
        try:
            found = _find(self.__name__, name)
        except LookupError:
            raise self._absent(name, sys._getframe(1)) from None
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        # Python sets a module that has been imported; a function of this name precedes it, as `transforms.permute` does
        if isinstance(value, OldModule) and value.__name__ == f"{self.__name__}.{name}":
            value = _find(self.__name__, name)
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*offered(self.__name__), *modules_in(self.__name__), *self.__dict__})

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self.__name__,)

    def _absent(self, name: str, caller: Any) -> Exception:
        reason = later(f"{self.__name__}.{name}")
        if reason is not None:
            return refused(in_old_words(reason), self.__name__, name, caller)
        if name.startswith("__"):
            return AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        places = places_of(self.__name__) or ()
        instead = next((INSTEAD[place][name] for place in places if name in INSTEAD.get(place, ())), None)
        return absent(
            self.__name__, name, offered(self.__name__), caller, None if instead is None else in_old_words(instead)
        )


@cache
def former_module(path: str) -> OldModule | None:
    """The old module behind an attribute of Virgil's, for programs that say ``import virgil as pyro``.

    Args:
        path: such as ``"virgil.poutine.util"``.

    Returns:
        ``None`` if Virgil has a module there, or old programs none.
    """
    old = f"pyro.{path.removeprefix('virgil.')}"
    if places_of(old) is None or is_package(old) or find_spec(path) is not None:
        return None
    return OldModule(old)


def _find(path: str, name: str) -> Any:
    """The value of a name of an old module.

    Raises:
        LookupError: it has no such name.
    """
    full = f"{path}.{name}"
    if full in NAMES:
        home, _, own = NAMES[full].rpartition(".")
        return getattr(import_module(home), own)
    if name == "__all__":
        return offered(path)
    places = [import_module(place) for place in places_of(path) or ()]
    if name == "__file__" and places:
        return places[0].__file__
    is_module = places_of(full) is not None
    for place in places:
        if _offers(place, name):
            found = getattr(place, name)
            if not (is_module and isinstance(found, ModuleType)):
                return found
    if is_module:
        return import_module(full)
    raise LookupError(full)


def _offers(place: ModuleType, name: str) -> bool:
    if name.startswith("_"):
        return place.__name__.startswith(_OWN) and not name.startswith("__") and name in place.__dict__
    return name in _exported(place)


def _exported(place: ModuleType) -> list[str]:
    public = place.__dict__.get("__all__")
    return [name for name in place.__dict__ if not name.startswith("_")] if public is None else list(public)


def offered(path: str) -> list[str]:
    """The public names of an old module, sorted."""
    named = {each.rpartition(".")[2] for each in NAMES if each.rpartition(".")[0] == path}
    from_places = (_exported(import_module(place)) for place in places_of(path) or ())
    return sorted(name for name in named.union(*from_places) if not name.startswith("_"))


def in_old_words(words: str) -> str:
    """A sentence that names today's paths, with the old ones, by which the program knows them."""
    return words.replace("virgil.", "pyro.")
