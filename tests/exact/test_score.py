"""The score estimator: its mean by sums over all draws, and its variance against the closed form.

Means and variances of draws are compared with exact ones within five standard errors. For normal errors the chance of
more is 6e-7; there are 42 comparisons, so a false alarm has a chance below 3e-5.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.exact.estimates import binary
from tests.exact.score_dependences import READINGS, THREE, Reading, by_flag, flags, flip, number, seen, three_apart
from tests.exact.score_programs import PROGRAMS, gradients
from virgil import poutine
from virgil.infer import ELBO, SVI
from virgil.infer.density.execution import Call
from virgil.infer.elbo.summing_out import NONE
from virgil.infer.elbo.terms import SAMPLED

COPIES = 2_000
BOUND = 5.0
BY_ORDER = replace(SAMPLED, name="sampled, by order", of_densities=False)


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)


class Given(poutine.runtime.Handler):
    """Gives variables values that are counted as drawn."""

    def __init__(self):
        self.values = {}

    def handle(self, site, outer):
        value = self.values.get(site.name) if site.kind == "sample" else None
        return outer(site if value is None else site.with_value(value))


class Sums:
    """Exact gradient of the loss, and exact mean of its estimator, by sums over all values of a guide's variables."""

    def __init__(self, case: Reading) -> None:
        self.case = case
        self.given = Given()
        self.model, self.guide = case.model, self.given(case.guide)
        self.guide(*case.args)  # makes the parameters
        store = virgil.get_param_store()
        self.leaves = [store.unconstrained(name) for name in store]

    def _each(self, value):
        """The sum over all draws of probability times value. Shape: that of the leaves, one after another."""
        total = 0.0
        for values in binary(self.case.shapes):
            self.given.values = values
            drawn = poutine.trace(self.guide).get_trace(*self.case.args)
            log_q = sum(site.unscaled_log_prob.sum() for site in drawn.nodes.values() if site.is_latent)
            grads = torch.autograd.grad(value(drawn, log_q), self.leaves, allow_unused=True, materialize_grads=True)
            total = total + torch.cat([each.reshape(-1) for each in grads])
        return total

    def exact(self):
        def part(drawn, log_q):
            model = poutine.trace(poutine.replay(self.model, trace=drawn)).get_trace(*self.case.args)
            return -log_q.exp() * (model.log_prob_sum() - drawn.log_prob_sum())

        return self._each(part)

    def mean(self, elbo):
        def part(drawn, log_q):
            loss = elbo.differentiable_loss(self.model, self.guide, *self.case.args)
            return loss * log_q.detach().exp()

        return self._each(part)


