"""``virgil.fit`` against closed forms and quadrature: means within 0.1 sd, spreads within 10 %, and what it says."""

import math

import pytest
import torch
from scipy import integrate, stats

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, SupportError
from virgil.infer.autoguide import AutoNormal

MEANS, SPREADS = 0.1, 0.1  # the bounds of a verdict that trusts


def known_mean(data):
    mu = virgil.sample("mu", dist.Normal(0.0, 10.0))
    virgil.deterministic("twice", 2 * mu)
    with virgil.plate("data", len(data)):
        virgil.sample("x", dist.Normal(mu, 1.0), obs=data)


def share(successes, count):
    p = virgil.sample("p", dist.Beta(2.0, 1.0))
    virgil.sample("x", dist.Binomial(count, p), obs=successes)


def rate(counts):
    lam = virgil.sample("lam", dist.Gamma(2.0, 0.5))
    with virgil.plate("data", len(counts)):
        virgil.sample("x", dist.Poisson(lam), obs=counts)


def line(x, y):
    w = virgil.sample("w", dist.Normal(torch.zeros(2), 10.0).to_event(1))
    with virgil.plate("data", len(y)):
        virgil.sample("y", dist.Normal(x @ w if w.dim() == 1 else (x @ w.mT).squeeze(-1).mT, 0.5), obs=y)


X = torch.stack([torch.ones(20), torch.linspace(0, 1000, 20)], 1)  # not scaled, and correlated
Y = X @ torch.tensor([1.0, 0.003]) + 0.5 * torch.sin(7 * torch.arange(20.0))


def line_moments():
    precision = (X.T @ X / 0.25 + torch.eye(2) / 100).double()
    mean = torch.linalg.solve(precision, (X.T @ Y / 0.25).double())
    return mean, precision.inverse().diagonal().sqrt()


DATA = torch.tensor([1.0, 2.0, 4.0])
CLOSED = {
    "normal mean": (known_mean, (DATA,), "mu", 7 / 3.01, 3.01**-0.5),
    "deterministic": (known_mean, (DATA,), "twice", 14 / 3.01, 2 * 3.01**-0.5),
    "beta-binomial": (share, (torch.tensor(9.0), 10), "p", 11 / 13, math.sqrt(11 * 2 / 13**2 / 14)),
    "gamma-Poisson": (rate, (torch.tensor([3.0, 5.0]),), "lam", 10 / 2.5, math.sqrt(10) / 2.5),
    "regression": (line, (X, Y), "w", *line_moments()),
}


@pytest.mark.parametrize("name", CLOSED)
def test_answers_are_those_of_closed_forms(name):
    model, args, site, mean, sd = CLOSED[name]
    fit = virgil.fit(model, *args, seed=0)
    draws = fit.draws(20_000, seed=1)[site].double()
    mean, sd = torch.as_tensor(mean), torch.as_tensor(sd)
    assert fit.verdict.trusts == "all"
    assert bool(((draws.mean(0) - mean).abs() < MEANS * sd).all())
    assert bool(((draws.std(0) / sd - 1).abs() < SPREADS).all())


def schools(sigma, y):
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    tau = virgil.sample("tau", dist.HalfCauchy(5.0))
    with virgil.plate("schools", len(y)):
        theta = virgil.sample("theta", dist.Normal(mu, tau))
        virgil.sample("y", dist.Normal(theta, sigma), obs=y)


SIGMA = torch.tensor([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])
EFFECTS = torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])


def moments_of_tau():
    """By quadrature: given tau, the effects and mu are normal, so that the data's density is."""
    s, y = SIGMA.double().numpy(), EFFECTS.double().numpy()

    def density(tau):
        covariance = 25.0 + (tau**2 + s**2) * torch.eye(8, dtype=torch.float64).numpy()
        return stats.multivariate_normal(torch.zeros(8).numpy(), covariance).pdf(y) / (1 + (tau / 5) ** 2)

    zero, first, second = (
        integrate.quad(lambda tau, power=power: tau**power * density(tau) * 1e14, 0, 400, limit=500)[0]
        for power in range(3)
    )
    return first / zero, math.sqrt(second / zero - (first / zero) ** 2)


