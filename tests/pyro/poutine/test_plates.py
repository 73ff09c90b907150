"""Old classes that surround statements: plates, Markov chains, a messenger that is entered once, and guides."""

import pickle

import pyro
import pytest
import torch
from pyro import poutine
from pyro.poutine.collapse_messenger import CollapseMessenger
from pyro.poutine.enum_messenger import enumerate_site
from pyro.poutine.guide import GuideMessenger
from pyro.poutine.indep_messenger import CondIndepStackFrame, IndepMessenger
from pyro.poutine.markov_messenger import MarkovMessenger
from pyro.poutine.messenger import Messenger
from pyro.poutine.plate_messenger import PlateMessenger
from pyro.poutine.reentrant_messenger import ReentrantMessenger
from pyro.poutine.subsample_messenger import SubsampleMessenger, _Subsample
from pyro.poutine.util import enable_validation, is_validation_enabled, site_is_factor, site_is_subsample

import virgil
import virgil.distributions as dist
from tests.laws.comparing import assert_same, traced
from virgil.errors import ArgumentError, PlateError
from virgil.poutine.runtime import installed

DATA = torch.arange(6.0)
MAKERS = {
    "whole": {"size": 6},
    "mini-batch": {"size": 6, "subsample_size": 4},
    "indices": {"size": 6, "subsample": torch.tensor([5, 0])},
    "dim": {"size": 6, "dim": -2},
}


def batch_of(plate, dim):
    def program():
        with pyro.plate("outer", 2, dim=-3), plate():
            x = pyro.sample("x", dist.Normal(0.0, 1.0))
            data = pyro.subsample(DATA if dim == -1 else DATA.unsqueeze(-1), event_dim=0)
            with pyro.plate("inner", 3, dim=-1 if dim == -2 else -2), poutine.mask(mask=True):
                pyro.sample("y", dist.Normal(x, 1.0), obs=data)
                pyro.sample("w", dist.Bernoulli(0.5))
        for slot in plate():
            pyro.sample(f"z_{slot}", dist.Normal(0.0, 1.0))
        return torch.zeros(())

    return program


@pytest.mark.parametrize("kind", [SubsampleMessenger, PlateMessenger])
@pytest.mark.parametrize("made", MAKERS)
def test_plates_written_as_hooks_are_plates(kind, made):
    """The same sites, values, weights and log-densities; rounds of a loop count from one instead of zero."""
    arguments, dim = MAKERS[made], MAKERS[made].get("dim", -1)
    numbers = iter(range(4))
    got = traced(program=batch_of(lambda: kind(f"data_{next(numbers)}", **arguments), dim))
    expected = traced(program=batch_of(lambda: pyro.plate(f"data_{next(numbers) - 2}", **arguments), dim))
    for trace in (got, expected):
        for name, site in trace.nodes.items():
            if name.startswith("z_"):
                assert site.frames[0].dim is None
                site.frames = ()
    assert_same(got, expected)
    assert installed() == ()


def test_a_plate_without_subsampling():
    rows = IndepMessenger("rows", 4, dim=-2)
    columns = IndepMessenger("columns", 3)
    assert (rows.dim, columns.dim, columns.indices.tolist()) == (-2, None, [0, 1, 2])
    with rows, columns as entered:
        assert entered is columns
        assert columns.dim == -1
        assert pyro.sample("x", dist.Normal(0.0, 1.0)).shape == (4, 3)
        with pyro.plate("third", 2):
            assert pyro.sample("y", dist.Normal(0.0, 1.0)).shape == (2, 4, 3)
        with pytest.raises(PlateError, match="dim -2, which plate 'rows' around it occupies"):
            IndepMessenger("again", 4, dim=-2).__enter__()
    assert columns.dim is None
    with poutine.trace() as tracer:
        for slot in columns:
            pyro.sample(f"z_{slot}", dist.Normal(0.0, 1.0))
    frames = [tracer.trace.nodes[f"z_{slot}"]["cond_indep_stack"] for slot in range(3)]
    assert [(frame.dim, frame.counter) for (frame,) in frames] == [(None, 1), (None, 2), (None, 3)]


def test_a_plate_that_surrounds_some_sites_only():
    class Lazy(IndepMessenger):
        def _process_message(self, msg):
            if msg["type"] == "sample" and msg["name"].startswith("x"):
                super()._process_message(msg)

    with Lazy("lazy", 3):
        assert pyro.sample("a", dist.Normal(0.0, 1.0)).shape == ()
        assert pyro.sample("x", dist.Normal(0.0, 1.0)).shape == (3,)

    class Stating(Messenger):
        def _pyro_sample(self, msg):
            if not msg["name"].endswith("_too"):
                self.value = pyro.sample(f"{msg['name']}_too", dist.Normal(0.0, 1.0))

    with Stating() as stating, Lazy("lazy", 3):
        pyro.sample("a", dist.Normal(0.0, 1.0))
        assert stating.value.shape == ()
        pyro.sample("x", dist.Normal(0.0, 1.0))
        assert stating.value.shape == (3,)