@pytest.mark.parametrize("terms", ["sampled", "analytic"])
@pytest.mark.parametrize("name", READINGS)
def test_the_mean_over_all_draws_is_the_gradient(name, terms):
    sums = Sums(READINGS[name])
    torch.testing.assert_close(sums.mean(ELBO(terms=terms)), sums.exact(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", [name for name in READINGS if name != "the round before"])
def test_by_order_it_is_too(name):
    """But for rounds that read one another: by order it is believed that those of a plate do not."""
    sums = Sums(READINGS[name])
    torch.testing.assert_close(sums.mean(ELBO(terms=BY_ORDER)), sums.exact(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", READINGS)
def test_dependences_are_known_unless_values_decide(name):
    case, pairs = READINGS[name], []

    def noted(pair, terms, particle_dim):
        pairs.append(pair)
        return NONE.costs(pair, terms, particle_dim)

    ELBO(sum_out=replace(NONE, name="noted", costs=noted)).differentiable_loss(case.model, case.guide, *case.args)
    assert [pair.dependence is not None for pair in pairs] == [case.follows]


def test_another_flag_among_the_arguments_is_another_structure():
    elbo, sums = ELBO(), Sums(replace(READINGS["by an argument"], args=(False,)))
    for reads in (False, True, False, True):
        sums.case = replace(sums.case, args=(reads,))
        torch.testing.assert_close(sums.mean(elbo), sums.exact(), rtol=1e-9, atol=1e-11)


def test_what_a_program_reads_elsewhere_is_looked_at_again():
    sums = Sums(Reading(by_flag, three_apart, THREE))

    def step_on(elbo):
        with torch.no_grad():
            for _ in range(200):
                elbo.differentiable_loss(sums.model, sums.guide)

    def run(elbo, **options):
        sums.given.values = {}
        SVI(sums.model, sums.guide, virgil.optim.SGD({"lr": 1e-3}), elbo).run(1, engine="eager", **options)

    def in_callback(elbo):
        flags["reads"] = False
        run(elbo, callback=lambda step, loss: flags.update(reads=True))

    try:
        for look_again in (ELBO.look_again, step_on, run, in_callback):
            flags["reads"] = False
            elbo = ELBO()
            sums.mean(elbo)
            flags["reads"] = True
            look_again(elbo)
            torch.testing.assert_close(sums.mean(elbo), sums.exact(), rtol=1e-9, atol=1e-11)
    finally:
        flags["reads"] = True


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_independent_variables_may_be_stated_in_any_order(order):
    """At the same draws the estimator is the same, whatever stands first."""
    logits = {"a": 0.4, "b": -0.3, "c": 0.2}

    def guide():
        for name in order:
            flip(name, number(name, logits[name]))

    def in_order():
        for name in "abc":
            flip(name, number(name, logits[name]))

    def observations_first():
        values = {name: flip(name, torch.tensor(0.1)) for name in reversed(order)}
        seen("y", values["b"] + values["c"])
        seen("x", values["a"])

    def usual():
        values = {name: flip(name, torch.tensor(0.1)) for name in "abc"}
        seen("x", values["a"])
        seen("y", values["b"] + values["c"])

    given = Given()
    found = []
    for model, program in ((usual, in_order), (observations_first, guide)):
        elbo, rows = ELBO(), []
        for given.values in binary({"a": (), "b": (), "c": ()}):
            loss = elbo.differentiable_loss(model, given(program))
            leaves = [virgil.get_param_store().unconstrained(f"q_{name}") for name in "abc"]
            rows.append(torch.stack(torch.autograd.grad(loss, leaves)))
        found.append(torch.stack(rows))
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-14)


def exceeds(values, exact):
    """How far the mean of independent values lies from the exact one, in standard errors."""
    return abs((values.mean() - exact) / (values.std() / len(values) ** 0.5)).item()


@pytest.mark.parametrize("slots", [2, 20, 200])
@pytest.mark.parametrize("name", PROGRAMS)
def test_mean_and_variance_are_those_of_the_closed_form(name, slots):
    mean, variance = PROGRAMS[name].moments(slots)
    draws = gradients(PROGRAMS[name], COPIES, slots)
    assert exceeds(draws.mean(-1), mean) < BOUND
    assert exceeds(((draws - mean) ** 2).mean(-1), variance) < BOUND


def test_by_order_a_later_variable_joins_all_slots():
    """What the dependences are good for: 200 slots, and a variable after them that has nothing to do with them."""
    program = PROGRAMS["global after"]
    noise = gradients(program, COPIES, 200, ELBO(terms=BY_ORDER)).std()
    assert noise > 100 * gradients(program, COPIES, 200).std()


def test_a_factor_of_the_guide_is_the_density_of_draws_without_a_site():
    drawn, data, prior = {}, torch.tensor(0.7), dist.Bernoulli(0.3)

    def model():
        z = virgil.sample("z", prior)
        virgil.sample("x", dist.Normal(z, 1.0), obs=data)

    def guide():
        q = dist.Bernoulli(logits=virgil.param("q", torch.tensor(0.4)))
        value = drawn.get("value", torch.tensor(1.0))
        virgil.factor("f", q.log_prob(value), has_rsample=False)
        virgil.sample("z", dist.Delta(value))

    guide()
    logit, elbo, mean, exact = virgil.get_param_store().unconstrained("q"), ELBO(), 0.0, 0.0
    q = dist.Bernoulli(logits=logit)
    for value in (torch.tensor(0.0), torch.tensor(1.0)):
        drawn["value"], log_q = value, q.log_prob(value)
        (gradient,) = torch.autograd.grad(elbo.differentiable_loss(model, guide), logit)
        mean += gradient * log_q.detach().exp()
        bound = prior.log_prob(value) + dist.Normal(value, 1.0).log_prob(data) - log_q
        exact += torch.autograd.grad(-log_q.exp() * bound, logit)[0]
    torch.testing.assert_close(mean, exact, rtol=1e-9, atol=1e-11)


def test_programs_without_scores_are_not_followed():
    def model():
        virgil.sample("x", dist.Normal(virgil.sample("z", dist.Normal(0.0, 1.0)), 1.0), obs=X_0)

    def guide():
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.0)), 1.0))

    X_0, elbo = torch.tensor(0.5), ELBO()
    assert elbo._structure(Call(model, guide, (), {})).dependences is None
