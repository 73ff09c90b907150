"""Modules of the old paths behave as modules do, and what is not there is refused in words."""

from __future__ import annotations

import copy
import importlib
import importlib.metadata
import importlib.util
import inspect
import pickle
import pkgutil
import sys
import threading
from types import ModuleType
from unittest import mock

import pyro
import pyro.infer
import pytest

import virgil
from virgil.errors import AliasError
from virgil.pyro import finder
from virgil.pyro.names import NAMES
from virgil.pyro.paths import is_package, paths
from virgil.pyro.table import LATER


@pytest.mark.parametrize("path", paths())
def test_every_path_of_the_table_imports(path):
    module = importlib.import_module(path)
    assert isinstance(module, ModuleType)
    assert module.__name__ == path == module.__spec__.name
    assert inspect.getdoc(module)
    assert hasattr(module, "__path__") == is_package(path)


@pytest.mark.parametrize("path", paths())
def test_what_a_path_says_it_has_is_there(path):
    module = importlib.import_module(path)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert set(module.__all__) <= set(dir(module))


@pytest.mark.parametrize("full", NAMES)
def test_every_name_of_the_table_is_there(full):
    path, _, name = full.rpartition(".")
    assert getattr(importlib.import_module(path), name) is not None


def test_a_name_is_the_same_object_by_every_path():
    assert pyro.infer.SVI is importlib.import_module("pyro.infer.svi").SVI is virgil.pyro.infer.SVI
    assert pyro.sample is importlib.import_module("pyro.primitives").sample is virgil.sample


def test_a_star_takes_the_public_names():
    namespace = {}
    exec("from pyro.infer import *", namespace)  # noqa: S102
    assert namespace["SVI"] is virgil.pyro.infer.SVI
    assert not [name for name in namespace if name.startswith("_") and name != "__builtins__"]


def test_a_package_lists_its_modules():
    found = {module.name: module.ispkg for module in pkgutil.walk_packages(pyro.__path__, "pyro.")}
    assert found == {path: is_package(path) for path in paths() if path != "pyro"}


def test_specs():
    assert importlib.util.find_spec("pyro.infer.svi").name == "pyro.infer.svi"
    assert importlib.util.find_spec("pyro.infer").submodule_search_locations
    assert importlib.util.find_spec("pyro.infer.nothing") is None
    assert importlib.util.find_spec("pyro.contrib.gp") is None


def test_a_module_is_copied_and_pickled_as_itself():
    assert copy.deepcopy(pyro.infer) is pyro.infer
    assert copy.copy(pyro.infer) is pyro.infer
    assert pickle.loads(pickle.dumps({"module": pyro.infer}))["module"] is pyro.infer


def test_reloading_gives_the_same_module():
    assert importlib.reload(pyro.infer) is pyro.infer
    assert pyro.infer.SVI is virgil.pyro.infer.SVI


def test_a_name_is_patched_and_put_back(monkeypatch):
    with mock.patch("pyro.infer.SVI") as patched:
        assert pyro.infer.SVI is patched
    assert pyro.infer.SVI is virgil.pyro.infer.SVI
    monkeypatch.setattr(pyro, "sample", 3)
    monkeypatch.setattr("pyro.poutine.scale", 4)
    assert (pyro.sample, pyro.poutine.scale) == (3, 4)
    monkeypatch.undo()
    assert pyro.sample is virgil.sample
    assert pyro.poutine.scale is virgil.poutine.scale


def test_source_and_file():
    assert inspect.getmodule(pyro.infer.SVI).__name__ == "virgil.pyro.infer.svi"
    assert "class SVI" in inspect.getsource(pyro.infer.SVI)
    assert pyro.__file__ == virgil.__file__


def test_versions():
    assert pyro.__version__ == f"1.9.1+virgil.{virgil.__version__}"
    for name in ("pyro-ppl", "pyro_ppl", "Pyro-PPL"):
        assert importlib.metadata.version(name) == pyro.__version__
    distribution = importlib.metadata.distribution("pyro-ppl")
    assert distribution.metadata["Name"] == "pyro-ppl"
    assert distribution.metadata["Summary"]
    assert distribution.files is None
    assert importlib.metadata.requires("pyro-ppl") is None
    assert importlib.metadata.version("virgil-ppl") == virgil.__version__
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("pyro-pplx")


