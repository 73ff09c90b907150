"""Ways of writing the same few programs: arguments, data, plates, modules and handlers as users have them."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
from scipy import special, stats
from torch import Tensor, nn

import virgil
import virgil.distributions as dist
from tests.programs.program import Answer, Program
from virgil import poutine
from virgil.nn import PyroModule, PyroSample, pyro_method

_x = np.array([-1.0, 0.2, 0.8, -0.4, 1.5, 0.0])
_y = np.array([-0.8, 0.3, 1.2, 0.1, 1.6, -0.2], dtype=np.float32)
_flags = np.array([True, False, True, True, False, True])


def arrays(x, y, flags):
    """NumPy arrays in double precision as data: numbers, and booleans for a Bernoulli variable."""
    a = virgil.sample("a", dist.Normal(0, 1))
    p = virgil.sample("p", dist.Beta(1, 1))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Normal(a * torch.as_tensor(x, dtype=torch.float32), 1), obs=y)
        virgil.sample("flag", dist.Bernoulli(p), obs=torch.as_tensor(flags).float())


def arrays_answer(x, y, flags, a, p):
    prior = stats.norm.logpdf(a)
    return Answer(prior + stats.norm.logpdf(y, a * x).sum() + stats.bernoulli.logpmf(flags, p).sum())


def numbers(counts):
    """Observations that are Python numbers, in a loop over a list."""
    rate = virgil.sample("rate", dist.Gamma(2, 1))
    for i, count in enumerate(counts):
        virgil.sample(f"count_{i}", dist.Poisson(rate), obs=count)
    virgil.sample("total", dist.Normal(rate * len(counts), 1.0), obs=7)


def numbers_answer(counts, rate):
    return Answer(
        stats.gamma.logpdf(rate, 2)
        + stats.poisson.logpmf(counts, rate).sum()
        + stats.norm.logpdf(7, rate * len(counts))
    )


def by_decorator(x, y=None):
    """A plate around a function, which has no size but the data's."""
    a = virgil.sample("a", dist.Normal(0.0, 1.0))

    @virgil.plate("rows", len(x))
    def rows():
        return virgil.sample("y", dist.Normal(a * x, 1.0), obs=y)

    return rows()


def by_decorator_answer(x, y, a):
    return Answer(stats.norm.logpdf(a) + stats.norm.logpdf(y, a * x).sum(), {"y": (a * x, 1.0)})


def without_size(x, y=None):
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    with virgil.plate("rows"):
        virgil.sample("y", dist.Normal(a * x, 1.0), obs=y)


def indices(x, y):
    """Data cut by the indices that a plate gives."""
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    with virgil.plate("rows", x.size(0), subsample=torch.arange(x.size(0))) as ind:
        virgil.sample("y", dist.Normal(a * x[ind], 1.0), obs=y[ind])


def indices_answer(x, y, a):
    return Answer(stats.norm.logpdf(a) + stats.norm.logpdf(y, a * x).sum())


def batch(x, y):
    """A mini-batch that is given, weighed by hand."""
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    with poutine.scale(scale=10.0), virgil.plate("batch", len(x)):
        virgil.sample("y", dist.Normal(a * x, 1.0), obs=y)


def batch_answer(x, y, a):
    return Answer(stats.norm.logpdf(a) + 10 * stats.norm.logpdf(y, a * x).sum())


def stacked(table=None):
    """Plates by `plate_stack`, and one distribution expanded by hand."""
    scale = virgil.sample("scale", dist.HalfNormal(1.0))
    with virgil.plate_stack("cells", (2, 3)):
        mean = virgil.sample("mean", dist.Normal(0.0, 1.0).expand([2, 3]))
        virgil.sample("table", dist.Normal(mean, scale), obs=table)


def stacked_answer(table, scale, mean):
    prior = stats.halfnorm.logpdf(scale) + stats.norm.logpdf(mean).sum()
    return Answer(prior + stats.norm.logpdf(table, mean, scale).sum(), {"table": (mean, scale)})


class Regression:
    """A program as a method of an object that holds the data."""

    def __init__(self, x, y):
        self.x, self.y = x, y

    def model(self, prior_scale=1.0):
        a = virgil.sample("a", dist.Normal(0.0, prior_scale))
        with virgil.plate("rows", len(self.x)):
            virgil.sample("y", dist.Normal(a * self.x, 1.0), obs=self.y)


