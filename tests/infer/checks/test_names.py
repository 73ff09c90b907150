"""Names that nothing answers to are said, with the closest that does; names of what happens at times are not."""

import warnings

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.infer.checks.asking import heard, says
from virgil import poutine
from virgil.errors import ArgumentError, FitWarning
from virgil.infer import Predictive
from virgil.infer.autoguide import AutoNormal, init_to_value

ONE = torch.tensor(1.0)


def model():
    sigma = virgil.sample("sigma", dist.LogNormal(0.0, 1.0))
    shift = virgil.param("shift", torch.tensor(0.0))
    double = virgil.deterministic("double", 2 * sigma)
    with virgil.plate("data", 2):
        virgil.sample("x", dist.Normal(shift, double), obs=torch.ones(2))


def guide():
    virgil.sample("sigma", dist.LogNormal(virgil.param("loc", torch.tensor(0.0)), 0.1))


def empty():
    virgil.param("shift", torch.tensor(0.0))


def at_times():
    model()
    if torch.rand(()) < 0.5:
        virgil.deterministic("seldom", ONE)


def decentering(site):
    return torch.exp(virgil.sample("sigma_base", dist.Normal(0.0, 1.0))) if site["name"] == "sigma" else None


class Decentered(poutine.Handler):
    def handle(self, site, outer):
        value = decentering(site)
        return outer(
            site if value is None else site.replace(fn=dist.Delta(value).mask(False), value=value, observed=True)
        )


class HookedDecentered(poutine.Messenger):
    def _pyro_sample(self, msg):
        value = decentering(msg)
        if value is not None:
            msg.update(fn=dist.Delta(value).mask(False), value=value, is_observed=True)


decentered, hooked_decentered = Decentered(), HookedDecentered()


def base_guide():
    virgil.sample("sigma_base", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 0.1))


NOTHING = "but no statement under it has this name, so that nothing comes of it."
WRONG = {  # name: model, guide, severity, what the message says
    "condition": (
        poutine.condition(model, data={"sigmma": ONE}),
        guide,
        "warning",
        [f"condition() names 'sigmma', {NOTHING} Did you mean 'sigma'?"],
    ),
    "condition on a parameter": (
        poutine.condition(model, data={"shift": ONE}),
        guide,
        "warning",
        ["condition() names 'shift'"],
    ),
    "do": (poutine.do(model, data={"dubble": ONE}), guide, "warning", ["do() names 'dubble'", "mean 'double'?"]),
    "substitute": (
        poutine.substitute(model, data={"shitf": ONE}),
        guide,
        "warning",
        ["substitute() names 'shitf'", "Did you mean 'shift'?"],
    ),
    "substitute of a sample": (
        poutine.substitute(model, data={"sigma": ONE}),
        guide,
        "warning",
        ["substitute() names 'sigma'", "Known names: 'shift'."],
    ),
    "lift": (
        poutine.lift(model, prior={"shitf": dist.Normal(0.0, 1.0)}),
        guide,
        "warning",
        ["lift() names 'shitf'", "Did you mean 'shift'?"],
    ),
    "block, hide": (poutine.block(model, hide=["dubble"]), guide, "warning", ["block() names 'dubble'"]),
    "block, expose": (
        model,
        poutine.block(guide, expose=["sigma", "loc", "mu"]),
        "warning",
        ["block() names 'mu'", "Known names: 'loc', 'sigma'."],
    ),
    "hidden before it is met": (
        poutine.condition(poutine.block(model, hide=["double"]), data={"double": ONE}),
        guide,
        "warning",
        ["condition() names 'double'"],
    ),
    "around an automatic guide's model": (
        model,
        AutoNormal(poutine.block(model, hide=["sigmma"])),
        "warning",
        ["block() names 'sigmma'", "Did you mean 'sigma'?"],
    ),
    "all of the model hidden": (
        poutine.block(model),
        empty,
        "error",
        ["MismatchError: block() hides every sample statement of the model: 'sigma', 'x'."],
    ),
    "all of the model hidden, by expose": (
        poutine.block(model, expose=["sigmma"]),
        empty,
        "error",
        ["block() hides every sample statement"],
    ),
}
FINE = {
    "condition": (poutine.condition(model, data={"sigma": ONE}), empty),
    "condition, left latent": (poutine.condition(model, data={"sigmma": None}), guide),
    "do": (poutine.do(model, data={"double": ONE}), guide),
    "substitute": (poutine.substitute(model, data={"shift": ONE}), guide),
    "a lifted parameter, conditioned": (
        poutine.condition(poutine.lift(model, prior={"shift": dist.Normal(0.0, 1.0)}), data={"shift": ONE}),
        guide,
    ),
    "hide": (poutine.block(model, hide=["double", "data"]), guide),
    "of what a handler inside states": (poutine.condition(decentered(model), data={"sigma_base": ONE}), empty),
    "of what a handler inside states, by a hook": (
        poutine.do(hooked_decentered(model), data={"sigma_base": ONE}),
        base_guide,
    ),
    "expose": (poutine.block(model, expose=["sigma", "x", "data", "shift"]), guide),
    "hide by a function": (poutine.block(model, hide_fn=lambda site: site["name"] == "nobody"), guide),
    "at times": (poutine.do(at_times, data={"seldom": ONE, "sigma": ONE}), guide),
    "two automatic parts": (model, AutoNormal(poutine.block(poutine.scale(model, scale=1.0), hide=["x"]))),
    "several": (poutine.do(poutine.condition(model, data={"sigma": ONE}), data={"sigma": 2 * ONE}), empty),
    "an automatic guide": (model, AutoNormal(poutine.block(model, hide=["x"]))),
    "a program without a statement": (poutine.block(lambda: None), lambda: None),
}


