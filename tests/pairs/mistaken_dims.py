"""Batch dims without a plate: left of all, seen by one program alone, enumerated. Model, guide and what is said."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.mistake import Mistake
from tests.pairs.mistaken_sites import nothing
from virgil.errors import PlateError, ShapeError
from virgil.infer import TraceEnum_ELBO

DATA = torch.arange(15.0).reshape(5, 3) / 10


def _in_rows(fn, obs=None, name="z", **options):
    def run():
        with virgil.plate("rows", 5, dim=-2):
            virgil.sample(name, fn, obs=obs, **options)

    return run


def _outside_its_columns():
    """The variable has a value for each column, and the data are stated outside the plate of the columns."""
    with virgil.plate("rows", 5, dim=-2):
        with virgil.plate("columns", 3, dim=-1):
            k = virgil.sample("k", dist.Bernoulli(0.5), infer={"enumerate": "parallel"})
        virgil.sample("x", dist.Normal(k.expand(2, 5, 3), 1.0), obs=DATA)


FIVE = torch.zeros(5, 1)
MISTAKES = {
    "left of the plate": Mistake(
        _in_rows(dist.Normal(torch.zeros(4, 5, 1), 1.0), torch.zeros(4, 5, 1), "x"),
        nothing,
        "x",
        ["size 4 at batch dim -3", "no plate is there"],
        ShapeError,
    ),
    "no plate at all": Mistake(
        lambda: virgil.sample("x", dist.Normal(torch.zeros(5, 3), 1.0), obs=DATA),
        nothing,
        "x",
        ["size 5 at batch dim -2", "no plate is there"],
        ShapeError,
    ),
    "the guide lacks it": Mistake(
        _in_rows(dist.Normal(torch.zeros(5, 3), 1.0)),
        _in_rows(dist.Normal(torch.zeros(5, 1), 1.0)),
        "z",
        ["batch shape (5, 1) and the model's has (5, 3)", "at dim -1, where no plate is", "Give both the same size"],
        ShapeError,
    ),
    "only the guide has it": Mistake(
        _in_rows(dist.Normal(torch.zeros(5, 1), 1.0)),
        _in_rows(dist.Normal(torch.zeros(5, 3), 1.0)),
        "z",
        ["batch shape (5, 3) and the model's has (5, 1)", "at dim -1, where no plate is"],
        ShapeError,
    ),
    "only the value has it": Mistake(
        _in_rows(dist.Normal(FIVE, 1.0), DATA, "x"),
        nothing,
        "x",
        ["the value of shape (5, 3) against batch shape (5, 1)", "no plate is there"],
        ShapeError,
    ),
    "enumerated": Mistake(
        _in_rows(dist.Bernoulli(torch.full((5, 3), 0.5)), infer={"enumerate": "parallel"}),
        nothing,
        "z",
        ["size 3 at batch dim -1", "no plate is there", "Put the statement in a plate of that size"],
        ShapeError,
        TraceEnum_ELBO,
    ),
    "data that count for each entry": Mistake(
        _in_rows(dist.Normal(torch.zeros(5, 3), 1.0), FIVE, "x"),
        nothing,
        "x",
        ["shape (5, 1)", "size 3 at dim -1, where no plate is: each value there counts 3 times", "every entry its own"],
        "warning",
    ),
    "a variable outside its plate": Mistake(
        _outside_its_columns,
        nothing,
        "x",
        ["Site 'x' depends on 'k', which is enumerated in plate 'columns'", "itself outside"],
        PlateError,
        TraceEnum_ELBO,
    ),
}
