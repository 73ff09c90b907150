"""``seed``, ``escape``, ``queue``, ``infer_config``, ``markov`` and ``broadcast``."""

import itertools
import random
import re
from queue import Queue

import numpy as np
import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError
from virgil.poutine import NonlocalExit, Trace, extensions
from virgil.poutine.runtime import installed


def draws():
    return torch.rand(3).tolist(), np.random.rand(2).tolist(), random.random()


def test_seed_fixes_every_generator_and_leaves_those_outside():
    first = poutine.seed(draws, rng_seed=5)()
    virgil.set_rng_seed(1)
    without = (draws(), draws())
    virgil.set_rng_seed(1)
    before = draws()
    assert poutine.seed(draws, rng_seed=5)() == first
    assert (before, draws()) == without
    assert poutine.seed(draws, rng_seed=6)() != first


def test_seeds_nest():
    with poutine.seed(rng_seed=1):
        outer = torch.rand(2)
    with poutine.seed(rng_seed=1):
        first = torch.rand(1)
        with poutine.seed(rng_seed=2):
            torch.rand(10)
        assert torch.equal(torch.cat([first, torch.rand(1)]), outer)


def test_escape_finishes_the_site_and_goes_no_further():
    reached = []

    def model():
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        reached.append("after z")
        virgil.sample("x", dist.Normal(z, 1.0))
        reached.append("after x")

    tracer = poutine.trace()
    with tracer, pytest.raises(NonlocalExit, match="left at site 'x'") as left:
        poutine.escape(model, escape_fn=lambda site: site.name == "x")()
    assert reached == ["after z"]
    assert left.value.site["value"].shape == ()
    assert set(tracer.trace.nodes) == {"z", "x"}
    assert installed() == ()


def coins():
    first = virgil.sample("first", dist.Bernoulli(0.25))
    if first == 1.0:
        virgil.sample("second", dist.Categorical(torch.tensor([0.2, 0.3, 0.5])))
    virgil.sample("noise", dist.Normal(0.0, 1.0), obs=torch.tensor(0.0))
    return first


def test_queue_visits_every_execution_once():
    traces = Queue()
    traces.put(Trace())
    seen = {}
    explore = poutine.trace(poutine.queue(coins, traces))
    while not traces.empty():
        trace = explore.get_trace()
        values = tuple(int(site["value"]) for _, site in trace.iter_stochastic_nodes())
        assert values not in seen
        seen[values] = trace.log_prob_sum().exp().item()
    density = torch.distributions.Normal(0.0, 1.0).log_prob(torch.tensor(0.0)).exp().item()
    expected = {(0,): 0.75, (1, 0): 0.05, (1, 1): 0.075, (1, 2): 0.125}
    assert seen == pytest.approx({key: value * density for key, value in expected.items()}, rel=1e-5)


def test_queue_can_draw_instead_of_enumerating():
    traces = Queue()
    traces.put(Trace())
    explore = poutine.queue(queue=traces, num_samples=2)(coins)
    assert float(explore()) in (0.0, 1.0)
    assert traces.qsize() >= 1


def test_queue_as_a_decorator_gives_up_after_max_tries():
    traces = Queue()
    traces.put(Trace())

    @poutine.queue(queue=traces, max_tries=2)
    def many():
        for i in itertools.count():
            virgil.sample(f"coin_{i}", dist.Bernoulli(0.5))

    with pytest.raises(ArgumentError, match=r"no complete execution in max_tries=2 tries\. Raise max_tries"):
        many()
    with pytest.raises(ArgumentError, match=r"found no trace in the queue\. Start it with queue\.put\(Trace\(\)\)"):
        poutine.queue(coins, Queue())()


def test_infer_config_merges_options_of_sample_and_param_sites():
    def model():
        virgil.param("p", torch.zeros(()))
        with virgil.plate("data", 2):
            virgil.sample("z", dist.Bernoulli(0.5), infer={"enumerate": "parallel", "kept": 1})

    def config(site):
        return {"enumerate": "sequential", "name": site["name"]}

    trace = poutine.trace(poutine.infer_config(model, config_fn=config)).get_trace()
    assert trace.nodes["z"]["infer"] == {"enumerate": "sequential", "kept": 1, "name": "z"}
    assert trace.nodes["p"]["infer"]["name"] == "p"
    assert "name" not in trace.nodes["data"]["infer"]


