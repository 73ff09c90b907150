"""The command ``virgil``: what it prints, where, and with which exit code."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import virgil
from virgil import cli
from virgil.errors import ArgumentError
from virgil.examples.registry import DEFAULT, DEMOS


def test_alone_it_prints_its_help(capsys):
    assert cli.main([]) == 0
    assert "demo" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"virgil {virgil.__version__}\n"


def test_list_says_what_there_is(capsys):
    assert cli.main(["demo", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(DEMOS)
    assert all(demo.about in line for demo, line in zip(DEMOS.values(), lines, strict=True))


@pytest.mark.parametrize(
    ("name", "hint"),
    [("scools", "Did you mean 'schools'?"), ("xyz", f"Known names: {', '.join(map(repr, sorted(DEMOS)))}.")],
)
def test_an_unknown_demo_names_the_closest_or_all(name, hint, capsys):
    assert cli.main(["demo", name]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"virgil: There is no demo {name!r}. {hint} `virgil demo --list` says what each does.\n"


@pytest.mark.parametrize("options", [["--steps", "0"], ["--steps", "many"], ["--seed", "-1"], ["--stepz", "3"]])
def test_a_wrong_option_is_a_wrong_use(options, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["demo", *options])
    assert stopped.value.code == 2
    assert "usage: virgil" in capsys.readouterr().err


def _replaced(monkeypatch, main, name=DEFAULT):
    monkeypatch.setitem(DEMOS, name, dataclasses.replace(DEMOS[name], main=main))


def test_the_default_demo_gets_the_options_that_were_given(monkeypatch):
    calls = []
    _replaced(monkeypatch, lambda **given: calls.append(given))
    assert cli.main(["demo"]) == 0
    assert cli.main(["demo", DEFAULT, "--steps", "7", "--seed", "3", "--out", "pictures"]) == 0
    assert calls == [{"out": Path("demo")}, {"steps": 7, "seed": 3, "out": Path("pictures")}]


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (ArgumentError("Drawing needs matplotlib."), 1, "virgil: Drawing needs matplotlib.\n"),
        (PermissionError(13, "Permission denied", "demo"), 1, "virgil: [Errno 13] Permission denied: 'demo'\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_a_demo_raises_becomes_an_exit_code(error, code, printed, monkeypatch, capsys):
    def main(**given):
        raise error

    _replaced(monkeypatch, main)
    assert cli.main(["demo"]) == code
    assert capsys.readouterr().err == printed


PROGRAMS = """
import virgil
import virgil.distributions as dist
import torch

def model(data, scale=1.0):
    z = virgil.sample("z", dist.Normal(0.0, scale))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(z, 1.0), obs=data)

def guide(data, scale=1.0):
    virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))

def nothing(data, scale=1.0):
    pass

def alone():
    virgil.sample("z", dist.Normal(0.0, 1.0))

def one():
    return torch.ones(3)

def several():
    return torch.ones(3), 2.0

def named():
    return {"data": torch.ones(3), "scale": 2.0}

def failing():
    raise ZeroDivisionError("of the data")
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "fit.py").write_text(PROGRAMS)
    (tmp_path / "broken.py").write_text("1 / 0")


@pytest.mark.parametrize("args", ["one", "several", "named"])
def test_explain_shows_the_report(args, file, capsys):
    assert cli.main(["explain", "fit.py:model", "fit.py:guide", "--args", args]) == 0
    captured = capsys.readouterr()
    assert "sampled in the guide" in captured.out
    assert "Trace_ELBO: No problems." in captured.out
    assert captured.err == ""


def test_explain_ends_with_one_where_there_are_errors(file, capsys):
    command = ["explain", "fit.py:model", "fit.py:nothing", "--args", "one", "--loss", "TraceEnum_ELBO"]
    assert cli.main(command) == 1
    assert "TraceEnum_ELBO: 1 error." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit.py:modell", "fit.py:guide"], "There is no 'modell' in fit.py. Did you mean 'model'?"),
        (["fit.py", "fit.py:guide"], "'fit.py' names no program. Write FILE:NAME, as in fit.py:model."),
        (["fitt.py:model", "fit.py:guide"], "There is no Python file 'fitt.py'."),
        (["broken.py:model", "fit.py:guide"], "Running broken.py raised ZeroDivisionError: division by zero"),
        (["fit.py:model", "fit.py:guide", "--loss", "TraceELBO"], "There is no objective 'TraceELBO'. Did you mean"),
        (
            ["fit.py:model", "fit.py:guide"],
            "fit.py:model is model(data, scale=1.0), which takes arguments, and none were given. Write --args NAME",
        ),
        (
            ["fit.py:alone", "fit.py:guide"],
            "fit.py:guide is guide(data, scale=1.0), which takes arguments, and none were given. Write --args NAME",
        ),
        (["fit.py:model", "fit.py:guide", "--args", "failing"], "--args failing raised ZeroDivisionError: of the data"),
        (["fit.py:model", "fit.py:guide", "--args", "on"], "There is no 'on' in fit.py. Did you mean 'one'?"),
    ],
)
def test_what_explain_cannot_read_is_a_wrong_use(arguments, message, file, capsys):
    assert cli.main(["explain", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"virgil: {message}")
