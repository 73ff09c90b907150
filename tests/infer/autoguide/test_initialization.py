"""Where guides begin."""

from __future__ import annotations

import re

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, MismatchError, NonFiniteError, ShapeError, SupportError, a_kind
from virgil.infer.autoguide import (
    AutoDelta,
    AutoNormal,
    init_to_feasible,
    init_to_generated,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
    initialization,
)


def model():
    virgil.sample("mu", dist.Normal(3.0, 0.1))
    virgil.sample("rate", dist.Gamma(400.0, 100.0))
    with virgil.plate("groups", 2):
        virgil.sample("parts", dist.Dirichlet(torch.tensor([100.0, 200.0, 100.0])))


def start(init, program=model):
    return AutoDelta(program, init_loc_fn=init).median()


def test_the_middle_of_the_support():
    values = start(init_to_feasible)
    assert values["mu"] == 0.0
    assert values["rate"] == 1.0
    torch.testing.assert_close(values["parts"], torch.full((2, 3), 1 / 3))


def test_the_mean():
    values = start(init_to_mean)
    torch.testing.assert_close(values["mu"], torch.tensor(3.0))
    torch.testing.assert_close(values["rate"], torch.tensor(4.0))
    torch.testing.assert_close(values["parts"], torch.tensor([[0.25, 0.5, 0.25]] * 2))


def test_a_mean_that_does_not_exist():
    value = start(init_to_mean, lambda: virgil.sample("x", dist.HalfCauchy(1.0)))["x"]
    assert value.isfinite()
    assert value > 0


@pytest.mark.parametrize("init", [init_to_median, init_to_median(num_samples=15), init_to_sample])
def test_draws_from_the_prior(init):
    """Each prior's standard deviation is at most 0.2; eight of them are allowed."""
    values = start(init)
    assert abs(values["mu"] - 3.0) < 0.8
    assert abs(values["rate"] - 4.0) < 1.6
    torch.testing.assert_close(values["parts"].sum(-1), torch.ones(2))


def test_the_median_is_that_of_the_prior():
    """With 2,001 draws the median of an exponential has standard error 1 / sqrt(2001)."""
    value = start(init_to_median(num_samples=2001), lambda: virgil.sample("x", dist.Exponential(1.0)))["x"]
    assert abs(value - torch.log(torch.tensor(2.0))) < 4 / 2001**0.5


@pytest.mark.parametrize("init", [init_to_uniform, init_to_uniform(radius=0.5)])
def test_uniform_in_unconstrained_space(init):
    def many():
        virgil.sample("x", dist.LogNormal(torch.zeros(1000), 1.0).to_event(1))

    radius = 2.0 if init is init_to_uniform else 0.5
    unconstrained = start(init, many)["x"].log()
    assert unconstrained.abs().max() <= radius
    assert unconstrained.abs().max() > 0.9 * radius
    assert len(unconstrained.unique()) > 900


def test_values():
    values = start(init_to_value(values={"mu": 7.0, "parts": torch.tensor([0.2, 0.3, 0.5])}, fallback=init_to_mean))
    torch.testing.assert_close(values["mu"], torch.tensor(7.0))
    torch.testing.assert_close(values["parts"], torch.tensor([[0.2, 0.3, 0.5]] * 2))
    torch.testing.assert_close(values["rate"], torch.tensor(4.0))


def test_a_value_for_an_unknown_site():
    with pytest.raises(ArgumentError, match=r"value for 'parst', which is no latent site.* Did you mean 'parts'\?"):
        start(init_to_value(values={"parst": torch.ones(3)}))


def test_a_value_of_another_shape():
    with pytest.raises(ShapeError, match=r"At site 'mu', the initial value has shape \(2,\).* the site's shape, \(\)"):
        start(init_to_value(values={"mu": torch.ones(2)}))


def test_no_fallback():
    with pytest.raises(ArgumentError, match=r"no value for site 'rate', and fallback=None"):
        start(init_to_value(values={"mu": 1.0}, fallback=None))


def test_what_is_generated():
    calls = []

    def generate():
        calls.append(len(calls))
        return init_to_value(values={"mu": 7.0 + len(calls)}, fallback=init_to_mean)

    init = init_to_generated(generate=generate)
    assert start(init)["mu"] == 8.0
    assert start(init)["mu"] == 9.0
    assert calls == [0, 1]


def test_a_function_of_ones_own():
    def mine(site):
        assert site["fn"].batch_shape == ((2,) if site["name"] == "parts" else ())
        return site["fn"].mean * 1.0

    torch.testing.assert_close(start(mine)["rate"], torch.tensor(4.0))
    with pytest.raises(ArgumentError, match=r"At site 'mu', the init_loc_fn returned 'x', a str"):
        start(lambda site: "x")


def test_options_out_of_range():
    with pytest.raises(ArgumentError, match=r"init_to_median\(\) got num_samples=0; it takes a whole number"):
        init_to_median(num_samples=0)
    with pytest.raises(ArgumentError, match=r"init_to_uniform\(\) got radius=-1.0; it takes a positive number"):
        init_to_uniform(radius=-1.0)


def test_another_try_where_the_density_is_not_finite():
    def narrow():
        x = virgil.sample("x", dist.Normal(0.0, 1.0))
        virgil.factor("positive", torch.where(x > 0.5, 0.0, -torch.inf))

    guide = AutoNormal(narrow, init_loc_fn=init_to_sample)
    assert guide.median()["x"] > 0.5
    with pytest.raises(NonFiniteError, match=r"At site 'positive' of the model, the log-probability is -inf") as error:
        AutoNormal(narrow)()
    assert error.value.site == "positive"


def test_data_outside_the_support():
    def wrong():
        rate = virgil.sample("rate", dist.Exponential(1.0))
        virgil.sample("x", dist.Gamma(2.0, rate), obs=torch.tensor(-1.0))

    with pytest.raises(SupportError, match=r"At site 'x' of the model, the observed value lies outside"):
        AutoNormal(wrong)()


@pytest.mark.parametrize("init", [init_to_feasible, init_to_median, init_to_mean])
def test_a_discrete_variable_is_refused(init):
    def mixture():
        virgil.sample("which", dist.Categorical(torch.ones(3)))

    with pytest.raises(MismatchError, match=r"Site 'which' is discrete, Categorical.*TraceEnum_ELBO.*expose="):
        AutoNormal(mixture, init_loc_fn=init)()


def test_the_path_that_programs_import_from():
    assert initialization.init_to_median is init_to_median
    assert initialization.InitMessenger(init_to_mean).init_fn is init_to_mean


@pytest.mark.parametrize(
    ("init", "given", "usage"),
    [
        (init_to_feasible, torch.zeros(2), "init_loc_fn=init_to_feasible"),
        (init_to_sample, 3, "init_loc_fn=init_to_sample"),
        (init_to_median, 15, "init_to_median(num_samples=...)"),
        (init_to_mean, init_to_sample, "init_to_mean(fallback=...)"),
        (init_to_uniform, 0.5, "init_to_uniform(radius=...)"),
        (init_to_value, {"mu": torch.tensor(3.0)}, "init_to_value(values=...)"),
        (init_to_value, {}, "init_to_value(values=...)"),
        (init_to_generated, lambda: init_to_sample, "init_to_generated(generate=...)"),
    ],
)
def test_an_option_without_its_name(init, given, usage):
    kind = re.escape(a_kind(type(given)))
    message = rf"{init.__name__}\(\) got {kind} as its first argument, .* Write {re.escape(usage)}\."
    with pytest.raises(ArgumentError, match=message):
        init(given)
