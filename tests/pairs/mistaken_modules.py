"""Modules whose random attributes are read inside a plate. Model, guide and what is said; and those that are meant."""

from __future__ import annotations

import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.pairs.mistake import Mistake
from virgil.errors import ShapeError
from virgil.infer.autoguide import AutoNormal
from virgil.nn import PyroModule, PyroSample

NORMAL, POSITIVE = dist.Normal(0.0, 1.0), dist.LogNormal(0.0, 1.0)
X, Y = torch.tensor([[1.0, 0.5], [0.2, -1.0], [-0.7, 0.3]]), torch.tensor([0.3, -0.2, 1.0])


class InPlate(PyroModule):
    """Observes data in a plate, with what its attributes say; ``before`` are read before it."""

    def __init__(self, mean, before=(), **priors):
        super().__init__()
        self.says, self.before = mean, before
        for name, prior in priors.items():
            setattr(self, name, PyroSample(prior))

    def forward(self):
        for name in self.before:
            getattr(self, name)
        with virgil.plate("data", 3):
            virgil.sample("y", dist.Normal(self.says(self), 1.0), obs=Y)


class Table(InPlate):
    """Two plates."""

    def forward(self):
        with virgil.plate("rows", 2, dim=-2), virgil.plate("columns", 3, dim=-1):
            virgil.sample("y", dist.Normal(self.says(self), 1.0), obs=Y.expand(2, 3))


class Layer(InPlate):
    """Calls a layer in the plate."""

    def __init__(self):
        super().__init__(lambda self: self.layer(X)[..., 0])
        self.layer = PyroModule[nn.Linear](2, 1)
        self.layer.weight = PyroSample(NORMAL.expand([1, 2]).to_event(2))


def function():
    """A model that is no module and reads one."""
    with virgil.plate("data", 3):
        virgil.sample("y", dist.Normal(READ.level, 1.0), obs=Y)


READ = InPlate(lambda self: self.level, level=NORMAL)
ONE = InPlate(lambda self: self.level, level=NORMAL)
SLOPES = InPlate(lambda self: (X * self.w).sum(-1), w=NORMAL.expand([2]).to_event(1))
BY_FUNCTION = InPlate(
    lambda self: self.level, before=["scale"], scale=POSITIVE, level=lambda self: dist.Normal(0.0, self.scale)
)
CROSSED = Table(lambda self: self.level, level=NORMAL)
HALF = Table(lambda self: self.level, level=NORMAL.expand([3]))
LAYER = Layer()


def said(model, site, *parts):
    return Mistake(model, AutoNormal(model), site, parts, "note")


MISTAKES = {
    "an attribute in a plate": said(
        ONE, "level", "Attribute 'level'", "inside plate 'data'", "shape (3,)", "before the plate", "expand([3])"
    ),
    "a vector in a plate": said(SLOPES, "w", "Attribute 'w'", "shape (3, 2)"),
    "an attribute of a function's in a plate": said(function, "level", "Attribute 'level'", "shape (3,)"),
    "an attribute whose prior is a function": said(BY_FUNCTION, "level", "Attribute 'level'", "plate 'data'"),
    "an attribute in two plates": said(CROSSED, "level", "plate 'rows' and plate 'columns'", "shape (2, 3)"),
    "an attribute of the inner plate": said(HALF, "level", "inside plate 'rows', and so", "expand([2, 3])"),
    "a layer in a plate": Mistake(
        LAYER,
        AutoNormal(LAYER),
        "layer.weight",
        ["its layer reads inside plate 'data'", "shape (3, 1, 2)", "Call the layer before the plate"],
        ShapeError,
    ),
}  # fmt: skip


def sampled():
    with virgil.plate("data", 3):
        virgil.sample("y", dist.Normal(virgil.sample("level", NORMAL), 1.0), obs=Y)


MEANT = {
    "read before": InPlate(lambda self: self.level, before=["level"], level=NORMAL),
    "of the plate's size": InPlate(lambda self: self.level, level=NORMAL.expand([3])),
    "of the data": InPlate(lambda self: self.level, level=lambda self: dist.Normal(X[:, 0], 1.0)),
    "of what has the plate's size": InPlate(
        lambda self: self.level, first=NORMAL.expand([3]), level=lambda self: dist.Normal(self.first, 1.0)
    ),
    "conditioned": virgil.poutine.condition(
        InPlate(lambda self: self.first + self.level, first=NORMAL.expand([3]), level=NORMAL), {"level": Y}
    ),
    "a statement": sampled,
}
