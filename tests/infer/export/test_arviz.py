"""What a fit hands to ArviZ: every number is one that can be had in another way."""

from __future__ import annotations

import math
import sys

import arviz_stats
import numpy as np
import pytest
import torch
from scipy import stats

import virgil
import virgil.distributions as dist
from tests.pairs import plain
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoDelta, AutoMultivariateNormal, AutoNormal
from virgil.infer.export.pointwise import is_datum
from virgil.params import ParamStore
from virgil.poutine.runtime import Handler

DATA = torch.tensor([0.3, -1.2, 0.8, 2.1])


def exported(model, guide, *args, enumerates=False, num_samples=7, seed=0, **options):
    """The tree of a fit that has not moved."""
    objective = TraceEnum_ELBO() if enumerates else Trace_ELBO()
    with ParamStore():
        fit = SVI(model, guide, virgil.optim.SGD({"lr": 0.0}), objective).run(1, *args)
        return fit.to_arviz(num_samples=num_samples, seed=seed, **options)


def draw(tree, group, name, number):
    return torch.as_tensor(tree[group][name].values[0, number])


class Drawn(Handler):
    """Gives latent sites the values of one draw, and plates all their slots."""

    def __init__(self, tree, number):
        self.tree, self.number = tree, number

    def handle(self, site, outer):
        if site.is_latent:
            site = site.with_value(draw(self.tree, "posterior", site.name, self.number))
        elif site.kind == "plate" and not site.observed:
            site = site.with_value(torch.arange(site.fn.size))
        return outer(site)


@pytest.mark.parametrize(("model", "guide"), plain.PAIRS.values(), ids=plain.PAIRS)
def test_densities_are_those_of_the_model_at_the_draws(model, guide):
    """A run of the model at a draw of the posterior group gives `lp`, and the log-likelihoods site by site."""
    tree = exported(model, guide)
    with ParamStore():
        scale = next((site.scale for _, site in poutine.trace(guide).get_trace().iter_stochastic_nodes()), 1.0)
        for number in range(2):
            trace = poutine.trace(Drawn(tree, number)(model)).get_trace()
            lp = draw(tree, "sample_stats", "lp", number).float()
            torch.testing.assert_close(lp, trace.log_prob_sum().detach() / scale)
            for name, site in trace.nodes.items():
                if is_datum(site):
                    expected = site.term.detach() / site.scale
                    torch.testing.assert_close(draw(tree, "log_likelihood", name, number), expected)


LOCS = torch.tensor([-1.0, 2.0])


@config_enumerate
def mixture(data):
    weights = virgil.sample("weights", dist.Dirichlet(torch.ones(2)))
    with virgil.plate("data", len(data)):
        which = virgil.sample("which", dist.Categorical(weights))
        virgil.sample("x", dist.Normal(LOCS[which], 1.0), obs=data)


def test_what_is_summed_out_is_summed_out_of_each_likelihood():
    tree = exported(mixture, AutoNormal(poutine.block(mixture, expose=["weights"])), DATA, enumerates=True)
    weights = torch.as_tensor(tree.posterior["weights"].values[0])
    each = dist.Normal(LOCS, 1.0).log_prob(DATA.unsqueeze(-1)) + weights.log().unsqueeze(1)
    found = torch.as_tensor(tree.log_likelihood["x"].values[0])
    torch.testing.assert_close(found, each.logsumexp(-1))
    lp = found.sum(-1) + dist.Dirichlet(torch.ones(2)).log_prob(weights)
    torch.testing.assert_close(torch.as_tensor(tree.sample_stats["lp"].values[0]).float(), lp)


def test_what_is_summed_out_is_drawn_from_its_posterior():
    """The share of draws with the second value is binomial, given the exact probability; 6 standard errors."""

    def guide(data):
        point = virgil.param("point", torch.tensor([0.4, 0.6]), constraint=constraints.simplex)
        virgil.sample("weights", dist.Delta(point, event_dim=1))

    draws = 4000
    tree = exported(mixture, guide, DATA, enumerates=True, num_samples=draws)
    each = dist.Normal(LOCS, 1.0).log_prob(DATA.unsqueeze(-1)) + torch.tensor([0.4, 0.6]).log()
    exact = each.softmax(-1)[:, 1]
    found = torch.as_tensor(tree.posterior["which"].values[0]).float().mean(0)
    assert bool(((found - exact).abs() < 6 * (exact * (1 - exact) / draws).sqrt() + 1 / draws).all())
    assert tree.posterior["which"].dims == ("chain", "draw", "data")
    predicted = torch.as_tensor(tree.posterior_predictive["x"].values[0])
    mean, variance = LOCS[0] + 3 * exact, 1 + 9 * exact * (1 - exact)  # of the mixture that each slot predicts
    assert bool(((predicted.mean(0) - mean).abs() < 6 * (variance / draws).sqrt()).all())