_held = Regression(torch.tensor(_x).float(), torch.tensor(_y))


def held_answer(a):
    return Answer(stats.norm.logpdf(a, 0, 2) + stats.norm.logpdf(_y, a * _x).sum())


class Point(NamedTuple):
    """Two tensors under names."""

    x: Tensor
    y: Tensor


def named(points, *, slope_prior=None):
    """A list of named tuples, and a distribution as an argument."""
    a = virgil.sample("a", slope_prior or dist.Normal(0.0, 1.0))
    for i, point in enumerate(points):
        virgil.sample(f"y_{i}", dist.Normal(a * point.x, 1.0).to_event(point.x.dim()), obs=point.y)


def named_answer(points, a):
    prior = stats.laplace.logpdf(a)
    return Answer(prior + sum(stats.norm.logpdf(each.y.numpy(), a * each.x.numpy()).sum() for each in points))


class Seasons(PyroModule):
    """A buffer, priors on a layer of an inner module, and a method that reads attributes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.tensor(0.5))
        self.inner = PyroModule[nn.Linear](2, 1, bias=False)
        self.inner.weight = PyroSample(lambda self: dist.Normal(0.0, 1.0).expand([1, 2]).to_event(2))
        self.level = PyroSample(dist.Normal(0.0, 1.0))

    @pyro_method
    def mean(self, x):
        return self.level + self.inner(torch.stack([x, x**2], -1)).squeeze(-1)

    def forward(self, x, y=None):
        mean = self.mean(x)
        with virgil.plate("rows", len(x)):
            virgil.sample("y", dist.Normal(mean, self.scale), obs=y)


def seasons_answer(x, y, level, **point):
    weight = point["inner.weight"][0]
    mean = level + weight[0] * x + weight[1] * x**2
    prior = stats.norm.logpdf(level) + stats.norm.logpdf(weight).sum()
    return Answer(prior + stats.norm.logpdf(y, mean, 0.5).sum(), {"y": (mean, 0.5)})


def lifted_model(x, y):
    """A parameter that `lift` makes a variable."""
    slope = virgil.param("slope", torch.tensor(0.5))
    with virgil.plate("rows", len(x)):
        virgil.sample("y", dist.Normal(slope * x, 1.0), obs=y)


lifted = poutine.lift(lifted_model, prior={"slope": dist.Normal(0.0, 2.0)})


def lifted_answer(x, y, slope):
    return Answer(stats.norm.logpdf(slope, 0, 2) + stats.norm.logpdf(y, slope * x).sum())


def _causal(y=None):
    z = virgil.sample("z", dist.Normal(0.0, 1.0))
    dose = virgil.sample("dose", dist.Normal(z, 1.0))
    effect = virgil.sample("effect", dist.Normal(1.0, 1.0))
    virgil.sample("y", dist.Normal(effect * dose + z, 1.0), obs=y)


intervened = poutine.do(_causal, data={"dose": torch.tensor(1.5)})


def intervened_answer(y, z, dose, effect):
    # the dose would have had a value of its own, which nothing depends on
    mean = 1.5 * effect + z
    prior = stats.norm.logpdf(z) + stats.norm.logpdf(dose, z) + stats.norm.logpdf(effect, 1)
    return Answer(prior + stats.norm.logpdf(y, mean), {"y": (mean, 1.0)})


def masked_rows(x, y, keep):
    """Rows masked twice: by the handler, and by the distribution's own class."""
    a = virgil.sample("a", dist.Normal(0.0, 1.0))
    with virgil.plate("rows", len(x)), poutine.mask(mask=keep):
        virgil.sample("y", dist.MaskedDistribution(dist.Normal(a * x, 1.0), x > -0.5), obs=y)


def masked_rows_answer(x, y, keep, a):
    return Answer(stats.norm.logpdf(a) + stats.norm.logpdf(y, a * x)[keep & (x > -0.5)].sum())


def one_by_one(y):
    """A label of each row summed out one value after another, in an iterated plate."""
    weights = virgil.sample("weights", dist.Dirichlet(torch.ones(2)))
    locs = virgil.sample("locs", dist.Normal(torch.zeros(2), 1.0).to_event(1))
    for i in virgil.plate("rows", len(y)):
        z = virgil.sample(f"z_{i}", dist.Categorical(weights), infer={"enumerate": "parallel"})
        virgil.sample(f"y_{i}", dist.Normal(torch.where(z == 0, locs[..., 0], locs[..., 1]), 1.0), obs=y[i])


