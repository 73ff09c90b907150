"""Programs for any backend: names that are looked up in the language that is chosen for a block.

>>> import virgil.pyro.generic as generic
>>> with generic.pyro_backend(ops="math"):
...     generic.ops.sqrt(4.0)
2.0
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from virgil.errors import ArgumentError, did_you_mean

__all__ = ["distributions", "handlers", "infer", "ops", "optim", "pyro", "pyro_backend", "register_backend"]

_DEFAULT = {
    "distributions": "pyro.distributions",
    "handlers": "pyro.poutine",
    "infer": "pyro.infer",
    "ops": "torch",
    "optim": "pyro.optim",
    "pyro": "pyro",
}
_MINIPYRO, _NUMPYRO = "pyro.contrib.minipyro", "numpyro.compat"
_backends: dict[str, dict[str, str]] = {
    "pyro": {},
    "minipyro": {"infer": _MINIPYRO, "optim": _MINIPYRO, "pyro": _MINIPYRO},
    "funsor": {
        "distributions": "funsor.torch.distributions",
        "infer": "pyro.contrib.funsor.infer",
        "optim": "pyro.optim",
        "pyro": "pyro.contrib.funsor",
    },
    "numpy": {name: f"{_NUMPYRO}.{name}" for name in _DEFAULT},
}


class _Generic:
    """A module whose names are those of the chosen backend."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._chosen = [_DEFAULT[name]]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        home = self._module()
        try:
            return getattr(home, name)
        except AttributeError as error:
            raise NotImplementedError(f"The backend {home.__name__} has no {self._name}.{name}.") from error

    def __dir__(self) -> list[str]:
        return dir(self._module())

    def _module(self) -> ModuleType:
        return import_module(self._chosen[-1])


distributions, handlers, infer = _Generic("distributions"), _Generic("handlers"), _Generic("infer")
ops, optim, pyro = _Generic("ops"), _Generic("optim"), _Generic("pyro")
_generic = {each._name: each for each in (distributions, handlers, infer, ops, optim, pyro)}


@contextmanager
def pyro_backend(*aliases: str, **new_backends: str) -> Iterator[None]:
    """A block in which the names of this module are those of a backend.

    Args:
        *aliases: the name of one: "pyro", "minipyro", "funsor", "numpy", or one that has been registered.
        **new_backends: in its place, by name of a module here, the module that stands for it.

    Raises:
        ArgumentError: no such backend, or no such module here, or both ways of choosing at once.
        ImportError: a module of the backend is not there.
    """
    if len(aliases) + bool(new_backends) != 1:
        raise ArgumentError("pyro_backend() takes the name of one backend, or modules by keyword: one of the two.")
    if aliases and aliases[0] not in _backends:
        raise ArgumentError(f"There is no backend {aliases[0]!r}. {did_you_mean(aliases[0], _backends)}")
    chosen = _backends[aliases[0]] if aliases else new_backends
    _check_names(chosen)
    for path in chosen.values():
        import_module(path)
    for name, path in chosen.items():
        _generic[name]._chosen.append(path)
    try:
        yield
    finally:
        for name in chosen:
            _generic[name]._chosen.pop()


def register_backend(alias: str, new_backends: Mapping[str, str]) -> None:
    """Give a backend a name for :func:`pyro_backend`.

    Args:
        alias: the name.
        new_backends: by name of a module here, the module that stands for it; the others stay.

    Raises:
        ArgumentError: a name that is no module here.
    """
    _check_names(new_backends)
    _backends[alias] = dict(new_backends)


def _check_names(chosen: Mapping[str, str]) -> None:
    for name in chosen:
        if name not in _generic:
            raise ArgumentError(f"There is no module {name!r} in pyro.generic. {did_you_mean(name, _generic)}")
