"""What all programs share: each runs as a script, and says what to install where something is missing."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys

import pytest

from virgil.errors import ArgumentError
from virgil.examples.data import diabetes, digits
from virgil.examples.data.scikit_learn import scikit_learn
from virgil.examples.registry import DEMOS
from virgil.examples.reports.output import new_figure


@pytest.mark.parametrize("name", DEMOS)
def test_a_program_is_a_module_of_its_name_that_runs_its_main(name):
    module = inspect.getmodule(DEMOS[name].main)
    assert module.__name__ == f"virgil.examples.{name}"
    last = ast.parse(inspect.getsource(module)).body[-1]
    assert ast.unparse(last) == "if __name__ == '__main__':\n    main()"


@pytest.mark.long
def test_the_smallest_runs_as_a_script(tmp_path):
    command = [sys.executable, "-W", "error", "-m", "virgil.examples.coin"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "posterior, exact" in result.stdout
    assert (tmp_path / "demo" / "coin.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("load", [diabetes.load, digits.load, lambda: scikit_learn("linear_model")])
def test_without_scikit_learn_it_says_what_to_install(load, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)  # what makes an import of it fail
    with pytest.raises(ArgumentError, match=r'pip install "virgil-ppl\[data\]"'):
        load()


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ArgumentError, match=r'pip install "virgil-ppl\[plot\]"'):
        new_figure(1.0, 1.0)
