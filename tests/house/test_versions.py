"""What is claimed of versions is what the suite is run on: in pyproject.toml, README.md and the engine."""

from __future__ import annotations

import re
import tomllib

import torch

from tests.house.versions import ROOT, VERSIONS, interpreter, pinned
from virgil.engine.xla.versions import OLDEST

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = sorted({each.python for each in VERSIONS})


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def _bound(requirements: list[str], package: str) -> str:
    (found,) = (each.removeprefix(f"{package}>=") for each in requirements if each.startswith(f"{package}>="))
    return found


def test_the_python_versions_are_those_that_are_run() -> None:
    claimed = [each.rpartition(" :: ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)]
    assert claimed == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"


def test_the_lower_bounds_are_the_oldest_that_are_run() -> None:
    oldest = min(_number(each.torch) for each in VERSIONS)
    assert _number(_bound(PROJECT["dependencies"], "torch")) == oldest[:2]
    assert _number(pinned("torch")) == oldest
    jax = min(_number(each.jax) for each in VERSIONS)
    assert _number(_bound(PROJECT["optional-dependencies"]["xla"], "jax")) == OLDEST == jax == _number(pinned("jax"))


def test_the_readme_says_what_was_run() -> None:
    section = (ROOT / "README.md").read_text().partition("## Install")[2].partition("\n## ")[0]
    for each in VERSIONS:
        for version in (f"Python {each.python}", f"PyTorch {each.torch}", f"JAX {each.jax}"):
            assert re.search(rf"{re.escape(version)}(?!\d)", " ".join(section.split())), version


def test_this_environment_is_no_older_than_what_is_claimed() -> None:
    assert _number(torch.__version__) >= _number(_bound(PROJECT["dependencies"], "torch"))


def test_no_interpreter_is_found_where_there_is_none() -> None:
    assert interpreter("2.99") is None
