"""Programs in which torch, or a statement, raises an exception; and the words that are to be said of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError, ShapeError, SupportError
from virgil.infer import config_enumerate
from virgil.infer.autoguide import AutoNormal

__all__ = ["FAILING", "Failing"]

X = torch.arange(18.0).reshape(6, 3) / 10
Y = torch.arange(6.0) / 10
ARRAY = np.arange(18.0).reshape(6, 3) / 10
WIDE = nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 1))

IN_MODEL, IN_GUIDE = "while the model was running", "while the guide was running"
BY_GUIDE = "while the automatic guide ran the model to find its sites"


@dataclass(frozen=True)
class Failing:
    """A model that fails, or whose guide does.

    Attributes:
        model, guide: the programs; by default the guide is ``AutoNormal``.
        args: of both.
        error: the exception.
        parts: of its message and notes.
        enumerates: whether it fails under enumeration alone.
        is_drawn: whether drawing from the prior fails as well.
    """

    model: Callable[..., Any]
    parts: tuple[str, ...]
    args: tuple[Any, ...] = (X, Y)
    error: type[Exception] = RuntimeError
    guide: Callable[..., Any] | None = None
    enumerates: bool = False
    is_drawn: bool = True

    def make_guide(self):
        """The guide, or a new automatic one."""
        return self.guide or AutoNormal(self.model)


FAILING: dict[str, Failing] = {}


def failing(name, *parts, **options):
    """A decorator that adds a model to the table."""

    def add(model):
        FAILING[name] = Failing(model, parts, **options)
        return model

    return add


def weights(size=3):
    return virgil.sample("w", dist.Normal(torch.zeros(size), 1.0).to_event(1))


def level():
    return virgil.sample("z", dist.Normal(0.0, 1.0))


def of_weights(*args):
    virgil.sample("w", dist.Normal(virgil.param("loc", torch.zeros(3)), 1.0).to_event(1))


def of_level(*args):
    virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))


def observed(fn, value, **options):
    with virgil.plate("data", 6):
        virgil.sample("y", fn, obs=value, **options)


@failing(
    "a whole column beside a mini-batch",
    *(BY_GUIDE, "after site 'u'", "mean = u * y", "u is the value of site 'u', a float32 tensor of shape (2,)"),
    *("y is a float32 tensor of shape (6,)", "'data' of size 6, of which it takes 2"),
)
def whole_column(x, y):
    with virgil.plate("data", 6, subsample_size=2) as rows:
        u = virgil.sample("u", dist.Normal(0.0, 1.0))
        mean = u * y
        virgil.sample("y", dist.Normal(mean, 1.0), obs=y[rows])


@failing(
    "whole data in a plate of mini-batches",
    *("At site 'y', the observed value has shape (6,), the full size 6 of plate 'data'", "obs=data[indices]"),
    guide=of_level,
    error=ShapeError,
    is_drawn=False,
)
def whole_data(x, y):
    z = level()
    with virgil.plate("data", 6, subsample_size=2):
        virgil.sample("y", dist.Normal(z, 1.0), obs=y)


@failing(
    "NumPy's float64 beside float32",
    *(BY_GUIDE, "after site 'w'", "x is a float64 ndarray of shape (6, 3)", "float32 tensor of shape (3,)"),
    *("'data' of size 6", "Give both the same dtype"),
    args=(ARRAY, Y),
)
def array_data(x, y):
    w = weights()
    with virgil.plate("data", 6):
        virgil.sample("y", dist.Normal(torch.as_tensor(x) @ w, 1.0), obs=y)


@failing(
    "float64 in a model with a guide by hand",
    *(IN_MODEL, "x is a float64 tensor of shape (6, 3)", "w is the value of site 'w'", "Give both the same dtype"),
    args=(X.double(), Y),
    guide=of_weights,
)
def double_data(x, y):
    w = weights()
    observed(dist.Normal(x @ w, 1.0), y)


@failing(
    "whole numbers beside weights",
    *(IN_MODEL, "x is an int64 tensor of shape (6, 3)", "Give both the same dtype"),
    args=(X.long(), Y),
    guide=of_weights,
)
def integer_data(x, y):
    w = weights()
    observed(dist.Normal(x @ w, 1.0), y)


class Weighted(dist.Normal):
    """A family by a user, whose density fits four values only."""

    def log_prob(self, value):
        return super().log_prob(value) * torch.ones(4)


@failing(
    "a density that does not fit the data",
    *("when the log-probability of site 'y' of the model was computed, of Weighted with batch shape (6,)", "stated at"),
    *("a value that is a float32 tensor of shape (6,), in plate 'data' (size 6, dim -1)", 'virgil.sample("y"'),
    guide=of_level,
    is_drawn=False,
)
def unfit_density(x, y):
    observed(Weighted(level(), 1.0), y)


FAILING["a density that does not fit the data, in an automatic guide"] = Failing(
    unfit_density, FAILING["a density that does not fit the data"].parts, is_drawn=False
)


@failing(
    "a plate of more slots than data",
    *(IN_MODEL, "after site 'z'", "i is the indices of plate 'data', an int64 tensor of shape (8,)"),
    *("y is a float32 tensor of shape (6,)", "Give plate 'data' the size of what it indexes"),
    guide=of_level,
    error=IndexError,
)
def long_plate(x, y):
    z = level()
    with virgil.plate("data", 8) as i:
        virgil.sample("y", dist.Normal(z, 1.0), obs=y[i])


@failing(
    "a group that has no slot",
    *(BY_GUIDE, "z is the value of site 'z', a float32 tensor of shape (3,)"),
    *(
        "group is an int64 tensor of shape (6,)",
        "'groups' of size 3; 'data' of size 6",
    ),
    args=(torch.tensor([0, 1, 2, 3, 0, 1]), Y),
    error=IndexError,
)
def group_beyond(group, y):
    with virgil.plate("groups", 3):
        z = level()
    with virgil.plate("data", 6):
        virgil.sample("y", dist.Normal(z[group], 1.0), obs=y)


@failing(
    "groups that are no whole numbers",
    *("used as indices", "group is a float32 tensor of shape (6,)", "by .long()"),
    args=(torch.tensor([0.0, 1.0, 2.0, 2.0, 0.0, 1.0]), Y),
    error=IndexError,
)
def group_of_floats(group, y):
    with virgil.plate("groups", 3):
        z = level()
    with virgil.plate("data", 6):
        virgil.sample("y", dist.Normal(z[group], 1.0), obs=y)


@failing(
    "an index beyond a category, observed",
    *(
        "At site 'y' of the model, the observed value lies outside the support of Categorical",
        "such as 3 at index (3,)",
    ),
    args=(X, torch.tensor([0, 1, 2, 3, 1, 0])),
    error=SupportError,
    is_drawn=False,
)
def category_beyond(x, y):
    observed(dist.Categorical(virgil.sample("p", dist.Dirichlet(torch.ones(3)))), y)


@failing(
    "a mask of another shape over data",
    *(
        "At site 'y', the mask has shape (4,), but the log-probability has shape (6,)",
        "a shape that broadcasts to that",
    ),
    guide=of_level,
    error=ShapeError,
    is_drawn=False,
)
def short_mask(x, y):
    z = level()
    with poutine.mask(mask=torch.ones(4, dtype=torch.bool)):
        observed(dist.Normal(z, 1.0), y)


@failing(
    "a distribution with a mask of another shape",
    *("At site 'y', the distribution's batch shape (4,)", "plate 'data' has size 6", IN_MODEL, "statement of site 'y'"),
    guide=of_level,
    error=ShapeError,
)
def short_own_mask(x, y):
    observed(dist.Normal(level(), 1.0).mask(torch.ones(4, dtype=torch.bool)), y)


@failing(
    "a scale of another shape over data",
    *("At site 'y', the scale has shape (4,), but the log-probability has shape (6,)",),
    guide=of_level,
    error=ShapeError,
    is_drawn=False,
)
def short_scale(x, y):
    z = level()
    with poutine.scale(scale=torch.ones(4)):
        observed(dist.Normal(z, 1.0), y)


@failing(
    "an obs_mask of another shape",
    *("At site 'y', obs_mask has shape (4,), which does not broadcast to the batch shape (6,)", BY_GUIDE),
    error=ShapeError,
)
def short_obs_mask(x, y):
    observed(dist.Normal(level(), 1.0), y, obs_mask=torch.ones(4, dtype=torch.bool))


@failing(
    "an obs_mask by entry",
    *("At site 'y', obs_mask has shape (6, 3)", "one entry of obs_mask for each event", BY_GUIDE),
    error=ShapeError,
)
def obs_mask_by_entry(x, y):
    observed(dist.Normal(weights(), 1.0).to_event(1), x, obs_mask=x > 0.5)


@failing(
    "an obs_mask of numbers",
    *("At site 'y', obs_mask is <Tensor of shape (6,)>; it must be a tensor of dtype torch.bool", BY_GUIDE),
    error=ArgumentError,
)
def obs_mask_of_numbers(x, y):
    observed(dist.Normal(level(), 1.0), y, obs_mask=torch.ones(6))


@failing(
    "vectors where numbers are observed",
    *("At site 'y', the observed value has shape (6,)", "event shape (3,)", "a shape that ends in (6, 3)"),
    guide=of_weights,
    error=ShapeError,
    is_drawn=False,
)
def vectors_for_numbers(x, y):
    observed(dist.MultivariateNormal(weights(), torch.eye(3)), y)


@failing(
    "a mean and a covariance of other sizes",
    *(IN_MODEL, "in the statement of site 'y'", "'data' of size 6", 'virgil.sample("y", fn, obs=value'),
    guide=of_level,
)
def unlike_sizes(x, y):
    observed(dist.MultivariateNormal(level() * torch.ones(4), torch.eye(3)), x)


@failing(
    "one event dim too many",
    *("to_event(1) of Normal: its batch_shape is ()", IN_MODEL, "z is the value of site 'z'"),
    guide=of_level,
    error=ShapeError,
)
def event_dim_too_many(x, y):
    z = level()
    virgil.sample("y", dist.Normal(z, 1.0).to_event(1), obs=y)


@failing(
    "a column from a network in a plate",
    *("At site 'y', the distribution has size 6 at batch dim -2, batch shape (6, 6), and no plate is there",),
    guide=of_level,
    error=ShapeError,
    is_drawn=False,
)
def network_column(x, y):
    observed(dist.Normal(x[:, :1] + level(), 1.0), y)


@failing(
    "weights of another size",
    *(BY_GUIDE, "mean = x @ w", "x is a float32 tensor of shape (6, 3)", "the value of site 'w', a float32 tensor of"),
    *("shape (4,)",),
)
def long_weights(x, y):
    w = weights(4)
    mean = x @ w
    observed(dist.Normal(mean, 1.0), y)


@failing(
    "a network of another size in the model",
    *(IN_MODEL, "after site 'z'", "Linear(in_features=4, out_features=2, bias=True) was called with input, a float32 "),
    *("tensor of shape (6, 3)", "x is a float32 tensor of shape (6, 3)"),
    guide=of_level,
)
def wide_network(x, y):
    z = level()
    network = virgil.module("network", WIDE)
    observed(dist.Normal(network(x)[:, 0] + z, 1.0), y)


@failing(
    "parameters of a distribution that do not broadcast",
    *(
        BY_GUIDE,
        "after site 'z'",
        "Normal got loc, a float32 tensor of shape (6,) and scale, a float32 tensor of shape",
    ),
    *("(4,)", "y is a float32 tensor of shape (6,)"),
)
def unlike_parameters(x, y):
    level()
    observed(dist.Normal(y, torch.ones(4)), y)


@failing(
    "a list as a parameter", *(BY_GUIDE, "Normal got loc, a list", "dist.Normal([0.0, 1.0], 1.0)"), error=ValueError
)
def list_parameter(x, y):
    level()
    virgil.sample("y", dist.Normal([0.0, 1.0], 1.0), obs=y[:2])


@failing(
    "a list as probabilities", *(BY_GUIDE, "Categorical got probs, a list", "after site 'z'"), error=AttributeError
)
def list_of_probabilities(x, y):
    level()
    virgil.sample("y", dist.Categorical([0.5, 0.5]), obs=torch.tensor(1))


@failing(
    "a covariance that is none",
    *(IN_MODEL, "constraint PositiveDefinite()", "MultivariateNormal got loc, a float32 tensor of shape (3,) and"),
    *("covariance_matrix, a float32 tensor of shape (3, 3)", "after site 'z'"),
    guide=of_level,
    error=ValueError,
)
def no_covariance(x, y):
    level()
    observed(dist.MultivariateNormal(torch.zeros(3), torch.ones(3, 3)), x)


@failing(
    "words as data",
    *("At site 'y', obs is ['a', 'b'], which torch cannot make a tensor of", "numbers of equal lengths"),
    args=(X, ["a", "b"]),
    error=ArgumentError,
)
def words(x, y):
    virgil.sample("y", dist.Normal(level(), 1.0), obs=y)


@failing(
    "data on another device",
    *(BY_GUIDE, "x is a float32 tensor of shape (6, 3) on meta", "Bring both to one device"),
    args=(X.to("meta"), Y),
)
def elsewhere(x, y):
    w = weights()
    mean = x @ w
    observed(dist.Normal(mean, 1.0), y)


@failing(
    "a missing column",
    *(BY_GUIDE, "'columns'", 'data["columns"] @ w', "w is the value of site 'w'"),
    args=({"x": X}, Y),
    error=KeyError,
)
def missing_column(data, y):
    w = weights()
    observed(dist.Normal(data["columns"] @ w, 1.0), y)


def of_wrong_size(x, y):
    loc = virgil.param("loc", torch.zeros(4))
    virgil.sample("w", dist.Normal(x[0] * loc, 1.0).to_event(1))


def of_wide_network(x, y):
    network = virgil.module("encoder", WIDE)
    virgil.sample("w", dist.Normal(network(x)[0] * torch.ones(3), 1.0).to_event(1))


def of_short_table(x, y):
    with virgil.plate("data", 6, subsample_size=3) as i:
        table = virgil.param("table", torch.zeros(3))
        virgil.sample("u", dist.Normal(table[i + 3], 1.0))


def of_another_event(x, y):
    virgil.sample("w", dist.Normal(torch.zeros(2), 1.0).to_event(1))


def _linear(x, y):
    w = weights()
    observed(dist.Normal(x @ w, 1.0), y)


def _local(x, y):
    with virgil.plate("data", 6, subsample_size=3) as i:
        u = virgil.sample("u", dist.Normal(0.0, 1.0))
        virgil.sample("y", dist.Normal(u, 1.0), obs=y[i])


_IN_GUIDES = {
    "a product of other sizes in the guide": Failing(
        _linear, (IN_GUIDE, "loc is a float32 tensor of shape (4,)", "x[0] * loc"), guide=of_wrong_size
    ),
    "a network of another size in the guide": Failing(
        _linear, (IN_GUIDE, "Linear(in_features=4, out_features=2, bias=True) was called with"), guide=of_wide_network
    ),
    "an index beyond a table in the guide": Failing(
        _local,
        (IN_GUIDE, "i is the indices of plate 'data'", "table is a float32 tensor of shape (3,)", "'data' of size 6"),
        error=IndexError,
        guide=of_short_table,
    ),
    "another event in the guide, which breaks the model": Failing(
        _linear,
        ("At site 'w', the guide's distribution has event shape (2,) and the model's has (3,)",),
        error=ShapeError,
        guide=of_another_event,
    ),
}
FAILING |= {name: Failing(**{**vars(each), "is_drawn": False}) for name, each in _IN_GUIDES.items()}


def enumerated(name, *parts, **options):
    """A decorator that adds a model whose variable ``k`` is summed out."""
    return failing(
        name,
        *(IN_MODEL, "k is site 'k', which is enumerated and so has all its values at once along dim -2", *parts),
        guide=lambda *args: None,
        enumerates=True,
        is_drawn=False,
        **options,
    )


@enumerated("an enumerated variable as an index of a list", "locs[int(k)]", "index a tensor by it", error=ValueError)
@config_enumerate
def enumerated_index(x, y):
    k = virgil.sample("k", dist.Bernoulli(0.5))
    locs = [0.0, 1.0]
    observed(dist.Normal(locs[int(k)], 1.0), y)


@enumerated("an enumerated variable as a condition", "if k else", "torch.where", "'sequential'")
@config_enumerate
def enumerated_condition(x, y):
    k = virgil.sample("k", dist.Bernoulli(0.5))
    loc = 0.0 if k else 1.0
    observed(dist.Normal(loc, 1.0), y)


@enumerated("an enumerated variable that is written into a tensor", "locs[:] = k", "locs is a float32 tensor")
@config_enumerate
def enumerated_write(x, y):
    with virgil.plate("data", 6):
        k = virgil.sample("k", dist.Categorical(torch.ones(3)))
        locs = torch.zeros(6)
        locs[:] = k
        virgil.sample("y", dist.Normal(locs, 1.0), obs=y)
