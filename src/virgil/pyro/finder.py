"""``install`` lets Python find modules under the old paths."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import virgil.settings
from virgil.errors import AliasError
from virgil.pyro.contrib.rv import give_rv
from virgil.pyro.old_module import OldModule, in_old_words
from virgil.pyro.paths import is_package, later, modules_in, paths, places_of
from virgil.pyro.processes import hand_on
from virgil.pyro.release import OLD_NAME, Distribution
from virgil.pyro.table import DEFAULTS, ROOT

__all__ = ["install", "installed"]

_ENTRY = "virgil.as_pyro:"  # how the search path of an old package begins
_lock = threading.Lock()


class _Finder(MetaPathFinder, Loader):
    """Finds old modules, and the old package's distribution."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an old module."""
        if fullname != ROOT and not fullname.startswith(f"{ROOT}."):
            return None
        if places_of(fullname) is not None:
            spec = ModuleSpec(fullname, self, origin="virgil", is_package=is_package(fullname))
            if spec.submodule_search_locations is not None:
                spec.submodule_search_locations.append(f"{_ENTRY}{fullname}")
            return spec
        if _asked_only():
            return None
        raise ModuleNotFoundError(_missing(fullname), name=fullname)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module."""
        places = " and ".join(places_of(spec.name) or ("nowhere yet",))
        return OldModule(spec.name, f"The old path {spec.name}. Its names come from {places}.")

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""

    def find_distributions(self, context: Any) -> list[Distribution]:
        """The distribution of the old name, which has the version of the alias."""
        asked = context.name
        return [Distribution()] if asked is not None and asked.replace("_", "-").lower() == OLD_NAME else []


class _Modules:
    """The entry of an old package's search path, by which ``pkgutil`` lists its modules."""

    def __init__(self, entry: str) -> None:
        if not entry.startswith(_ENTRY):
            raise ImportError(entry)
        self._package = entry.removeprefix(_ENTRY)

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """Nothing: what there is, the finder has found already."""
        return None

    def iter_modules(self, prefix: str = "") -> Iterator[tuple[str, bool]]:
        """The names of the package's modules, and if they are packages."""
        for name in modules_in(self._package):
            yield f"{prefix}{name}", is_package(f"{self._package}.{name}")


_finder = _Finder()


def _asked_only() -> bool:
    """True if ``importlib.util.find_spec`` asks, which has an answer for what does not exist: ``None``."""
    frame = sys._getframe(2)  # past this function and the finder's
    while frame.f_back is not None and frame.f_globals.get("__name__") == "importlib._bootstrap":
        frame = frame.f_back
    return frame.f_code is importlib.util.find_spec.__code__


def _missing(path: str) -> str:
    reason = later(path)
    if reason is not None:
        return in_old_words(reason)
    close = get_close_matches(path, paths(), n=1, cutoff=0.8)
    return f"No module named {path!r}. " + (f"Did you mean {close[0]!r}?" if close else "Virgil has none like it yet.")


def installed() -> bool:
    """True if ``import pyro`` yields Virgil."""
    return _finder in sys.meta_path


def install() -> None:
    """Let ``import pyro`` and all below it yield Virgil in this process, and in those that it starts.

    Raises:
        AliasError: another package of that name has been imported.
    """
    with _lock:
        if installed():
            return
        _make_way()
        sys.meta_path.insert(0, _finder)
        sys.path_hooks.insert(0, _Modules)
        virgil.settings.set(**DEFAULTS)
        give_rv()
        hand_on()


def _make_way() -> None:
    """Forget modules of Virgil that a program has given the old name by hand."""
    other = sys.modules.get(ROOT)
    if other is None:
        return
    if other.__name__.partition(".")[0] != "virgil":
        where = getattr(other, "__file__", None) or next(iter(getattr(other, "__path__", ())), "an unknown place")
        raise AliasError(
            f"Another package named pyro has been imported, from {where}; two of them cannot be in one process. "
            "Import virgil.as_pyro first, before everything that imports pyro, or run the script by "
            "`python -m virgil.as_pyro script.py`."
        )
    for name in [each for each in sys.modules if each == ROOT or each.startswith(f"{ROOT}.")]:
        del sys.modules[name]
