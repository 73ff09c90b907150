"""Which reparameteriser a variable gets."""

import pytest
import torch
from torch.distributions.transforms import ExpTransform

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.infer.reparam import AutoReparam, LocScaleReparam, MinimalReparam, Strategy

VECTOR = torch.zeros(3)
CHOICES = {
    dist.Normal(0.0, 1.0): ("LocScaleReparam", None),
    dist.Normal(VECTOR, 1.0).to_event(1): ("LocScaleReparam", None),
    dist.Normal(0.0, 1.0).mask(False): ("LocScaleReparam", None),
    dist.StudentT(3.0): ("LocScaleReparam", None),
    dist.LogNormal(VECTOR, 1.0).to_event(1): ("TransformReparam", None),
    dist.TransformedDistribution(dist.Gamma(1.0, 1.0), [ExpTransform()]): ("TransformReparam", None),
    dist.LogisticNormal(VECTOR, torch.ones(3)): ("TransformReparam", None),
    dist.HalfNormal(1.0): (None, None),
    dist.Gamma(1.0, 1.0): (None, None),
    dist.VonMises(0.0, 1.0): (None, None),
    dist.Bernoulli(0.5): (None, None),
    dist.MultivariateNormal(VECTOR, torch.eye(3)): (None, None),
    dist.RelaxedOneHotCategorical(torch.tensor(0.5), torch.ones(3)): ("GumbelSoftmaxReparam", None),
    dist.ProjectedNormal(torch.ones(3)): ("ProjectedNormalReparam", "ProjectedNormalReparam"),
}


@pytest.mark.parametrize("fn", CHOICES, ids=lambda fn: type(fn).__name__)
def test_each_family_gets_its_own(fn):
    for strategy, expected in zip((AutoReparam(), MinimalReparam()), CHOICES[fn], strict=True):
        poutine.trace(strategy(lambda: virgil.sample("x", fn))).get_trace()
        chosen = strategy.config["x"]
        assert (None if chosen is None else type(chosen).__name__) == expected


def test_data_are_left_as_they_are_also_after_a_run_without():
    strategy = AutoReparam()

    @strategy
    def model(data=None):
        with virgil.plate("rows", 3):
            return virgil.sample("x", dist.Normal(0.0, 1.0), obs=data)

    assert poutine.trace(model).get_trace().stochastic_nodes == ["x_decentered"]
    assert poutine.trace(model).get_trace(torch.zeros(3)).observation_nodes == ["x"]
    assert poutine.trace(model).get_trace().stochastic_nodes == ["x_decentered"]
    assert isinstance(strategy.config["x"], LocScaleReparam)


def test_a_variable_is_decentred_once_and_a_base_in_turn():
    def model():
        virgil.sample("x", dist.LogNormal(1.0, 2.0))

    strategy = AutoReparam(centered=0.0)
    trace = poutine.trace(poutine.reparam(model, config=strategy)).get_trace()
    assert trace.stochastic_nodes == ["x_base_decentered"]
    again = poutine.trace(poutine.reparam(model, config=strategy.config)).get_trace()
    assert again.stochastic_nodes == ["x_base_decentered"]
    torch.testing.assert_close(again.nodes["x"].value, (1.0 + 2.0 * again.nodes["x_base_decentered"].value).exp())


def test_a_strategy_of_a_programs_own():
    class Centred(Strategy):
        def configure(self, msg):
            return LocScaleReparam(0.0) if msg["name"] == "x" else None

    model = Centred()(lambda: virgil.sample("y", dist.Normal(virgil.sample("x", dist.Normal(0.0, 1.0)), 1.0)))
    assert poutine.trace(model).get_trace().stochastic_nodes == ["x_decentered", "y"]
