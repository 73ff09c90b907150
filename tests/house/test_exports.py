"""What is public is written out, sorted, there and described."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import re
from types import ModuleType

import pytest

import virgil
from tests.house.source import EXPORTING, MODULES, ROOT

# the rooms from which users import; each says what it hands on
PUBLIC = ["virgil", "virgil.distributions", "virgil.infer", "virgil.infer.autoguide", "virgil.nn", "virgil.optim"]
PUBLIC += ["virgil.poutine"]

each_exporting = pytest.mark.parametrize("module", EXPORTING, indirect=True)


@pytest.fixture
def module(request: pytest.FixtureRequest) -> ModuleType:
    """An exporting module; imported here, so that one that cannot be imported fails alone."""
    return importlib.import_module(request.param)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_rooms_say_what_they_export(name: str) -> None:
    module = importlib.import_module(name)
    assert hasattr(module, "__all__"), f"{name} has no __all__."
    assert module.__doc__, f"{name} does not say what is here."


@each_exporting
def test_all_is_sorted_and_there(module: ModuleType) -> None:
    assert list(module.__all__) == sorted(set(module.__all__)), "Sort __all__ as sorted() does, each name once."
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert not missing, f"{module.__name__}.__all__ names what does not exist: {missing}."


@pytest.mark.parametrize("name", PUBLIC)
def test_all_is_complete(name: str) -> None:
    module = importlib.import_module(name)
    public = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and getattr(value, "__module__", "").startswith("virgil")
    }
    missing = sorted(public - set(module.__all__))
    assert not missing, f"{name} imports public names that its __all__ leaves out: {missing}."


@each_exporting
def test_what_is_public_has_a_docstring(module: ModuleType) -> None:
    bare = [
        name
        for name in module.__all__
        if inspect.isclass(value := getattr(module, name)) or inspect.isfunction(value)
        if value.__module__.startswith("virgil")  # others, handed on, are described where they come from
        if not (value.__dict__.get("__doc__") if inspect.isclass(value) else value.__doc__)
    ]
    assert not bare, f"{module.__name__} exports without a docstring: {bare}."


@each_exporting
def test_public_methods_have_a_docstring(module: ModuleType) -> None:
    """Their own, or that of the method which they override."""
    classes = [value for name in module.__all__ if inspect.isclass(value := getattr(module, name))]
    bare = [
        f"{kind.__qualname__}.{key}"
        for kind in classes
        if kind.__module__.startswith("virgil")
        for key, value in vars(kind).items()
        if not key.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
        if not inspect.getdoc(getattr(kind, key))
    ]
    assert not bare, f"Public methods without a docstring: {bare}."


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is(name: str) -> None:
    assert importlib.import_module(name).__doc__, f"{name} has no docstring."


def test_the_version_is_one() -> None:
    version = importlib.metadata.version("virgil-ppl")
    assert virgil.__version__ == version
    declared = re.search(r'^version = "(.+?)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert declared
    assert declared[1] == version, "The installed metadata is older than pyproject.toml: run make test again."
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text()
