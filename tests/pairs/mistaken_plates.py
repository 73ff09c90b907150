"""Plates and shapes: of guide and model, of data, of the objective. Model, guide and what is said."""

from __future__ import annotations

from contextlib import ExitStack

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.enumerated import pick, see
from tests.pairs.mistake import Mistake
from tests.pairs.mistaken_sites import nothing
from tests.pairs.statements import NORMAL, P3, program
from virgil.errors import MismatchError, PlateError, ShapeError
from virgil.infer import Trace_ELBO, TraceEnum_ELBO, config_enumerate


def data_of(shape, *plates):
    """A model whose observation has this shape, in plates (name, size, dim)."""

    def model():
        with ExitStack() as stack:
            for name, size, dim in plates:
                stack.enter_context(virgil.plate(name, size, dim=dim))
            virgil.sample("x", NORMAL, obs=torch.zeros(shape))

    return model


def indexed(indices):
    def run():
        with virgil.plate("data", 4, subsample=torch.tensor(indices)):
            virgil.sample("z", NORMAL)

    return run


@config_enumerate
def rows_and_columns():
    with virgil.plate("rows", 3, dim=-2), virgil.plate("columns", 2, dim=-1):
        see("x", pick("z").float())


def two_plates():
    with virgil.plate("rows", 3, dim=-2), virgil.plate("columns", 2, dim=-1):
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))


ONE_TOO_FEW = (("max_plate_nesting", 1),)

MISTAKES = {
    "too small a nesting, with enumeration": Mistake(
        rows_and_columns,
        nothing,
        None,
        ["plate 'rows' is at dim -2", "Set max_plate_nesting=2 or more"],
        PlateError,
        loss=TraceEnum_ELBO,
        options=ONE_TOO_FEW,
    ),
    "too small a nesting, with particles": Mistake(
        two_plates,
        two_plates,
        None,
        ["Plate 'rows' needs dim -2", "Set max_plate_nesting=2 or more"],
        PlateError,
        loss=Trace_ELBO,
        options=(*ONE_TOO_FEW, ("num_particles", 2), ("vectorize_particles", True)),
    ),
    "other event dims": Mistake(
        program(("z", dist.Normal(torch.zeros(3), 1.0).to_event(1))),
        program(("z", dist.Normal(0.0, 1.0))),
        "z",
        ["event shape () and the model's has (3,)", ".to_event(1)", "Shapes in the model"],
        ShapeError,
    ),
    "other event shapes": Mistake(
        program(("z", dist.Normal(torch.zeros(3), 1.0).to_event(1))),
        program(("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))),
        "z",
        ["event shape (2,) and the model's has (3,)", "the same event shape"],
        ShapeError,
    ),
    "a batch dim without a plate, in the model": Mistake(
        program(("z", dist.Normal(torch.zeros(3), 1.0))),
        program(("z", NORMAL)),
        "z",
        ["size 3 at batch dim -1", "no plate is there", ".to_event(n)"],
        ShapeError,
    ),
    "a batch dim without a plate, in the guide": Mistake(
        program(("z", NORMAL)),
        program(("z", dist.Normal(torch.zeros(3), 1.0))),
        "z",
        [
            "size 3 at batch dim -1",
            "no plate is there",
            "Put the statement in a plate",
            "Shapes in the guide:",
            "z dist     3 |",
        ],
        ShapeError,
    ),
    "one observation in a plate of three": Mistake(
        data_of((1,), ("data", 3, -1)),
        nothing,
        "x",
        ["shape (1,), size 1 at dim -1, where plate 'data' has size 3", "counts 3 times", ".expand((3,))"],
        "warning",
    ),
    "a column of observations in a plate": Mistake(
        data_of((3, 1), ("data", 3, -1)),
        nothing,
        "x",
        [
            "shape (3, 1) against batch shape (3,)",
            "gives a log-probability of shape (3, 3)",
            "no plate is there",
            "squeeze it",
            "Shapes in the model:",
            "value    3 1 |",
        ],
        ShapeError,
    ),
    "a column of observations in two plates": Mistake(
        data_of((3, 1), ("rows", 3, -2), ("columns", 3, -1)),
        nothing,
        "x",
        ["shape (3, 1), size 1 at dim -1, where plate 'columns' has size 3", ".expand((3, 3))"],
        "warning",
    ),
    "a plate of another name": Mistake(
        program(("z", NORMAL, P3)),
        program(("z", NORMAL, {"plate": ("dada", 3)})),
        "z",
        ["in plate 'dada', which the model lacks", "Did you mean 'data'?", "Give the guide's plate the model's name"],
        MismatchError,
    ),
    "a plate at another dim": Mistake(
        program(("z", NORMAL, P3)),
        program(("z", NORMAL, {"plate": ("data", 3, {"dim": -2})})),
        "z",
        ["plate 'data' is at dim -2 in the guide and at dim -1 in the model", "the same dim="],
        MismatchError,
    ),
    "a plate of another size": Mistake(
        program(("z", NORMAL, P3)),
        program(("z", NORMAL, {"plate": ("data", 4)})),
        "data",
        ["full size 4 in the guide and 3 in the model", "Give both the same size"],
        MismatchError,
    ),
    "a mini-batch of another size": Mistake(
        indexed([0, 1, 2]),
        indexed([0, 1]),
        "data",
        ["mini-batch size 2 in the guide and 3 in the model", "let the guide draw the mini-batch"],
        MismatchError,
    ),
    "a mini-batch of other indices": Mistake(
        indexed([0, 3]),
        indexed([2, 1]),
        "data",
        ["indices [2, 1] in the guide and [0, 3] in the model", "Give both plates the same subsample="],
        MismatchError,
    ),
    "a plate that the guide lacks": Mistake(
        program(("z", NORMAL, P3)),
        program(("z", NORMAL)),
        "z",
        ["the model has plate 'data', which the guide lacks", "Write with virgil.plate('data', ...)"],
        MismatchError,
    ),
}
