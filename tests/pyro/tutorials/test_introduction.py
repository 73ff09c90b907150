"""A stochastic function, its conditioning and its guide: the weight of an object on a scale that errs."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import poutine
from pyro.infer import SVI, Trace_ELBO
from pyro.optim import SGD


def weather():
    cloudy = pyro.sample("cloudy", dist.Bernoulli(0.3))
    cloudy = "cloudy" if cloudy.item() == 1.0 else "sunny"
    mean_temp = {"cloudy": 55.0, "sunny": 75.0}[cloudy]
    scale_temp = {"cloudy": 10.0, "sunny": 15.0}[cloudy]
    temp = pyro.sample("temp", dist.Normal(mean_temp, scale_temp))
    return cloudy, temp.item()


def geometric(p, t=0):
    x = pyro.sample(f"x_{t}", dist.Bernoulli(p))
    return 0 if x.item() == 1 else 1 + geometric(p, t + 1)


def scale(guess):
    weight = pyro.sample("weight", dist.Normal(guess, 1.0))
    return pyro.sample("measurement", dist.Normal(weight, 0.75))


conditioned_scale = pyro.condition(scale, data={"measurement": torch.tensor(9.5)})


def scale_obs(guess):
    weight = pyro.sample("weight", dist.Normal(guess, 1.0))
    return pyro.sample("measurement", dist.Normal(weight, 0.75), obs=torch.tensor(9.5))


def scale_parametrized_guide(guess):
    a = pyro.param("a", torch.tensor(guess))
    b = pyro.param("b", torch.tensor(1.0), constraint=dist.constraints.positive)
    return pyro.sample("weight", dist.Normal(a, b))


def test_a_function_with_random_choices_runs_as_any_other():
    sky, temp = weather()
    assert sky in ("cloudy", "sunny")
    assert isinstance(temp, float)
    counts = torch.tensor([float(geometric(0.5)) for _ in range(2_000)])
    # mean 1 and variance 2: 5 standard errors
    assert counts.mean().item() == pytest.approx(1.0, abs=5 * (2 / 2_000) ** 0.5)


def test_conditioning_and_observing_give_the_same_density():
    given = {"weight": torch.tensor(9.0)}
    traces = [
        poutine.trace(pyro.condition(model, data=given)).get_trace(8.5) for model in (conditioned_scale, scale_obs)
    ]
    exact = dist.Normal(8.5, 1.0).log_prob(given["weight"]) + dist.Normal(9.0, 0.75).log_prob(torch.tensor(9.5))
    for trace in traces:
        assert trace.log_prob_sum().item() == pytest.approx(exact.item(), rel=1e-6)
        assert trace.nodes["measurement"]["is_observed"]


def test_an_intervention_leaves_the_prior():
    moved = pyro.do(scale, data={"measurement": torch.tensor(100.0)})
    assert moved(8.5).item() == 100.0
    assert poutine.trace(moved).get_trace(8.5).log_prob_sum().item() < 0


def test_the_guide_finds_the_posterior():
    guess = 8.5
    svi = SVI(conditioned_scale, scale_parametrized_guide, SGD({"lr": 0.001, "momentum": 0.1}), loss=Trace_ELBO())
    losses = [svi.step(guess) for _ in range(1_500)]
    # 1 / (1 + 1 / 0.75**2) = 0.36, and so 8.5 + 0.64 and 0.6; the last steps' noise is near 0.05
    assert pyro.param("a").item() == pytest.approx(9.14, abs=0.25)
    assert pyro.param("b").item() == pytest.approx(0.6, abs=0.15)
    assert sum(losses[-100:]) < sum(losses[:100])
