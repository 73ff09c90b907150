"""``virgil fit FILE:MODEL``: a model and a table, from a shell."""

from pathlib import Path

import pytest
import torch

from virgil.cli import main
from virgil.errors import ArgumentError
from virgil.infer.ladder.table_file import arguments_of, columns_of

MODEL = """
import torch
import virgil
import virgil.distributions as dist


def model(counts):
    lam = virgil.sample("lam", dist.Gamma(2.0, 0.5))
    with virgil.plate("data", len(counts)):
        virgil.sample("x", dist.Poisson(lam), obs=counts)


def data():
    return torch.tensor([3, 5])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "fit.py").write_text(MODEL)
    (tmp_path / "table.csv").write_text("counts,other\n3,1.5\n5,\n")
    return tmp_path


@pytest.mark.parametrize("given", [["--data", "table.csv"], ["--args", "data"]])
def test_the_posterior_is_printed(folder, monkeypatch, capsys, given):
    monkeypatch.chdir(folder)
    assert main(["fit", "fit.py:model", *given]) == 0
    printed = capsys.readouterr().out
    mean, sd = next(line.split()[1:3] for line in printed.splitlines() if line.split()[:1] == ["lam"])
    assert float(mean) == pytest.approx(4.0, abs=0.1 * 10**0.5 / 2.5)  # Gamma(10, 2.5)
    assert float(sd) == pytest.approx(10**0.5 / 2.5, rel=0.1)


def test_columns_have_the_types_of_their_numbers(folder):
    columns = columns_of(folder / "table.csv")
    assert torch.equal(columns["counts"], torch.tensor([3, 5]))
    assert columns["other"][0] == 1.5
    assert bool(columns["other"][1].isnan())


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot be read"), ("a,b\n", "has no rows"), ("a,b\n1,two\n", "'two' in column 'b', line 2")],
)
def test_a_table_that_is_none_is_refused(tmp_path, text, words):
    path = tmp_path / "table.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ArgumentError, match=words):
        columns_of(path)


def test_arguments_are_columns_by_name():
    columns = {"x": torch.ones(2), "y": torch.zeros(2)}
    assert set(arguments_of(lambda x, scale=1.0: None, columns)) == {"x"}
    assert set(arguments_of(lambda **named: None, columns)) == {"x", "y"}
    with pytest.raises(ArgumentError, match="takes 'z', and the table has no such column"):
        arguments_of(lambda x, z: None, columns)


def test_a_wrong_budget_ends_the_command(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(["fit", "fit.py:model", "--args", "data", "--budget", "much"]) == 2
    assert "budget='much'" in capsys.readouterr().err
