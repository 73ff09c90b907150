"""Mini-batches: indices that choose nothing, or among too few, and parameters that belong to slots and not to data."""

import math

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from tests.infer.checks.asking import heard, says
from virgil.distributions import constraints
from virgil.infer import Trace_ELBO
from virgil.infer.autoguide import AutoNormal

N, B = 12, 4
DATA = torch.linspace(-2.0, 2.0, N)
encoder = nn.Linear(1, B)  # as many features as slots, by coincidence


def plate(size=N, batch=B, **options):
    return virgil.plate("data", size, subsample_size=batch, **options)


def mu():
    return virgil.sample("mu", dist.Normal(0.0, 1.0))


def global_guide(*args):
    virgil.sample("mu", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))


def of(observe, size=N, batch=B):
    """A model that observes what ``observe`` makes of its data and the plate's indices."""

    def model(data=None, *rest):
        loc = mu()
        with plate(size, batch) as indices:
            virgil.sample("x", dist.Normal(loc, 1.0), obs=observe(data, indices, *rest))

    return model


def of_vectors(observe):
    def model(data):
        loc = mu()
        with plate() as indices:
            virgil.sample("x", dist.Normal(loc, 1.0).expand([2]).to_event(1), obs=observe(data, indices))

    return model


def of_events(data):
    with plate() as indices:
        z = virgil.sample("z", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
        virgil.sample("x", dist.Normal(z.sum(-1), 1.0), obs=data[indices])


def local_model(data):
    with plate() as indices:
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=data[indices])


def batch_model(batch):
    with plate():
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=batch)


def local_guide(loc):
    def guide(data):
        with plate() as indices:
            virgil.sample("z", dist.Normal(loc(data, indices), 1.0))

    return guide


def event_guide(loc):
    def guide(data):
        with plate() as indices:
            virgil.sample("z", dist.Normal(loc(indices), 1.0).to_event(1))

    return guide


def table(*shape, name="table", **options):
    return virgil.param(name, torch.full(shape, 0.5), **options)


def encoded(data):
    virgil.module("encoder", encoder)
    return encoder(data.unsqueeze(-1)).sum(-1)


ROWS = torch.stack([DATA, DATA], -1)
SAME = ["Plate 'data' takes 4 of 12", "does not use its indices", "site 'x' sees the same 4 values, each with weight 3"]
BY_SLOT = [
    "At site 'z', the guide has in 'table'",
    "one parameter for each of the 4 slots of plate 'data'",
    "of size 12",
]
WRONG = {  # name: model, guide, arguments, severity, what the message says
    "the whole": (
        of(lambda data, _: data),
        global_guide,
        [DATA],
        "error",
        ["ShapeError: At site 'x', the observed value has shape (12,), the full size 12 of plate 'data'", "[indices]"],
    ),
    "the whole, of vectors": (
        of_vectors(lambda data, _: data),
        global_guide,
        [ROWS],
        "error",
        ["the observed value has shape (12, 2), the full size 12 of plate 'data' at dim -2"],
    ),
    "the first rows": (of(lambda data, _: data[:B]), global_guide, [DATA], "error", SAME),
    "a fixed choice of rows": (
        of(lambda data, _: data[torch.tensor([1, 3, 5, 7])]),
        global_guide,
        [DATA],
        "error",
        SAME,
    ),
    "the first rows, of vectors": (of_vectors(lambda data, _: data[:B]), global_guide, [ROWS], "error", SAME),
    "the first rows of a global": (of(lambda _, __: DATA[:B]), global_guide, [], "error", SAME),
    "too few data": (
        of(lambda data, indices: data[indices], N + 1),
        global_guide,
        [DATA],
        "error",
        ["PlateError: Plate 'data' has size 13, but in the model its indices choose among 12", "12 or more will fail"],
    ),
    "too few data, by index_select": (
        of(lambda data, indices: data.index_select(0, indices), N + 1),
        global_guide,
        [DATA],
        "error",
        ["choose among 12"],
    ),
    "too many data": (
        of(lambda data, indices: data[indices], N - 1),
        global_guide,
        [DATA],
        "warning",
        ["Plate 'data' has size 11, but in the model its indices choose among 12: from 11 on none is ever seen"],
    ),
    "too small a table in the guide": (
        local_model,
        local_guide(lambda _, indices: table(N - 1)[indices % (N - 1)] + table(N + 1, name="other")[indices]),
        [DATA],
        "warning",
        ["Plate 'data' has size 12, but in the guide its indices choose among 13"],
    ),
    "a whole table": (
        local_model,
        local_guide(lambda *_: table(N)),
        [DATA],
        "error",
        ["has size 12 at dim -1, where plate 'data' has size 4", "Index by the plate's indices what has its full size"],
    ),
    "a parameter by slot": (local_model, local_guide(lambda *_: table(B)), [DATA], "error", BY_SLOT),
    "a positive one": (
        local_model,
        local_guide(lambda *_: table(B, constraint=constraints.positive).log()),
        [DATA],
        "error",
        BY_SLOT,
    ),
    "by slot, of a batch given": (batch_model, local_guide(lambda *_: table(B)), [DATA[:B]], "error", BY_SLOT),
    "by slot, of events": (of_events, event_guide(lambda _: table(B, 2)), [DATA], "error", BY_SLOT),
    "a loc by datum, a scale by slot": (
        local_model,
        lambda data: local_guide_of_two(data),
        [DATA],
        "error",
        BY_SLOT,
    ),
}