@pytest.mark.parametrize(("model", "guide", "severity", "parts"), WRONG.values(), ids=WRONG)
def test_a_name_that_nothing_has_is_said(model, guide, severity, parts):
    says(heard(model, guide, steps=2), severity, *parts)


@pytest.mark.parametrize(("model", "guide"), FINE.values(), ids=FINE)
def test_names_that_are_met_hear_nothing(model, guide):
    virgil.set_rng_seed(0)
    assert heard(model, guide, steps=2).severity == ""


@pytest.mark.parametrize("parallel", [False, True])
def test_samples_that_nothing_takes_up_are_warned_of_once(parallel):
    predictive = Predictive(model, {"sigmma": torch.ones(3), "double": torch.ones(3)}, parallel=parallel)
    with pytest.warns(FitWarning, match="Predictive got samples of 'sigmma', but no .* Did you mean 'sigma'?") as shown:
        predictive()
    assert len(shown) == 1
    predictive()


@pytest.mark.parametrize("parallel", [False, True])
def test_samples_that_are_taken_up_hear_nothing(parallel):
    own = {"sigma": torch.ones(3), "double": torch.ones(3), "_AutoNormal_latent": torch.ones(3)}
    assert set(Predictive(model, own, parallel=parallel)()) == {"x"}


def test_an_initial_value_of_nobody_is_an_error():
    guide = AutoNormal(model, init_loc_fn=init_to_value(values={"sigmma": ONE}))
    with pytest.raises(ArgumentError, match="init_to_value.. has a value for 'sigmma', .* Did you mean 'sigma'?"):
        guide()


def test_programs_are_run_again_only_to_look_for_a_name():
    calls = []

    def counted():
        calls.append(1)
        model()

    def count(program):
        calls.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            heard(program, guide)
        return len(calls)

    assert count(counted) == count(poutine.scale(counted, scale=1.0)) == count(poutine.do(counted, {"double": ONE}))
    assert count(poutine.do(counted, data={"dubble": ONE})) > count(counted)