def one_by_one_answer(y, weights, locs):
    densities = np.log(weights) + stats.norm.logpdf(y[:, None], locs)
    return Answer(stats.norm.logpdf(locs).sum() + special.logsumexp(densities, -1).sum())


def directions(angles=None, n=4):
    """Angles, and a matrix as a variable."""
    mean = virgil.sample("mean", dist.VonMises(0.0, 1.0))
    kappa = virgil.sample("kappa", dist.Gamma(2.0, 1.0))
    precision = virgil.sample("precision", dist.Wishart(torch.tensor(3.0), covariance_matrix=torch.eye(2)))
    virgil.factor("size", -0.5 * torch.diagonal(precision, dim1=-2, dim2=-1).sum(-1))
    with virgil.plate("angles", n):
        virgil.sample("angle", dist.VonMises(mean, kappa), obs=angles)


def directions_answer(angles, mean, kappa, precision):
    prior = (
        stats.vonmises.logpdf(mean, 1) + stats.gamma.logpdf(kappa, 2) + stats.wishart.logpdf(precision, 3, np.eye(2))
    )
    return Answer(prior - 0.5 * np.trace(precision) + stats.vonmises.logpdf(angles, kappa, mean).sum())


_tx, _ty = torch.tensor(_x).float(), torch.tensor(_y)
_given = (_tx, _ty)

PROGRAMS = {
    "arrays": Program(arrays, {"a": 0.9, "p": 0.6}, arrays_answer, (_x, _y, _flags)),
    "numbers": Program(numbers, {"rate": 2.2}, numbers_answer, ([2, 3, 1],)),
    "a decorator": Program(by_decorator, {"a": 0.9}, by_decorator_answer, (_tx,), {"y": _ty}),
    "a plate without a size": Program(without_size, {"a": 0.9}, by_decorator_answer, (_tx,), {"y": _ty}),
    "a plate's indices": Program(indices, {"a": 0.9}, indices_answer, _given),
    "a batch weighed by hand": Program(batch, {"a": 0.9}, batch_answer, _given),
    "stacked plates": Program(
        stacked,
        {"scale": 0.7, "mean": [[0.5, -0.2, 0.1], [0.3, 0.9, -0.8]]},
        stacked_answer,
        data={"table": torch.tensor([[0.6, -0.4, 0.0], [0.1, 1.2, -0.7]])},
    ),
    "a method": Program(_held.model, {"a": 0.9}, lambda scale, a: held_answer(a), (2.0,)),
    "a partial function": Program(functools.partial(_held.model, 2.0), {"a": 0.9}, held_answer),
    "named tuples": Program(
        functools.partial(named, slope_prior=dist.Laplace(0.0, 1.0)),
        {"a": 0.9},
        named_answer,
        ([Point(_tx[:2], _ty[:2]), Point(_tx[2:], _ty[2:]), Point(_tx[0], _ty[1])],),
    ),
    "a module's method": Program(
        Seasons(), {"level": 0.2, "inner.weight": [[0.9, -0.1]]}, seasons_answer, (_tx,), {"y": _ty}
    ),
    "lifted": Program(lifted, {"slope": 0.9}, lifted_answer, _given),
    "intervened": Program(
        intervened, {"z": 0.3, "dose": -0.4, "effect": 0.8}, intervened_answer, data={"y": torch.tensor(1.7)}
    ),
    "masked twice": Program(masked_rows, {"a": 0.9}, masked_rows_answer, (*_given, torch.tensor(_flags))),
    "one by one": Program(
        one_by_one,
        {"weights": [0.375, 0.625], "locs": [-0.4, 0.8]},
        one_by_one_answer,
        (_ty,),
        enumerated=tuple(f"z_{i}" for i in range(6)),
    ),
    "directions": Program(
        directions,
        {"mean": 0.3, "kappa": 1.6, "precision": [[1.5, 0.25], [0.25, 0.75]]},
        directions_answer,
        data={"angles": torch.tensor([0.5, -0.7, 1.9, -2.5])},
    ),
}