@config_enumerate
def sequences(data):
    """A chain in each of two sequences, below a rate that is drawn."""
    stay = virgil.sample("stay", dist.Beta(2.0, 2.0))
    with virgil.plate("sequences", 2):
        state = torch.tensor(0.0)
        for t in virgil.markov(range(2)):
            state = virgil.sample(f"z_{t}", dist.Bernoulli(torch.where(state == 1, stay, 1 - stay)))
            virgil.sample(f"x_{t}", dist.Normal(LOCS[state.long()], 1.0), obs=data[t])


def test_a_sequence_is_one_observation():
    data = DATA.reshape(2, 2)
    guide = AutoNormal(poutine.block(sequences, expose=["stay"]))
    tree = exported(sequences, guide, data, enumerates=True, num_samples=3)
    emission = dist.Normal(LOCS, 1.0).log_prob(data.unsqueeze(-1)).exp()  # step, sequence, state
    for number in range(3):
        stay = draw(tree, "posterior", "stay", number)
        moves = torch.stack([torch.stack([stay, 1 - stay]), torch.stack([1 - stay, stay])])
        first = moves[0] * emission[0]
        expected = ((first @ moves) * emission[1]).sum(-1).log()
        torch.testing.assert_close(draw(tree, "log_likelihood", "x_0, x_1", number), expected)


def test_a_single_chain_has_no_pointwise_likelihood():
    @config_enumerate
    def chain(data):
        state = torch.tensor(0)
        for t in virgil.markov(range(3)):
            state = virgil.sample(f"z_{t}", dist.Categorical(torch.tensor([[0.8, 0.2], [0.3, 0.7]])[state]))
            virgil.sample(f"x_{t}", dist.Normal(LOCS[state], 1.0), obs=data[t])

    tree = exported(chain, lambda data: None, DATA, enumerates=True)
    assert "log_likelihood" not in tree
    assert set(tree.posterior) == {"z_0", "z_1", "z_2"}


# a normal mean, of which everything is known

PRIOR = 10.0


def conjugate(data):
    mu = virgil.sample("mu", dist.Normal(0.0, PRIOR))
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def posterior(data):
    precision = 1 / PRIOR**2 + len(data)
    return dist.Normal(data.sum() / precision, precision**-0.5)


def exact_guide(data):
    shift = virgil.param("shift", torch.zeros(()))  # at zero, where it is best, it stays
    virgil.sample("mu", dist.Normal(posterior(data).loc + shift, posterior(data).scale))


def test_loo_of_a_normal_mean():
    """ArviZ's LOO is the log-density of each datum given the others; 16 estimates, six standard errors."""
    data = torch.linspace(-1.0, 2.5, 12)
    exact = 0.0
    for i in range(len(data)):
        others = posterior(torch.cat([data[:i], data[i + 1 :]]))
        exact += dist.Normal(others.loc, (1 + others.scale**2) ** 0.5).log_prob(data[i]).item()
    found = [
        arviz_stats.loo(exported(conjugate, exact_guide, data, num_samples=2000, seed=seed)).elpd for seed in range(16)
    ]
    assert abs(np.mean(found) - exact) < 6 * np.std(found, ddof=1) / math.sqrt(len(found))
    assert np.std(found) < 0.1  # so that the bound means something


def test_the_groups_of_a_conjugate_model():
    """Means and variances of the draws, six standard errors of each."""
    draws = 4000
    tree = exported(conjugate, exact_guide, DATA, num_samples=draws)
    at = posterior(DATA)
    for group, name, mean, variance in (
        ("posterior", "mu", at.loc, at.scale**2),
        ("posterior_predictive", "x", at.loc, at.scale**2 + 1),
        ("prior", "mu", 0.0, PRIOR**2),
        ("prior_predictive", "x", 0.0, PRIOR**2 + 1),
    ):
        values = tree[group][name].values[0].astype(float).reshape(draws, -1)[:, 0]
        assert abs(values.mean() - float(mean)) < 6 * math.sqrt(float(variance) / draws), group
        assert abs(values.var() / float(variance) - 1) < 6 * math.sqrt(2 / draws), group
    weights = tree.sample_stats["log_weight"].values
    np.testing.assert_allclose(weights, weights.mean(), atol=1e-4)  # the evidence, whatever the draw
    assert tree.sample_stats.attrs["k_hat"] == 0.0


