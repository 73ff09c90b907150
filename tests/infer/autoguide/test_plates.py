"""Guides of models with mini-batches: parameters for whole plates, cut to what a call uses."""

from __future__ import annotations

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions.core.validation import unchecked
from virgil.errors import ArgumentError, MismatchError
from virgil.infer import SVI, Trace_ELBO
from virgil.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoGaussian, AutoNormal, init_to_value
from virgil.infer.density.execution import Call, run_pair

SIZE, BATCH = 8, 3
DATA = torch.linspace(-2.0, 2.0, SIZE)

LOCAL = (AutoNormal, AutoDelta, AutoGaussian)
local_families = pytest.mark.parametrize("family", LOCAL, ids=lambda family: family.__name__)


def around(family, model, values):
    """A guide that begins at these values, with nearly no spread where it draws points."""
    spread = {"init_scale": 1e-8} if family is AutoGaussian else {}
    return family(model, init_loc_fn=init_to_value(values=values), **spread)


def location(site):
    return site.fn.v if isinstance(site.fn, dist.Delta) else site.fn.loc


def drawn(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("data", SIZE, subsample_size=BATCH) as indices:
        z = virgil.sample("z", dist.Normal(mu, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=data[indices])


def given(data, indices):
    mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("data", SIZE, subsample=indices):
        z = virgil.sample("z", dist.Normal(mu, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=data[indices])


def by_length(batch):
    with virgil.plate("data", SIZE, subsample_size=len(batch)):
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x", dist.Normal(z, 1.0), obs=batch)


def leaf(guide, name):
    return dict(guide.named_parameters())[name]


@local_families
def test_a_mini_batch_has_the_parameters_of_its_slots(family):
    guide = around(family, drawn, {"mu": torch.tensor(0.5), "z": DATA})
    guide(DATA)
    assert guide.median()["z"].tolist() == DATA.tolist()
    pair = run_pair(Call(drawn, guide, (DATA,), {}))
    indices = pair.guide.nodes["data"].value
    assert torch.equal(pair.model.nodes["data"].value, indices)
    assert len(indices) == BATCH
    torch.testing.assert_close(location(pair.guide.nodes["z"]), DATA[indices])
    assert pair.guide.nodes["z"].weight == SIZE / BATCH


@local_families
def test_slots_outside_the_mini_batch_get_no_gradient(family):
    guide = family(drawn)
    guide(DATA)
    Trace_ELBO().differentiable_loss(drawn, guide, DATA).backward()
    name = "points.z" if family is AutoDelta else "locs.z"
    touched = leaf(guide, name).grad.nonzero().flatten()
    assert len(touched) == BATCH


def test_the_gradient_of_a_mini_batch_is_unbiased():
    """With the noise held fixed, the mean over all mini-batches of one slot is the gradient of the whole."""
    noise = torch.randn(SIZE)

    def model(indices):
        with virgil.plate("data", SIZE, subsample=indices):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("x", dist.Normal(z, 1.0), obs=DATA[indices])

    guide = AutoNormal(model)
    guide(torch.arange(SIZE))

    def gradient(indices):
        guide.zero_grad()
        trace = poutine.trace(guide).get_trace(indices)
        site = trace.nodes["z"]
        value = site.fn.loc + site.fn.scale * noise[indices]
        trace.nodes["z"] = site.replace(value=value)
        model_trace = poutine.trace(poutine.replay(model, trace=trace)).get_trace(indices)
        (trace.log_prob_sum() - model_trace.log_prob_sum()).backward()
        return torch.stack([leaf(guide, "locs.z").grad, leaf(guide, "scales.z").grad])

    whole = gradient(torch.arange(SIZE)).clone()
    parts = torch.stack([gradient(torch.tensor([slot])).clone() for slot in range(SIZE)])
    torch.testing.assert_close(parts.mean(0), whole)


@local_families
def test_indices_that_the_model_is_given_are_found(family):
    guide = around(family, given, {"mu": torch.tensor(0.0), "z": DATA})
    for indices in (torch.tensor([1, 2]), torch.tensor([7]), torch.arange(SIZE), torch.tensor([5, 0])):
        state = torch.get_rng_state()
        pair = run_pair(Call(given, guide, (DATA, indices), {}))
        torch.testing.assert_close(location(pair.guide.nodes["z"]), DATA[indices])
        assert torch.equal(pair.guide.nodes["data"].value, indices)
        if family is AutoDelta:
            assert torch.equal(torch.get_rng_state(), state)
    SVI(given, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).step(DATA, torch.tensor([3]))


@local_families
def test_the_size_of_a_mini_batch_may_change(family):
    guide = family(by_length)
    svi = SVI(by_length, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    for size in (3, 2, SIZE, 3, 1):
        svi.step(DATA[:size])
        assert guide(DATA[:size])["z"].shape == (size,)
    assert guide.median()["z"].shape == (SIZE,)


def test_a_plate_that_grows_is_refused():
    def model(data):
        with virgil.plate("data", len(data)):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("x", dist.Normal(z, 1.0), obs=data)

    guide = AutoNormal(model)
    guide(DATA)
    with pytest.raises(MismatchError, match=r"Plate 'data' has size 5 in this call, but had 8 when the guide was made"):
        guide(DATA[:5])


def test_global_variables_take_any_batch():
    def model(data):
        mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        with virgil.plate("data", SIZE, subsample_size=len(data)):
            virgil.sample("x", dist.Normal(mu, 1.0), obs=data)

    guide = AutoNormal(model)
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    for size in (SIZE, 3, 5):
        data = DATA[:size]
        virgil.set_rng_seed(size)
        drawn_by = poutine.trace(guide).get_trace(data).nodes["mu"]
        mu, posterior = drawn_by.value.detach(), drawn_by["log_prob"].item()
        prior = dist.Normal(0.0, 1.0).log_prob(mu) + SIZE / size * dist.Normal(mu, 1.0).log_prob(data).sum()
        virgil.set_rng_seed(size)
        assert svi.step(data) == pytest.approx(posterior - prior.item(), rel=1e-5, abs=1e-5)


def test_plates_of_ones_own():
    def create_plates(data, indices):
        return virgil.plate("data", SIZE, subsample=indices)

    guide = AutoNormal(given, create_plates=create_plates, init_loc_fn=init_to_value(values={"z": DATA}))
    indices = torch.tensor([6, 2])
    pair = run_pair(Call(given, guide, (DATA, indices), {}))
    assert torch.equal(pair.guide.nodes["z"].fn.loc, DATA[indices])
    assert guide.plates["data"].subsample_size == 2


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (lambda data: 3, ArgumentError, "create_plates returned 3; it must return a plate"),
        (lambda data: [3], ArgumentError, "create_plates returned 3; it must return a plate"),
        (lambda data: virgil.plate("data", 5), MismatchError, "of size 5, but the model's has size 8"),
    ],
)
def test_wrong_plates_are_refused(made, error, message):
    guide = AutoNormal(drawn, create_plates=made)
    with pytest.raises(error, match=message):
        guide(DATA)


def test_a_flat_family_refuses_mini_batches_of_local_variables():
    guide = AutoDiagonalNormal(drawn)
    with pytest.raises(ArgumentError, match=r"Site 'z' is in plate 'data', .* 3 of 8 slots.*Use AutoNormal"):
        guide(DATA)
    guide = AutoDiagonalNormal(by_length)
    guide(DATA)
    with pytest.raises(ArgumentError, match=r"Site 'z' is in plate 'data', .* 2 of 8 slots"):
        guide(DATA[:2])


def test_a_plate_iterated_over_a_mini_batch_is_refused():
    def model():
        for i in virgil.plate("data", 8, subsample_size=2):
            virgil.sample(f"z_{i}", dist.Normal(0.0, 1.0))

    with pytest.raises(ArgumentError, match=r"in plate 'data', which is iterated over a mini-batch"):
        AutoNormal(model)()


def test_bounds_that_differ_between_slots():
    upper = torch.linspace(1.0, 2.0, SIZE)

    def whole():
        with virgil.plate("data", SIZE):
            virgil.sample("z", dist.Uniform(0.0, upper))

    def batch():
        with virgil.plate("data", SIZE, subsample_size=2) as indices:
            virgil.sample("z", dist.Uniform(0.0, upper[indices]))

    torch.testing.assert_close(AutoNormal(whole).median()["z"], upper / 2)
    with pytest.raises(ArgumentError, match=r"Site 'z' has a support whose bounds differ"):
        AutoNormal(batch)()


def test_equal_bounds_in_a_mini_batch():
    def model():
        with virgil.plate("data", SIZE, subsample_size=2):
            virgil.sample("z", dist.Uniform(1.0, 3.0))

    guide = AutoNormal(model)
    assert guide()["z"].shape == (2,)
    torch.testing.assert_close(guide.median()["z"], torch.full((SIZE,), 2.0))


def test_two_subsampled_plates():
    def model():
        with (
            virgil.plate("rows", 6, subsample_size=2, dim=-2),
            virgil.plate("columns", 5, subsample_size=3, dim=-1),
        ):
            virgil.sample("z", dist.Dirichlet(torch.ones(4)))

    guide = AutoNormal(model)
    pair = run_pair(Call(model, guide, (), {}))
    assert guide()["z"].shape == (2, 3, 4)
    assert guide.state_dict()["locs.z"].shape == (6, 5, 3)
    assert pair.guide.nodes["z"].weight == 5.0


def test_a_hidden_plate():
    guide = AutoNormal(poutine.block(drawn, expose=["mu", "z"]))
    with pytest.raises(ArgumentError, match=r"The model hides plate 'data', which is subsampled"):
        guide(DATA)
    guide = AutoNormal(poutine.block(drawn, expose=["mu", "z", "data"]))
    SVI(drawn, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).step(DATA)
    assert guide(DATA)["z"].shape == (BATCH,)


def test_a_hidden_plate_that_is_whole():
    def model(data):
        with virgil.plate("data", SIZE):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("x", dist.Normal(z, 1.0), obs=data[0])

    guide = AutoNormal(poutine.block(model, expose=["z"]))
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    svi.step(DATA)
    losses = []
    for data in (DATA, DATA[:4]):  # the first value is all that the model reads
        virgil.set_rng_seed(0)
        losses.append(svi.evaluate_loss(data))
    assert losses[0] == losses[1]
    svi.step(DATA[:4])
    assert guide.median()["z"].shape == (SIZE,)


def test_given_indices_can_be_captured():
    guide = AutoNormal(given, init_loc_fn=init_to_value(values={"z": 100 * DATA}), init_scale=1e-3)
    guide(DATA, torch.tensor([0, 1]))

    def draw(indices):
        with unchecked():
            return guide(DATA, indices)["z"]

    indices = torch.tensor([5, 2])
    graph = make_fx(draw)(torch.tensor([0, 1]))
    torch.testing.assert_close(graph(indices), 100 * DATA[indices], atol=0.1, rtol=0.0)


def test_partly_observed_data():
    seen = torch.tensor([True, False, True, False, True, True, True, True])
    data = torch.where(seen, DATA, torch.nan)

    def model():
        mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        with virgil.plate("data", SIZE):
            virgil.sample("x", dist.Normal(mu, 1.0), obs=data, obs_mask=seen)

    guide = AutoNormal(model)
    svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), Trace_ELBO())
    svi.step()
    before = guide.state_dict()["locs.x_unobserved"].clone()
    svi.step()
    moved = guide.state_dict()["locs.x_unobserved"] != before
    assert torch.equal(moved, ~seen)