@pytest.mark.long
def test_a_funnel_is_fitted_in_variables_without_its_neck():
    fit = virgil.fit(schools, SIGMA, EFFECTS, seed=0)
    mean, sd = moments_of_tau()
    tau = fit.draws(40_000, seed=1)["tau"].double()
    assert fit.verdict.trusts in ("all", "means and spreads")
    assert abs(tau.mean() - mean) < MEANS * sd
    assert abs(tau.std() / sd - 1) < SPREADS
    assert fit.draws(3)["theta"].shape == fit.check().draws(3)["theta"].shape == (3, 8)
    assert "standard variables for theta" in fit.rungs[-1].method


def test_both_modes_have_their_shares():
    """The location of a normal known up to its sign; the prior's mean gives the shares of the two modes."""

    def model(data):
        mu = virgil.sample("mu", dist.Normal(0.3, 1.0))
        with virgil.plate("data", len(data)):
            virgil.sample("x", dist.Normal(mu.abs(), 0.3), obs=data)

    data = torch.full((5,), 1.0)
    grid = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    logs = -((grid - 0.3) ** 2) / 2 - 5 * (1 - grid.abs()) ** 2 / 2 / 0.09
    right = float(logs.softmax(0)[grid > 0].sum())
    fit = virgil.fit(model, data, seed=0)
    assert fit.verdict.trusts == "all"
    assert abs(float((fit.draws(20_000, seed=1)["mu"] > 0).double().mean()) - right) < 0.1 * math.sqrt(
        right * (1 - right)
    )


def test_discrete_variables_are_summed_out():
    """Two clusters of known places: the share of the first, by quadrature."""

    def model(data):
        p = virgil.sample("p", dist.Beta(1.0, 1.0))
        with virgil.plate("data", len(data)):
            z = virgil.sample("z", dist.Bernoulli(p))
            virgil.sample("x", dist.Normal(2 * z, 1.0), obs=data)

    data = torch.tensor([-0.5, 0.1, 0.4, 1.9, 2.2, 2.5, 3.0])
    p = torch.linspace(0, 1, 10_001, dtype=torch.float64)[1:-1, None]
    each = p * (-((data - 2) ** 2) / 2).exp() + (1 - p) * (-(data**2) / 2).exp()
    weights = each.log().sum(1).softmax(0)
    mean = float(weights @ p[:, 0])
    sd = math.sqrt(float(weights @ (p[:, 0] - mean) ** 2))
    fit = virgil.fit(model, data, seed=0)
    draws = fit.draws(20_000, seed=1)["p"].double()
    assert fit.verdict.trusts == "all"
    assert abs(draws.mean() - mean) < MEANS * sd
    assert abs(draws.std() / sd - 1) < SPREADS


