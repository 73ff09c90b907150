"""The pictures of a fit and of its check: what is drawn is what was computed."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.errors import ArgumentError
from virgil.infer import SVI, Fit, Trace_ELBO
from virgil.infer.autoguide import AutoDelta
from virgil.params import ParamStore

LOC, SCALE = 3.0, 0.5


def model():
    virgil.sample("mu", dist.Normal(0.0, 1.0))
    with virgil.plate("slots", 3):
        virgil.sample("k", dist.Poisson(4.0))


def guide():
    virgil.sample("mu", dist.Normal(virgil.param("loc", torch.tensor(LOC)), SCALE))
    with virgil.plate("slots", 3):
        virgil.sample("k", dist.Poisson(virgil.param("rate", torch.tensor(6.0), constraint=constraints.positive)))


def flat():
    """A density over the whole line."""
    virgil.sample("a", dist.ImproperUniform(constraints.real, (), ()))
    virgil.sample("x", dist.Normal(0.0, 1.0), obs=torch.tensor(0.0))


def flat_guide():
    virgil.sample("a", dist.Normal(virgil.param("loc", torch.zeros(())), 1.0))


@pytest.fixture
def fit():
    with ParamStore():
        return SVI(model, guide, virgil.optim.SGD({"lr": 0.0}), Trace_ELBO()).run(1)


@pytest.fixture
def checked():
    """The check of a fit of two normal sites, one with slots."""

    def two():
        virgil.sample("mu", dist.Normal(0.0, 1.0))
        with virgil.plate("slots", 3):
            virgil.sample("k", dist.Normal(0.0, 1.0))

    def narrow():
        virgil.sample("mu", dist.Normal(virgil.param("loc", torch.zeros(())), SCALE))
        with virgil.plate("slots", 3):
            virgil.sample("k", dist.Normal(virgil.param("locs", torch.zeros(3)), SCALE))

    with ParamStore():
        fit = SVI(two, narrow, virgil.optim.SGD({"lr": 0.0}), Trace_ELBO()).run(1)
        return fit.check(steps=0, modes=False, draws=500)


def panels(figure):
    return {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def heights(patch):
    values, edges, _ = patch.get_data()
    return np.asarray(values), np.asarray(edges)


def test_densities_of_the_guide_and_of_the_prior(fit):
    """The share of draws in each bin is its probability, within six standard errors."""
    draws = 10_000
    prior, drawn = panels(fit.plot_posterior(seed=0, num_samples=draws))["mu"].patches
    for patch, exact in ((prior, dist.Normal(0.0, 1.0)), (drawn, dist.Normal(LOC, SCALE))):
        values, edges = heights(patch)
        shares = np.diff(exact.cdf(torch.as_tensor(edges)).numpy())
        found = values * np.diff(edges)
        assert np.all(np.abs(found - shares) <= 6 * np.sqrt(shares * (1 - shares) / draws) + 8 / draws)


def test_whole_numbers_are_bars(fit):
    axes = panels(fit.plot_posterior(seed=0))["k[1]"]
    prior, drawn = axes.containers
    for bars, exact in ((prior, dist.Poisson(4.0)), (drawn, dist.Poisson(6.0))):
        for bar in bars:
            share = exact.log_prob(torch.tensor(round(bar.get_x() + bar.get_width() / 2)).float()).exp().item()
            assert abs(bar.get_height() - share) < 6 * (share * (1 - share) / 10_000) ** 0.5 + 8 / 10_000


def test_which_panels_there_are(fit):
    assert list(panels(fit.plot_posterior(num_samples=10))) == ["mu", "k[0]", "k[1]", "k[2]"]
    assert list(panels(fit.plot_posterior(num_samples=10, sites=["k"], max_panels=2))) == ["k[0]", "k[1]"]
    figure = fit.plot_posterior(num_samples=10, max_panels=1)
    assert figure.legends[0].get_title().get_text() == "3 more coordinates are not drawn"


def test_a_point_is_a_line_and_an_improper_prior_is_left_out():
    def one():
        virgil.sample("a", dist.Normal(0.0, 1.0))

    with ParamStore():
        point = SVI(one, AutoDelta(one), virgil.optim.SGD({"lr": 0.0}), Trace_ELBO()).run(1)
    assert len(panels(point.plot_posterior(num_samples=10))["a"].lines) == 1
    with ParamStore():
        improper = SVI(flat, flat_guide, virgil.optim.SGD({"lr": 0.0}), Trace_ELBO()).run(1)
    assert len(panels(improper.plot_posterior(num_samples=10))["a"].patches) == 1


def test_k_hat_by_site(checked):
    axes = checked.plot().axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == "all sites together"
    assert labels[1] == "mu"
    assert labels[2].startswith("k[")
    dots = {int(line.get_ydata()[0]): line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"}
    assert dots == {0: checked.k_hat, 1: checked.sites[0].shape.k_hat, 2: checked.sites[1].shape.k_hat}


def test_files(fit, checked, tmp_path):
    fit.plot_posterior(tmp_path / "posterior.png", num_samples=10)
    checked.plot(tmp_path / "check.png")
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("posterior.png", "check.png"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sites": ["mo"]}, "'mo' in sites, which is no latent site. Known names: 'k', 'mu'."),
        ({"sites": "mu"}, "['mu']"),
        ({"num_samples": 0}, "num_samples=0"),
        ({"max_panels": 0}, "max_panels=0"),
    ],
)
def test_wrong_arguments(fit, options, said):
    with pytest.raises(ArgumentError) as caught:
        fit.plot_posterior(**options)
    assert said in str(caught.value)


def test_what_cannot_be_drawn(fit, monkeypatch):
    def one():
        virgil.sample("a", dist.Normal(0.0, 1.0))

    with ParamStore():
        point = SVI(one, AutoDelta(one), virgil.optim.SGD({"lr": 0.0}), Trace_ELBO()).run(1)
        with pytest.raises(ArgumentError, match="no k-hat to draw: the guide is a point"):
            point.check(steps=0, modes=False).plot()
    with pytest.raises(ArgumentError, match="does not know its model"):
        Fit(torch.zeros(1), {}, {}, 0.0).plot_posterior()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ArgumentError, match=r"virgil-ppl\[plot\]"):
        fit.plot_posterior(num_samples=10)
