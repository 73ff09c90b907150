"""The old paths: which there are, and where the table says that their names are."""

from __future__ import annotations

from virgil.pyro.table import LATER, ROOMS

__all__ = ["is_package", "later", "modules_in", "paths", "places_of"]


def _table() -> dict[str, tuple[str, ...]]:
    places = {}
    for room in ROOMS:
        places[room.path] = room.places
        places.update(dict.fromkeys((f"{room.path}.{name}" for name in room.modules.split()), room.places))
        places.update({f"{room.path}.{name}": own for name, own in room.apart.items()})
    return places


def _modules() -> dict[str, list[str]]:
    modules: dict[str, list[str]] = {}
    for path in sorted(_PLACES):
        package, _, name = path.rpartition(".")
        modules.setdefault(package, []).append(name)
    return modules


_PLACES = _table()
_MODULES = _modules()


def paths() -> list[str]:
    """All old modules."""
    return list(_PLACES)


def places_of(path: str) -> tuple[str, ...] | None:
    """The places of an old module's names; ``None`` if there is no such module."""
    return _PLACES.get(path)


def modules_in(path: str) -> list[str]:
    """The names of the modules in an old package, sorted."""
    return _MODULES.get(path, [])


def is_package(path: str) -> bool:
    """True if an old module has modules, or will have."""
    return path in _MODULES or any(each.startswith(f"{path}.") for each in LATER)


def later(path: str) -> str | None:
    """A sentence about an old module that is not there yet, or about what is in it; ``None`` for all others."""
    room = next((each for each in LATER if path == each or path.startswith(f"{each}.")), None)
    return None if room is None else f"{room} is not there yet. {LATER[room]}."
