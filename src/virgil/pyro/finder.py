"""Modules made from the table: ``install`` lets Python find them under the old paths."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from virgil import settings
from virgil.errors import AliasError
from virgil.ops.absent_names import absent
from virgil.pyro.release import OLD_NAME, VERSION, Distribution
from virgil.pyro.table import DEFAULTS, LATER, NAMES, places_of

__all__ = ["OldModule", "install", "installed"]

ROOT = "pyro"


class OldModule(ModuleType):
    """A module of the old paths. A name is looked for when it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        path = f"{self.__name__}.{name}"
        if places_of(path) is not None:
            found: Any = import_module(path)
        elif path == f"{ROOT}.__version__":
            found = VERSION
        elif name == "__all__":
            found = sorted(self._names())
        elif name.startswith("__") or path in LATER:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        else:
            found = self._found(path, name)
        self.__dict__[name] = found
        return found

    def _found(self, path: str, name: str) -> Any:
        places = places_of(self.__name__) or ()
        if path in NAMES:
            places = (NAMES[path].rpartition(".")[0],)
            name = NAMES[path].rpartition(".")[2]
        for place in places:
            home = import_module(place)
            if name in home.__dict__:
                return home.__dict__[name]
        # two frames out: this method's caller is __getattr__, and its caller asks
        raise absent(places[-1] if places else self.__name__, name, self._names(), sys._getframe(2))

    def _names(self) -> set[str]:
        named = {path.rpartition(".")[2] for path in NAMES if path.rpartition(".")[0] == self.__name__}
        places = places_of(self.__name__) or ()
        return named.union(*(getattr(import_module(place), "__all__", ()) for place in places))

    def __dir__(self) -> list[str]:
        return sorted(self._names() | set(self.__dict__))


class _Finder(MetaPathFinder, Loader):
    """Finds old modules, and the old package's distribution."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an old module."""
        if fullname != ROOT and not fullname.startswith(f"{ROOT}."):
            return None
        later = next((each for each in LATER if fullname == each or fullname.startswith(f"{each}.")), None)
        if later is not None:
            raise ModuleNotFoundError(f"{later} is not there yet. {LATER[later]}.", name=fullname)
        if places_of(fullname) is None:
            return None
        return ModuleSpec(fullname, self, origin="virgil", is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module."""
        return OldModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""

    def find_distributions(self, context: Any) -> list[Distribution]:
        """The distribution of the old name, which has the version of the alias."""
        asked = context.name
        return [Distribution()] if asked is not None and asked.replace("_", "-").lower() == OLD_NAME else []


_finder = _Finder()


def installed() -> bool:
    """True if ``import pyro`` yields Virgil."""
    return _finder in sys.meta_path


def install() -> None:
    """Let ``import pyro`` and all below it yield Virgil in this process.

    Raises:
        AliasError: another package of that name has been imported.
    """
    if installed():
        return
    other = sys.modules.get(ROOT)
    if other is not None:
        where = getattr(other, "__file__", None) or "an unknown place"
        raise AliasError(
            f"Another package named pyro has been imported, from {where}; two of them cannot be in one process. "
            "Import virgil.as_pyro first, before everything that imports pyro, or run the script by "
            "`python -m virgil.as_pyro script.py`."
        )
    sys.meta_path.insert(0, _finder)
    settings.set(**DEFAULTS)
