"""Draws of a fit: their densities, plates, scales, what is summed out, and that no mark is left."""

import pickle

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.trust.programs import DATA, conjugate, correlated, fitted, log_evidence, posterior_guide, standing
from virgil.errors import ArgumentError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.autoguide import AutoDelta, AutoMultivariateNormal, AutoNormal, init_to_uniform
from virgil.infer.export.pointwise import pointwise
from virgil.infer.trust.draws import draws, joint, origin_of_fit
from virgil.infer.trust.draws import fitted as fitted_at

engines = pytest.mark.parametrize("engine", ["eager", "xla"])


def subsampled(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    with virgil.plate("data", len(data), subsample_size=2) as indices:
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data[indices])


def batched(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    with virgil.plate("data", len(DATA), subsample_size=len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def scaled(data):
    with virgil.poutine.scale(scale=0.1):
        conjugate(data)


def one_by_one(data):
    """Python's control flow depends on a draw, so that no execution can have two."""
    mu = virgil.sample("mu", dist.Normal(0.0, 2.0))
    if mu.item() > 100:
        raise ValueError
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


@pytest.mark.parametrize(
    ("model", "guide"),
    [
        (conjugate, posterior_guide()),
        (subsampled, posterior_guide()),
        (scaled, virgil.poutine.scale(posterior_guide(), scale=0.1)),
        (one_by_one, posterior_guide()),
    ],
)
def test_weights_of_the_exact_posterior_are_the_evidence(model, guide):
    drawn = draws(standing(model, guide, DATA), 200)
    assert drawn.obstacle is None
    assert drawn.log_weights.numpy() == pytest.approx(log_evidence(DATA), abs=1e-4)
    assert drawn.values["mu"].shape == (200,)
    assert sum(drawn.model_terms.values()).numpy() == pytest.approx(drawn.log_p.numpy())
    assert sum(drawn.guide_terms.values()).numpy() == pytest.approx(drawn.log_q.numpy())


def test_pointwise_densities_are_those_of_the_data():
    origin = origin_of_fit(standing(conjugate, posterior_guide(), DATA))
    with fitted_at(origin):
        at = joint(origin)
        pair = at.run(50)
        found = pointwise(at, pair, 50)
    expected = dist.Normal(at.values(pair, 50)["mu"].unsqueeze(1), 1.0).log_prob(DATA)
    assert torch.allclose(found["x"].logs, expected)


@pytest.mark.filterwarnings("ignore::virgil.errors.FitWarning")  # the guide has nothing to learn
def test_variables_are_summed_out_as_the_objective_does():
    @config_enumerate
    def model(data):
        with virgil.plate("data", len(data)):
            which = virgil.sample("which", dist.Categorical(torch.tensor([0.3, 0.7])))
            virgil.sample("x", dist.Normal(torch.tensor([-1.0, 1.0])[which], 1.0), obs=data)

    parts = dist.Normal(torch.tensor([-1.0, 1.0]), 1.0).log_prob(DATA.unsqueeze(1))
    expected = (parts + torch.tensor([0.3, 0.7]).log()).logsumexp(1).sum().item()
    drawn = draws(standing(model, lambda data: None, DATA, loss=TraceEnum_ELBO()), 10)
    assert drawn.log_weights.numpy() == pytest.approx(expected, abs=1e-4)


def marginal_guide(data):
    q = virgil.param("q", torch.tensor(0.4), constraint=dist.constraints.unit_interval)
    with virgil.plate("data", len(data)):
        virgil.sample("which", dist.Bernoulli(q), infer={"enumerate": "parallel"})


def test_what_the_guide_enumerates_is_drawn():
    def model(data):
        with virgil.plate("data", len(data)):
            which = virgil.sample("which", dist.Bernoulli(0.7))
            virgil.sample("x", dist.Normal(2 * which - 1, 1.0), obs=data)

    fit = standing(model, marginal_guide, DATA, loss=TraceEnum_ELBO())
    drawn = draws(fit, 20_000)
    assert set(drawn.values["which"].unique().tolist()) == {0.0, 1.0}
    error = drawn.log_weights.std().item() / 20_000**0.5
    assert abs(drawn.log_weights.mean().item() + fit.losses[-1].item()) < 5 * error  # the loss is exact


@pytest.mark.parametrize("size", [1, 2])
def test_a_mini_batch_is_refused_and_the_whole_data_are_taken(size):
    svi = SVI(batched, posterior_guide(), virgil.optim.SGD({"lr": 1e-20}), Trace_ELBO())
    fit = svi.run(epochs=2, data=[DATA[:size], DATA[size : 2 * size]], progress=False)
    check = fit.check(steps=0)
    assert check.weights is None
    assert f"plate 'data' takes {size} of its 5 slots" in check.obstacle
    assert check.verdict.trusts == "unknown"
    with pytest.raises(ArgumentError, match=r"no weighted draws.*fit\.check\(data\)"):
        check.draws()
    assert fit.check(DATA, steps=0).weights.evidence == pytest.approx(log_evidence(DATA), abs=1e-3)


def test_a_point_has_no_weights():
    check = fitted(conjugate, AutoDelta(conjugate), DATA, steps=5).check()
    assert "the guide is a point" in check.obstacle
    assert check.k_hat != check.k_hat


def test_sites_scaled_differently_have_no_weights():
    def guide():
        with virgil.poutine.scale(scale=0.5):
            virgil.sample("first", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))
        virgil.sample("second", dist.Normal(0.0, 1.0))

    assert "different poutine.scale" in draws(standing(correlated, guide), 10).obstacle


@engines
def test_parameters_are_those_of_the_fit(engine):
    svi = SVI(conjugate, AutoNormal(conjugate), virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
    fit = svi.run(50, DATA, engine=engine, progress=False)
    before = draws(fit, 20, seed=1)
    assert before.notes == ()
    svi.run(50, DATA, engine=engine, progress=False)
    moved = {name: each.clone() for name, each in virgil.get_param_store().items()}
    after = draws(fit, 20, seed=1)
    assert torch.equal(before.log_q, after.log_q)
    assert after.notes[0].startswith("The parameters have changed")
    assert all(torch.equal(value, virgil.get_param_store()[name]) for name, value in moved.items())
    virgil.clear_param_store()
    assert torch.equal(before.log_q, draws(fit, 20, seed=1).log_q)
    assert len(virgil.get_param_store()) == 0


def test_each_restart_has_its_own_parameters():
    guide = AutoNormal(conjugate, init_loc_fn=init_to_uniform)
    fit = fitted(conjugate, guide, DATA, steps=20, restarts=2, engine="xla")
    for each in fit.restarts:
        loc = each.params["AutoNormal.locs.mu"].item()
        assert abs(draws(each, 2000).values["mu"].mean().item() - loc) < 5 * each.params["AutoNormal.scales.mu"] / 44


@engines
@pytest.mark.parametrize("family", [AutoNormal, pytest.param(AutoMultivariateNormal, marks=pytest.mark.long)])
def test_a_check_leaves_no_mark(engine, family):
    """A run that goes on after a check is the run that goes on without one, bit for bit."""

    def losses(checks):
        virgil.clear_param_store()
        virgil.set_rng_seed(5)
        svi = SVI(conjugate, family(conjugate), virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
        fit = svi.run(60, DATA, engine=engine, progress=False)
        if checks:
            fit.check(calibration=20)
        return svi.run(60, DATA, engine=engine, progress=False).losses

    assert torch.equal(losses(False), losses(True))


def test_a_fit_from_a_file_says_that_it_knows_nothing():
    fit = fitted(conjugate, AutoNormal(conjugate), DATA, steps=5)
    with pytest.raises(ArgumentError, match="does not know its model"):
        pickle.loads(pickle.dumps(fit)).check()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draws": 10}, "draws=10; it takes a whole number, 100 or more"),
        ({"steps": -1}, "steps=-1"),
        ({"calibration": 3}, "calibration=3; it takes a number of simulations, 20 or more"),
    ],
)
def test_arguments_out_of_range_are_named(options, message):
    fit = standing(conjugate, posterior_guide(), DATA)
    with pytest.raises(ArgumentError, match=message):
        fit.check(**options)