def local_guide_of_two(data):
    with plate() as indices:
        scale = table(B, constraint=constraints.positive)
        virgil.sample("z", dist.Normal(table(N, name="locs")[indices], scale))


FINE = {
    "indexed": (of(lambda data, indices: data[indices]), global_guide, [DATA]),
    "by index_select": (of(lambda data, indices: data.index_select(0, indices)), global_guide, [DATA]),
    "by subsample": (of(lambda data, _: virgil.subsample(data, event_dim=0)), global_guide, [DATA]),
    "by a list": (of(lambda data, indices: torch.stack([data[i] for i in indices])), global_guide, [DATA]),
    "by numpy": (of(lambda data, indices: torch.as_tensor(data.numpy()[indices.numpy()])), global_guide, [DATA]),
    "of vectors": (of_vectors(lambda data, indices: data[indices]), global_guide, [ROWS]),
    "a column of a table": (of(lambda data, indices: data[:, indices][0]), global_guide, [DATA.expand(2, N)]),
    "a batch that is given": (of(lambda batch, _: batch), global_guide, [DATA[:B]]),
    "a batch given with the whole": (of(lambda batch, _, whole: batch), global_guide, [DATA[:B], DATA]),
    "rows from a place that is given": (
        of(lambda data, _, place: data[place : place + B]),
        global_guide,
        [DATA, 2],
    ),
    "rows chosen by the program": (of(lambda data, _: data[torch.randperm(N)[:B]]), global_guide, [DATA]),
    "no mini-batch": (of(lambda data, _: data, batch=N), global_guide, [DATA]),
    "a table by datum": (local_model, local_guide(lambda _, indices: table(N)[indices]), [DATA]),
    "a table by datum, cut by the plate": (local_model, local_guide(lambda *_: table(N, event_dim=0)), [DATA]),
    "shared": (local_model, local_guide(lambda *_: table()), [DATA]),
    "shared, in a batch of one": (local_model, local_guide(lambda *_: table(1)), [DATA]),
    "shared by as many features as slots": (
        lambda data: of_features(data, dist.Normal(torch.zeros(B), 1.0).to_event(1)),
        lambda data: of_features(None, dist.Normal(table(B), 1.0).to_event(1)),
        [DATA],
    ),
    "amortised": (local_model, local_guide(lambda data, indices: encoded(data[indices])), [DATA]),
    "amortised, of a batch given": (batch_model, local_guide(lambda batch, _: encoded(batch)), [DATA[:B]]),
    "one of a few clusters": (
        local_model,
        local_guide(lambda _, indices: table(B)[torch.arange(N).flip(0)[indices] % B]),
        [DATA],
    ),
    "an automatic guide": (local_model, AutoNormal(local_model), [DATA]),
}


def of_features(data, fn):
    with plate() as indices:
        z = virgil.sample("z", fn)
        if data is not None:
            virgil.sample("x", dist.Normal(z.sum(-1), 1.0), obs=data[indices])


@pytest.mark.parametrize(("model", "guide", "args", "severity", "parts"), WRONG.values(), ids=WRONG)
def test_a_mini_batch_that_goes_wrong_is_said(model, guide, args, severity, parts):
    says(heard(model, guide, *args), severity, *parts)


@pytest.mark.parametrize(("model", "guide", "args"), FINE.values(), ids=FINE)
def test_a_mini_batch_that_goes_right_hears_nothing(model, guide, args):
    assert heard(model, guide, *args, steps=3).severity == ""


def test_whole_data_are_said_under_an_automatic_guide_too():
    model = of(lambda data, indices: data)
    says(heard(model, AutoNormal(model), DATA), "error", "'x'", "the full size 12 of plate 'data'", "takes 4 of them")


def test_a_transform_that_refers_back_to_itself_is_looked_through():
    """A program that keeps the inverse of the map onto a support has made the two refer to each other."""
    inverse = torch.distributions.biject_to(constraints.positive).inv

    def model(data):
        with plate() as indices:
            scale = virgil.sample("scale", dist.LogNormal(0.0, 1.0))
            virgil.sample("x", dist.Normal(0.0, scale), obs=data[indices])

    assert math.isfinite(Trace_ELBO().loss(model, AutoNormal(model), DATA))
    del inverse