def test_frames():
    frame = CondIndepStackFrame("data", -1, 3, 0, 6)
    assert (frame.name, frame.dim, frame.size, frame.counter, frame.full_size) == tuple(frame)
    assert frame.vectorized
    assert frame == CondIndepStackFrame("data", -1, 3, 0, 6) != frame._replace(size=2)
    assert hash(frame) == hash(CondIndepStackFrame("data", -1, 3, 0, 6))
    with poutine.trace() as tracer, pyro.plate("data", 6, subsample_size=3):
        pyro.sample("x", dist.Normal(0.0, 1.0))
    (found,) = tracer.trace.nodes["x"]["cond_indep_stack"]
    assert isinstance(found, CondIndepStackFrame)
    assert found == frame
    assert isinstance(tracer.trace.nodes["data"]["fn"], _Subsample)
    assert site_is_subsample(tracer.trace.nodes["data"])


@pytest.mark.parametrize("kind", [PlateMessenger, SubsampleMessenger, IndepMessenger, Messenger])
def test_a_plate_is_an_instance_of_the_old_classes(kind):
    assert isinstance(pyro.plate("data", 3), kind)
    assert issubclass(pyro.plate, kind)


def steps(chain, loop):
    def program():
        z = torch.tensor(0)
        probs = torch.tensor([[0.9, 0.1], [0.3, 0.7]])
        for step in loop():
            z = pyro.sample(f"z_{step}", dist.Categorical(probs[z]), infer={"enumerate": "parallel"})
        context = chain()
        for step in range(3):
            with context:
                z = pyro.sample(f"y_{step}", dist.Categorical(probs[z]), infer={"enumerate": "parallel"})
        return torch.zeros(())

    return poutine.enum(program, first_available_dim=-1)


def test_a_chain_written_as_a_messenger():
    got = traced(program=steps(MarkovMessenger, lambda: MarkovMessenger().generator(range(3))))
    expected = traced(program=steps(pyro.markov, lambda: pyro.markov(range(3))))
    assert_same(got, expected)
    assert isinstance(poutine.markov(history=2), MarkovMessenger)
    assert installed() == ()


def test_a_messenger_that_is_entered_once():
    class Counting(ReentrantMessenger):
        seen = 0

        def _pyro_sample(self, msg):
            self.seen += 1

    counting = Counting()
    with counting, counting:
        pyro.sample("a", dist.Normal(0.0, 1.0))
        assert installed() == (counting,)
    assert installed() == ()
    counting(lambda: pyro.sample("a", dist.Normal(0.0, 1.0)))()
    assert counting.seen == 2


def test_the_values_of_a_message():
    msg = {"fn": dist.Bernoulli(torch.full((3,), 0.5)), "infer": {}}
    assert enumerate_site(msg).shape == (2, 1)
    assert enumerate_site({**msg, "infer": {"expand": True}}).shape == (2, 3)
    assert enumerate_site({**msg, "infer": {"num_samples": 5}}).shape == (5, 3)


def test_what_needs_funsor_says_what_to_use():
    class Derived(CollapseMessenger):
        pass

    for make in (Derived, poutine.collapse, lambda: poutine.collapse(lambda: None)):
        with pytest.raises(ArgumentError, match="which Virgil does not use. TraceEnum_ELBO"):
            make()


def test_questions_about_sites_and_validation():
    with poutine.trace() as tracer:
        pyro.factor("f", torch.tensor(1.0))
        pyro.sample("x", dist.Normal(0.0, 1.0))
    assert [site_is_factor(site) for site in tracer.trace.nodes.values()] == [True, False]
    enable_validation(False)
    assert not is_validation_enabled()
    poutine.enable_validation(True)
    assert poutine.is_validation_enabled()
    virgil.enable_validation(True)


# Guides that run the model


def model(data):
    a = pyro.sample("a", dist.Normal(0.0, 1.0))
    b = pyro.sample("b", dist.Normal(a, 1.0))
    pyro.deterministic("sum", a + b)
    with pyro.plate("data", 2):
        pyro.sample("x", dist.Normal(b, 1.0), obs=data)


class Guide(GuideMessenger):
    def get_posterior(self, name, prior):
        if name == "b":
            pyro.sample("aux", dist.Normal(0.0, 1.0), infer={"is_auxiliary": True})
            return self.upstream_value("a") + 2.0
        return dist.Normal(pyro.param(f"{name}_loc", torch.tensor(1.0)), 0.5)


def test_a_guide_takes_the_models_run():
    guide, data = Guide(model), torch.tensor([0.5, -0.5])
    assert guide.model is model
    values = guide(data)
    assert list(values) == ["a", "aux", "b", "sum", "x"]
    assert values["b"] == values["a"] + 2.0
    model_trace, guide_trace = guide.get_traces()
    assert guide_trace.stochastic_nodes == ["a", "aux", "b"]
    assert (model_trace.stochastic_nodes, model_trace.observation_nodes) == (["a", "b"], ["sum", "x"])
    a, b = values["a"], values["b"]
    prior = dist.Normal(0.0, 1.0).log_prob(a) + dist.Normal(a, 1.0).log_prob(b)
    torch.testing.assert_close(model_trace.log_prob_sum(), prior + dist.Normal(b, 1.0).log_prob(data).sum())
    posterior = dist.Normal(1.0, 0.5).log_prob(a) + dist.Normal(0.0, 1.0).log_prob(values["aux"])
    torch.testing.assert_close(guide_trace.log_prob_sum(), posterior)
    assert model_trace.param_nodes == ["a_loc"]


def test_a_guide_is_pickled_without_its_trace():
    guide = Guide(model)
    guide(torch.zeros(2))
    again = pickle.loads(pickle.dumps(guide))
    assert list(again(torch.zeros(2))) == ["a", "aux", "b", "sum", "x"]
    with pytest.raises(TypeError, match="get_posterior"):
        GuideMessenger(model)
