"""Reparameterisers of programs' own, and strategies that choose them."""

import importlib

import pyro
import pyro.distributions as dist
import pyro.poutine as poutine
import pytest
import torch
from pyro.infer.autoguide import init_to_value
from pyro.infer.autoguide.initialization import InitMessenger
from pyro.infer.reparam import ConjugateReparam, LocScaleReparam, Reparam
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


PATHS = {
    "conjugate": "ConjugateReparam",
    "discrete_cosine": "DiscreteCosineReparam",
    "haar": "HaarReparam",
    "hmm": "LinearHMMReparam",
    "loc_scale": "LocScaleReparam",
    "neutra": "NeuTraReparam",
    "structured": "StructuredReparam",
    "projected_normal": "ProjectedNormalReparam",
    "reparam": "Reparam ReparamMessage ReparamResult",
    "softmax": "GumbelSoftmaxReparam",
    "split": "SplitReparam default_support real_support same_support",
    "stable": "LatentStableReparam StableReparam SymmetricStableReparam",
    "strategies": "AutoReparam MinimalReparam Strategy",
    "studentt": "StudentTReparam",
    "transform": "TransformReparam",
    "unit_jacobian": "UnitJacobianReparam",
}


@pytest.mark.parametrize("path", PATHS)
def test_each_old_module_has_its_names(path):
    module = importlib.import_module(f"pyro.infer.reparam.{path}")
    for name in PATHS[path].split():
        found = getattr(module, name)
        assert found.__module__.startswith("virgil.")
        assert getattr(pyro.infer.reparam, name, found) is found


@pytest.mark.parametrize("is_inside", [False, True])
def test_a_value_of_the_variable_is_mapped_wherever_the_handler_stands(is_inside):
    init = InitMessenger(init_to_value(values={"mu": torch.tensor(5.0)}))
    restate = poutine.reparam(config={"mu": LocScaleReparam(0.0)})
    draw = lambda: pyro.sample("mu", dist.Normal(1.0, 2.0))  # noqa: E731
    program = restate(init(draw)) if is_inside else init(restate(draw))
    trace = poutine.trace(program).get_trace()
    assert (trace.nodes["mu_decentered"]["value"], trace.nodes["mu"]["value"]) == (2.0, 5.0)
    assert not trace.nodes["mu_decentered"]["is_observed"]


def test_a_guide_that_is_a_function_gets_the_arguments_of_the_program():
    def counts(total, count):
        prob = pyro.sample("prob", dist.Beta(0.5, 1.5))
        pyro.sample("count", dist.Binomial(total, prob), obs=count)

    guide = ConjugateReparam(lambda total, count: dist.Beta(1 + count, 1 + total - count))
    total, count = torch.tensor(10.0), torch.tensor(2.0)
    trace = poutine.trace(poutine.reparam(counts, config={"prob": guide})).get_trace(total, count)
    evidence = dist.BetaBinomial(0.5, 1.5, total).log_prob(count)
    torch.testing.assert_close(trace.log_prob_sum(), evidence)
