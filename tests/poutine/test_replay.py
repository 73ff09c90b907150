"""``replay``, ``substitute`` and ``lift``: values from elsewhere."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.distributions import constraints
from virgil.errors import ArgumentError


def model(data=None):
    scale = virgil.param("scale", torch.tensor(2.0), constraint=constraints.positive)
    a = virgil.sample("a", dist.Normal(0.0, scale))
    with virgil.plate("data", 10, subsample_size=3) as indices:
        b = virgil.sample("b", dist.Normal(a, 1.0))
        virgil.sample("x", dist.Normal(b, 1.0), obs=data)
    return indices


def test_replay_gives_latent_values_and_indices():
    first = poutine.trace(model).get_trace()
    again = poutine.trace(poutine.replay(model, trace=first)).get_trace()
    for name in ("a", "b", "x", "data"):
        assert torch.equal(first.nodes[name]["value"], again.nodes[name]["value"])
    assert torch.equal(first.log_prob_sum(), again.log_prob_sum())


def test_replay_leaves_observations_and_draws_what_is_missing():
    first = poutine.trace(model).get_trace()
    del first.nodes["b"]
    data = torch.tensor([7.0, 8.0, 9.0])
    again = poutine.trace(poutine.replay(model, trace=first)).get_trace(data)
    assert torch.equal(again.nodes["x"]["value"], data)
    assert again.nodes["x"]["is_observed"]
    assert again.nodes["a"]["value"] == first.nodes["a"]["value"]
    assert not again.nodes["b"]["is_observed"]


def test_replay_keeps_the_graph_of_a_value():
    leaf = torch.tensor(1.0, requires_grad=True)
    guide = poutine.trace(lambda: virgil.sample("a", dist.Normal(leaf, 1.0))).get_trace()
    replayed = poutine.trace(poutine.replay(model, trace=guide)).get_trace()
    (gradient,) = torch.autograd.grad(replayed.nodes["a"]["log_prob"], leaf)
    assert gradient == pytest.approx(-guide.nodes["a"]["value"].item() / 4.0)


def test_replay_gives_parameters():
    trace = poutine.trace(poutine.replay(model, params={"scale": torch.tensor(9.0)})).get_trace()
    assert trace.nodes["a"]["fn"].scale == 9.0


def test_a_given_mini_batch_wins_over_a_replayed_one():
    def given():
        return virgil.plate("data", 10, subsample=[1, 2]).indices

    earlier = poutine.trace(model).get_trace()
    assert poutine.replay(given, trace=earlier)().tolist() == [1, 2]


def test_substitute_changes_the_value_and_not_the_store():
    model()
    trace = poutine.trace(poutine.substitute(model, data={"scale": torch.tensor(5.0)})).get_trace()
    assert trace.nodes["scale"]["value"] == 5.0
    assert trace.nodes["a"]["fn"].scale == 5.0
    assert torch.isclose(virgil.get_param_store()["scale"], torch.tensor(2.0))


def test_substitute_needs_no_store():
    assert poutine.substitute(lambda: virgil.param("never made"), data={"never made": torch.tensor(1.0)})() == 1.0
    assert "never made" not in virgil.get_param_store()


def two_params():
    return virgil.param("u", torch.zeros(3)), virgil.param("v", torch.zeros(()))


@pytest.mark.parametrize(
    ("prior", "lifted"),
    [
        (dist.Normal(0.0, 1.0), ["u", "v"]),
        ({"u": dist.Normal(torch.zeros(3), 1.0).to_event(1)}, ["u"]),
        (lambda name: dist.Normal(0.0, 1.0) if name == "v" else None, ["v"]),
    ],
)
def test_lift_makes_parameters_random(prior, lifted):
    trace = poutine.trace(poutine.lift(two_params, prior=prior)).get_trace()
    assert trace.stochastic_nodes == lifted
    assert trace.param_nodes == [name for name in ("u", "v") if name not in lifted]
    assert set(virgil.get_param_store()) == set(trace.param_nodes)


@pytest.mark.parametrize("init", [torch.tensor([1.0, 3.0]), lambda: torch.tensor([1.0, 3.0])])
def test_a_prior_may_be_a_function_of_the_initial_value(init):
    def model():
        return virgil.param("w", init) + virgil.param("w")

    def drawing(value):
        return value + virgil.sample("shift", dist.Normal(0.0, 1.0))

    around = poutine.trace(
        poutine.lift(model, prior={"w": lambda value: dist.Normal(value, 0.5).to_event(1)})
    ).get_trace()
    torch.testing.assert_close(around["w"].fn.mean, torch.tensor([1.0, 3.0]))
    torch.testing.assert_close(around["_RETURN"].value, 2 * around["w"].value)
    drawn = poutine.trace(poutine.lift(model, prior={"w": drawing})).get_trace()
    assert drawn.stochastic_nodes == ["shift"]
    torch.testing.assert_close(drawn["_RETURN"].value, 2 * (torch.tensor([1.0, 3.0]) + drawn["shift"].value))
    assert not list(virgil.get_param_store())
    with pytest.raises(virgil.errors.ArgumentError, match="parameter 'w'.*a function of the parameter's initial value"):
        poutine.lift(model, prior={"w": lambda value: "none"})()


def test_a_lifted_parameter_that_is_read_again_is_the_same_variable():
    def twice():
        first = virgil.param("u", torch.zeros(()))
        with virgil.plate("data", 3):
            second = virgil.param("u", torch.zeros(()))
        return first, second

    lifted = poutine.lift(twice, prior=dist.Normal(0.0, 1.0))
    trace = poutine.trace(lifted).get_trace()
    assert trace.stochastic_nodes == ["u"]
    first, second = trace.nodes["_RETURN"]["value"]
    assert first is second
    assert first != lifted()[0]  # another run draws anew
    value = trace.nodes["u"]["value"]
    assert torch.isclose(trace.log_prob_sum(), torch.distributions.Normal(0.0, 1.0).log_prob(value))


def test_a_lifted_program_may_run_in_several_threads_and_inside_itself():
    lifting = poutine.lift(prior=dist.Normal(0.0, 1.0))

    def read():
        return virgil.param("u", torch.zeros(())), virgil.param("u", torch.zeros(()))

    inner = lifting(read)
    outer = lifting(lambda: (inner(), read()))
    with ThreadPoolExecutor(8) as pool:
        results = [each.result() for each in [pool.submit(outer) for _ in range(40)]]
    assert all(first is second for result in results for first, second in result)
    assert len({pair[0].item() for result in results for pair in result}) == 80


def test_lifted_parameters_have_the_density_of_their_prior():
    lifted = poutine.lift(two_params, prior={"v": dist.Normal(1.0, 2.0)})
    trace = poutine.trace(poutine.condition(lifted, data={"v": torch.tensor(0.0)})).get_trace()
    expected = torch.distributions.Normal(1.0, 2.0).log_prob(torch.tensor(0.0))
    assert torch.isclose(trace.log_prob_sum(), expected)


def _observed():
    virgil.sample("a", dist.Normal(0.0, 1.0), obs=torch.ones(()))


ERRORS = [
    (lambda: poutine.replay(model), "replay() needs trace= or params=; it got neither"),
    (lambda: poutine.substitute(model), "substitute() needs data=, a dict"),
    (lambda: poutine.substitute(model, data=[1]), "substitute() got data=[1]; it takes a dict from parameter name"),
    (lambda: poutine.lift(model), "lift() needs prior=: a distribution, or a dict"),
    (
        lambda: poutine.replay(model, trace=poutine.trace(_observed).get_trace())(),
        "replay() met the latent sample site 'a', but in the trace it is observed. Only a latent value",
    ),
    (
        lambda: poutine.replay(model, trace=poutine.trace(lambda: virgil.plate("a", 2)).get_trace())(),
        "the latent sample site 'a', but in the trace it is a plate site",
    ),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors(call, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call()