def test_summaries_and_densities_of_arviz_run_on_it():
    tree = exported(conjugate, exact_guide, DATA, num_samples=500)
    table = arviz_stats.summary(tree, kind="stats", round_to="none")
    at = posterior(DATA)
    assert abs(float(table["mean"]["mu"]) - at.loc) < 6 * at.scale / math.sqrt(500)
    assert tree.posterior.azstats.hdi(prob=0.9)["mu"].shape == (2,)


def regression(points, data, noise=1.0):
    weight = virgil.sample("weight", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    total = virgil.deterministic("total", weight.sum())
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(points @ weight + 0 * total, noise), obs=data)


def test_groups_dims_and_coordinates():
    points = torch.eye(2).repeat(2, 1)
    tree = exported(regression, AutoMultivariateNormal(regression), points, DATA)  # `points @ weight` sees one draw
    assert {name: dict(each.sizes) for name, each in tree.children.items()} == {
        "posterior": {"chain": 1, "draw": 7, "weight_dim_0": 2},
        "posterior_predictive": {"chain": 1, "draw": 7, "data": 4},
        "log_likelihood": {"chain": 1, "draw": 7, "data": 4},
        "sample_stats": {"chain": 1, "draw": 7},
        "prior": {"chain": 1, "draw": 7, "weight_dim_0": 2},
        "prior_predictive": {"chain": 1, "draw": 7, "data": 4},
        "observed_data": {"data": 4},
        "constant_data": {"points_dim_0": 4, "points_dim_1": 2},
    }
    assert set(tree.posterior) == {"weight", "total"}
    np.testing.assert_allclose(tree.posterior["total"], tree.posterior["weight"].sum("weight_dim_0"), rtol=1e-5)
    means = tree.posterior["weight"].values @ points.numpy().T
    exact = stats.norm.logpdf(DATA.numpy(), means, 1.0)
    np.testing.assert_allclose(tree.log_likelihood["x"].values, exact, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(tree.observed_data["x"], DATA)
    np.testing.assert_array_equal(tree.constant_data["points"], points)
    assert tree.posterior.attrs["inference_library"] == "virgil"


def test_a_plate_with_the_name_of_a_site():
    def model():
        with virgil.plate("x", 3):
            virgil.sample("z", dist.Normal(0.0, 1.0))
        virgil.sample("x_", dist.Normal(torch.zeros(2), 1.0).to_event(1), obs=torch.zeros(2))
        with virgil.plate("draw", 2):
            virgil.sample("y", dist.Normal(0.0, 1.0), obs=torch.zeros(2))

    tree = exported(model, AutoNormal(model))
    assert tree.posterior["z"].dims == ("chain", "draw", "x")
    assert tree.observed_data["y"].dims == ("draw_dim",)


def test_an_improper_prior_is_left_out():
    def model(data):
        scale = virgil.sample("scale", dist.ImproperUniform(constraints.positive, (), ()))
        with virgil.plate("data", len(data)):
            virgil.sample("x", dist.Normal(0.0, scale), obs=data)

    def guide(data):
        virgil.sample("scale", dist.LogNormal(virgil.param("loc", torch.zeros(())), 0.1))

    tree = exported(model, guide, DATA)
    assert set(tree.children) == {
        *("posterior", "posterior_predictive", "log_likelihood", "sample_stats", "observed_data"),
    }


def test_a_point_has_no_weights():
    tree = exported(conjugate, AutoDelta(conjugate), DATA)
    assert set(tree.sample_stats) == {"lp", "log_q"}
    assert "the guide is a point" in tree.sample_stats.attrs["no_weights_because"]


def test_seeds_and_what_is_left_behind():
    with ParamStore() as store:
        fit = SVI(conjugate, AutoNormal(conjugate), virgil.optim.Adam({"lr": 0.1}), Trace_ELBO()).run(3, DATA)
        before = {name: value.detach().clone() for name, value in store.items()}
        state = torch.get_rng_state()
        one, other = (fit.to_arviz(num_samples=5, seed=3) for _ in range(2))
        assert torch.equal(torch.get_rng_state(), state)
        torch.testing.assert_close(dict(store), before)
    for group in one.children:
        assert one[group].dataset.equals(other[group].dataset)
    whole = fit.to_arviz(torch.zeros(9), num_samples=5)
    assert dict(whole.log_likelihood.sizes) == {"chain": 1, "draw": 5, "data": 9}


@pytest.mark.parametrize("num_samples", [0, -1, 2.5, True])
def test_a_number_of_draws_that_is_none(num_samples):
    with pytest.raises(ArgumentError, match="num_samples="):
        exported(conjugate, exact_guide, DATA, num_samples=num_samples)


def test_without_arviz_base(monkeypatch):
    monkeypatch.setitem(sys.modules, "arviz_base", None)
    with pytest.raises(ArgumentError, match=r"virgil-ppl\[arviz\]"):
        exported(conjugate, exact_guide, DATA)