def test_a_seed_gives_the_same_answer_and_leaves_the_generator_alone():
    before = torch.get_rng_state()
    one, other = (virgil.fit(known_mean, DATA, seed=3) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(one.draws(50, seed=0)["mu"], other.draws(50, seed=0)["mu"])
    assert not torch.equal(one.draws(50, seed=0)["mu"], virgil.fit(known_mean, DATA, seed=4).draws(50, seed=0)["mu"])


def test_the_fit_answers_what_other_fits_do():
    fit = virgil.fit(known_mean, DATA, seed=0)
    assert fit.check().verdict is fit.verdict
    assert fit.check().k_hat < 0.5
    assert fit.evaluations.gradients > 1000
    assert fit.draws(5, method="guide")["mu"].shape == (5,)
    lines = fit.summary().splitlines()
    mean = next(line.split()[1] for line in lines if line.split()[:1] == ["mu"])
    assert abs(float(mean) - 7 / 3.01) < MEANS * 3.01**-0.5
    assert any(line.startswith("normals at modes, as stated") for line in lines)
    assert "has no density" in fit.check(draws=500).obstacle  # of the guide that holds the draws
    tree = fit.to_arviz(num_samples=400, seed=0)
    assert "has no density" in tree.sample_stats.attrs["no_weights_because"]
    assert abs(float(tree.posterior["mu"].mean()) - 7 / 3.01) < 6 * 3.01**-0.5 / 20
    assert tree.posterior_predictive["x"].shape == (1, 400, 3)


def test_large_plates_are_folded_in_the_summary():
    def model(data):
        with virgil.plate("slots", len(data)):
            z = virgil.sample("z", dist.Normal(0.0, 1.0))
            virgil.sample("x", dist.Normal(z, 1.0), obs=data)

    summary = virgil.fit(model, torch.zeros(30), seed=0).summary()
    assert "z[9]" in summary
    assert "z[10]" not in summary
    assert "z: 20 more" in summary


@pytest.mark.long
def test_parameters_are_learnt_by_steps():
    """Empirical Bayes: the scale of a normal prior of 50 means whose noise is known."""

    def model(data):
        scale = virgil.param("scale", torch.tensor(1.0), constraint=dist.constraints.positive)
        with virgil.plate("slots", len(data)):
            z = virgil.sample("z", dist.Normal(0.0, scale))
            virgil.sample("x", dist.Normal(z, 1.0), obs=data)

    data = 3.0 * torch.randn(50, generator=torch.Generator().manual_seed(0))
    fit = virgil.fit(model, data, budget="quick", seed=0)
    right = (data.square().mean() - 1).sqrt()
    assert "'scale'" in fit.rungs[0].method
    assert float(fit.params["scale"]) == pytest.approx(float(right), rel=0.05)


@pytest.mark.long
def test_a_loader_is_gone_through_by_steps():
    def model(batch):
        mu = virgil.sample("mu", dist.Normal(0.0, 10.0))
        with virgil.plate("data", 100, subsample_size=len(batch)):
            virgil.sample("x", dist.Normal(mu, 1.0), obs=batch)

    data = torch.randn(100, generator=torch.Generator().manual_seed(0))
    loader = torch.utils.data.DataLoader(data, batch_size=25, shuffle=True)
    fit = virgil.fit(model, data=loader, budget="quick", seed=0)
    mean, sd = float(data.sum() / 100.01), 0.1
    draws = fit.draws(4000, seed=0)["mu"]
    assert "data= is a loader" in fit.rungs[0].method
    assert abs(float(draws.mean()) - mean) < 0.5 * sd
    assert 0.7 < float(draws.std()) / sd < 1.4


@pytest.mark.long
def test_a_guide_of_the_users_own_is_fitted_by_steps():
    fit = virgil.fit(known_mean, DATA, guide=AutoNormal(known_mean), budget="quick", seed=0)
    assert "the guide that was given" in fit.rungs[0].method
    assert abs(float(fit.draws(4000, seed=0)["mu"].mean()) - 7 / 3.01) < MEANS


@pytest.mark.parametrize(("options", "words"), [({"budget": "much"}, "budget='much'"), ({"budget": -1}, "budget=-1")])
def test_a_budget_of_another_kind_is_refused(options, words):
    with pytest.raises(ArgumentError, match=words):
        virgil.fit(known_mean, DATA, **options)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(ArgumentError, match="fit.. got model=3"):
        virgil.fit(3)


def test_a_model_without_a_variable_to_draw_is_refused():
    def coin(x):
        z = virgil.sample("z", dist.Bernoulli(0.3))
        virgil.sample("x", dist.Normal(3 * z, 1.0), obs=x)

    with pytest.raises(ArgumentError, match="no continuous latent variable"):
        virgil.fit(coin, torch.tensor(2.0))


def test_a_count_that_cannot_be_summed_out_is_refused():
    def counts(x):
        z = virgil.sample("z", dist.Poisson(3.0))
        virgil.sample("x", dist.Normal(virgil.sample("mu", dist.Normal(z, 1.0)), 1.0), obs=x)

    with pytest.raises(ArgumentError, match="cannot sum site 'z' out: a Poisson"):
        virgil.fit(counts, torch.tensor(2.0))


def test_data_outside_of_the_support_are_refused_by_site():
    with pytest.raises(SupportError, match="At site 'x' the observation has no density under Poisson"):
        virgil.fit(rate, torch.tensor([3.0, -1.0]))


def test_draws_of_no_number_are_refused():
    with pytest.raises(ArgumentError, match="num=0"):
        virgil.fit(known_mean, DATA, seed=0).draws(0)