REFUSED = [
    ("import pyro.infr", ModuleNotFoundError, "No module named 'pyro.infr'. Did you mean 'pyro.infer'?"),
    ("import pyro.zzzzzzzz", ModuleNotFoundError, "No module named 'pyro.zzzzzzzz'. Virgil has none like it yet."),
    ("import pyro.infer.svi.x", ModuleNotFoundError, "'pyro.infer.svi' is not a package"),
    ("from pyro.infer import SVII", ImportError, "module 'pyro.infer' has no attribute 'SVII'. Did you mean 'SVI'?"),
    ("pyro.infer.svi.SVII", AttributeError, "module 'pyro.infer.svi' has no attribute 'SVII'. Did you mean 'SVI'?"),
    ("pyro.sampel", AttributeError, "module 'pyro' has no attribute 'sampel'. Did you mean 'sample'?"),
]
REFUSED += [
    (line.format(*path.rpartition(".")[::2], path=path), error, f"{path} is not there yet. ")
    for path in LATER
    for line, error in [
        ("import {path}", ModuleNotFoundError),
        ("import {path}.below.it", ModuleNotFoundError),
        ("from {path}.below import name", ModuleNotFoundError),
        ("from {0} import {1}", ImportError),
        ("import {0}; {path}", AttributeError),
    ]
]


@pytest.mark.parametrize(("line", "error", "words"), REFUSED)
def test_what_is_not_there_is_refused_in_old_words(line, error, words):
    with pytest.raises(error) as raised:
        exec(line, {"pyro": pyro})  # noqa: S102
    assert type(raised.value) is error
    assert words in str(raised.value)
    assert "virgil." not in str(raised.value)


def test_a_missing_name_says_what_replaces_it(monkeypatch):
    monkeypatch.setitem(virgil.ops.absent_names.INSTEAD, "virgil.infer", {"Sorcery": "Write virgil.factor"})
    with pytest.raises(AttributeError, match=r"^pyro.infer has no Sorcery yet. Write pyro.factor\.$"):
        pyro.infer.Sorcery  # noqa: B018
    with pytest.raises(ImportError, match=r"^pyro.infer.svi has no Sorcery yet. Write pyro.factor\.$"):
        from pyro.infer.svi import Sorcery  # noqa: F401


def test_asking_for_a_name_is_no_error():
    assert not hasattr(pyro.infer, "nothing")
    assert not hasattr(pyro, "__wrapped__")
    assert getattr(pyro.infer, "nothing", None) is None


def test_threads_look_names_up_at_once():
    for name in [each for each in sys.modules if each.startswith("pyro.distributions")]:
        del sys.modules[name]
    pyro.__dict__.pop("distributions", None)
    start, found = threading.Barrier(8), []

    def look():
        start.wait()
        found.append(importlib.import_module("pyro.distributions").Normal)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [virgil.distributions.Normal] * 8


def test_a_second_installation_changes_nothing():
    before = list(sys.meta_path), list(sys.path_hooks)
    virgil.settings.set(mismatch="error")
    finder.install()
    assert (list(sys.meta_path), list(sys.path_hooks)) == before
    assert finder.installed()
    assert virgil.settings.get("mismatch") == "error"


@pytest.fixture
def not_installed(monkeypatch):
    """Python as it is before the alias is imported."""
    for name in [each for each in sys.modules if each == "pyro" or each.startswith("pyro.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [each for each in sys.meta_path if each is not finder._finder])
    monkeypatch.setattr(sys, "path_hooks", [each for each in sys.path_hooks if each is not finder._Modules])


def test_another_package_of_that_name_is_refused(not_installed, monkeypatch):
    other = ModuleType("pyro")
    other.__file__ = "/elsewhere/pyro/__init__.py"
    monkeypatch.setitem(sys.modules, "pyro", other)
    with pytest.raises(AliasError, match="from /elsewhere/pyro/__init__.py.*Import virgil.as_pyro first"):
        finder.install()
    assert not finder.installed()


def test_an_alias_by_hand_makes_way(not_installed, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyro", virgil)
    monkeypatch.setitem(sys.modules, "pyro.infer", virgil.infer)
    finder.install()
    assert importlib.import_module("pyro.infer.svi").SVI is virgil.pyro.infer.SVI
    assert sys.modules["pyro"] is not virgil


def test_nothing_is_found_before_the_installation(not_installed):
    assert importlib.util.find_spec("pyro") is None


def test_a_function_precedes_a_module_of_its_name(monkeypatch):
    def svi():
        return 7

    monkeypatch.delitem(sys.modules, "pyro.infer.svi", raising=False)
    monkeypatch.delitem(pyro.infer.__dict__, "svi", raising=False)
    monkeypatch.setattr(virgil.infer, "svi", svi)
    monkeypatch.setattr(virgil.infer, "__all__", [*virgil.infer.__all__, "svi"])
    try:
        module = importlib.import_module("pyro.infer.svi")
        assert pyro.infer.svi is svi
        assert module.SVI is virgil.pyro.infer.SVI
    finally:
        pyro.infer.__dict__.pop("svi")  # found while the function stood there
