"""Reparameterisers of programs' own, and strategies that choose them."""

import pyro
import pyro.distributions as dist
import pyro.poutine as poutine
import torch
from pyro.infer.reparam import Reparam
from pyro.infer.reparam.strategies import Strategy


class Decentered(Reparam):
    def apply(self, msg):
        fn = msg["fn"]
        base = pyro.sample(f"{msg['name']}_base", dist.Normal(torch.zeros(fn.batch_shape), 1.0))
        value = fn.loc + fn.scale * base
        return {"fn": dist.Delta(value).mask(False), "value": value, "is_observed": True}


class Normals(Strategy):
    """Takes every latent normal variable apart, and counts how often it is asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def configure(self, msg):
        self.asked.append(msg["name"])
        is_latent = isinstance(msg["fn"], dist.Normal) and not msg["is_observed"]
        return Decentered() if is_latent and not msg["name"].endswith("_base") else None


def model():
    mu = pyro.sample("mu", dist.Normal(1.0, 2.0))
    with pyro.plate("data", 3):
        pyro.sample("x", dist.Normal(mu, 0.5))
        pyro.sample("rate", dist.Gamma(2.0, 1.0))


def test_a_strategy_decorates_a_model_and_is_asked_once():
    strategy = Normals()
    program = strategy(model)
    first = poutine.trace(program).get_trace()
    asked = list(strategy.asked)
    second = poutine.trace(program).get_trace()
    assert strategy.asked == asked
    assert set(asked) >= {"mu", "x", "rate"}
    for trace in (first, second):
        assert set(trace.stochastic_nodes) == {"mu_base", "x_base", "data", "rate"}
        torch.testing.assert_close(trace.nodes["mu"]["value"], 1.0 + 2.0 * trace.nodes["mu_base"]["value"])


def test_what_was_chosen_configures_another_program():
    strategy = Normals()
    poutine.trace(strategy(model)).get_trace()
    trace = poutine.trace(poutine.reparam(model, config=strategy.config)).get_trace()
    x, mu = trace.nodes["x"]["value"], trace.nodes["mu"]["value"]
    torch.testing.assert_close(x, mu + 0.5 * trace.nodes["x_base"]["value"])
    expected = (
        sum(dist.Normal(0.0, 1.0).log_prob(trace.nodes[name]["value"]).sum() for name in ("mu_base", "x_base"))
        + dist.Gamma(2.0, 1.0).log_prob(trace.nodes["rate"]["value"]).sum()
    )
    torch.testing.assert_close(trace.log_prob_sum(), expected)