def test_infer_config_leaves_the_programs_own_dict_alone():
    own = {"kept": 1}
    program = poutine.infer_config(
        lambda: virgil.sample("z", dist.Normal(0.0, 1.0), infer=own), config_fn=lambda site: {"more": 2}
    )
    program()
    assert own == {"kept": 1}


@pytest.mark.parametrize("wrap", [False, True])
def test_markov_passes_items_and_sites_through(wrap):
    def chain():
        x = torch.zeros(())
        for t in virgil.markov(range(4), history=2):
            x = virgil.sample(f"x_{t}", dist.Normal(x, 1.0))
        return x

    trace = poutine.trace(virgil.markov(chain) if wrap else chain).get_trace()
    assert trace.stochastic_nodes == ["x_0", "x_1", "x_2", "x_3"]
    assert trace.nodes["x_3"]["fn"].loc == trace.nodes["x_2"]["value"]


def test_markov_as_a_context_and_over_generators():
    with virgil.markov(history=2) as chain:
        (step,) = installed()
        assert (step.step.number, step.step.history, step.chain) == (0, 2, chain)
        with chain:
            assert [each.step.number for each in installed()] == [0, 1]
        assert installed() == (step,)
    assert installed() == ()
    assert list(virgil.markov(iter("abc"))) == ["a", "b", "c"]
    with poutine.trace():
        assert [len(installed()) for _ in virgil.markov("ab")] == [2, 2]
        for _ in virgil.markov("ab"):
            break
        assert len(installed()) == 1


def test_broadcast_is_what_every_program_has():
    def model():
        with virgil.plate("data", 3):
            return virgil.sample("z", dist.Normal(0.0, 1.0))

    assert poutine.broadcast(model)().shape == model().shape == (3,)


ERRORS = [
    (lambda: poutine.seed(draws), "seed() needs rng_seed=, a whole number"),
    (lambda: poutine.seed(draws, rng_seed=-1), "seed() got rng_seed=-1; it takes a whole number, 0 or more"),
    (lambda: poutine.seed(draws, rng_seed=1.5), "seed() got rng_seed=1.5"),
    (lambda: poutine.seed(draws, rng_seed=True), "seed() got rng_seed=True"),
    (lambda: poutine.escape(coins), "escape() needs escape_fn=, a function from a site to a bool"),
    (lambda: poutine.infer_config(coins), "infer_config() needs config_fn=, a function from a site to a dict"),
    (lambda: poutine.queue(coins), "queue() needs queue=, a queue.Queue that holds traces"),
    (lambda: virgil.markov(range(3), history=-1), "markov() got history=-1; it takes a whole number, 0 or more"),
    (lambda: virgil.markov(range(3), history=True), "markov() got history=True"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors(call, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call()


def sizes():
    a = virgil.sample("a", dist.Categorical(torch.ones(3) / 3))
    b = virgil.sample("b", dist.Normal(0.0, 1.0))
    return int(a), float(b)


def test_queue_leaves_and_goes_on_as_it_is_told():
    """Left at every variable, with two draws each: four executions, and half of them share what came first."""
    traces = Queue()
    traces.put(Trace())
    explore = poutine.queue(
        sizes, traces, escape_fn=extensions.all_escape, extend_fn=extensions.mc_extend, num_samples=2
    )
    found = [explore() for _ in range(4)]
    assert len({b for _, b in found}) == 4
    assert traces.empty()


def test_queue_extends_by_the_first_values():
    traces = Queue()
    traces.put(Trace())
    explore = poutine.queue(sizes, traces, extend_fn=extensions.enum_extend, num_samples=2)
    assert [explore()[0] for _ in range(2)] == [0, 1]
    assert traces.empty()
