"""Handlers of halves: what they are to ``handle``, in any number."""

import math
from contextlib import ExitStack

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.poutine.runtime import Handler, states_nothing

DEEP = 2_000


def model():
    with virgil.plate("slots", 2):
        return virgil.sample("x", dist.Normal(torch.tensor([0.0, 1.0]), 1.0))


class Noting(Handler):
    """Notes each half with the value that the site has then."""

    def __init__(self, label, notes):
        self.label, self.notes = label, notes

    def before(self, site):
        self.notes.append((self.label, "before", site.name, site.value is None))
        return site

    def after(self, site):
        self.notes.append((self.label, "after", site.name, site.value is None))
        return site


class Around(Noting):
    """The same by one function."""

    @states_nothing
    def handle(self, site, outer):
        return self.after(outer(self.before(site)))


class Stating(Around):
    """The same by one function that may make statements."""

    def handle(self, site, outer):
        return self.after(outer(self.before(site)))


@pytest.mark.parametrize("kinds", [(Noting,) * 3, (Around,) * 3, (Noting, Around, Noting), (Noting, Stating, Noting)])
def test_halves_are_those_of_a_function_around_the_call(kinds):
    notes = []
    with ExitStack() as stack:
        for label, kind in enumerate(kinds):
            stack.enter_context(kind(label, notes))
        virgil.sample("x", dist.Normal(0.0, 1.0))
    way = [(label, "before", "x", True) for label in (2, 1, 0)]
    assert notes == way + [(label, "after", "x", False) for label in (0, 1, 2)]


def test_a_handle_of_ones_own_stands_in_the_place_of_inherited_halves():
    class Silenced(Noting):
        def handle(self, site, outer):
            return outer(site)

    notes = []
    with Silenced("inner", notes):
        assert model().shape == (2,)
    assert notes == []


VALUE = torch.tensor([0.5, -1.0])
NESTED = {
    "scale": lambda: poutine.scale(scale=1.0001),
    "mask": lambda: poutine.mask(mask=torch.tensor([True, False])),
    "condition": lambda: poutine.condition(data={"y": VALUE}),
    "uncondition": poutine.uncondition,
    "do": lambda: poutine.do(data={"y": VALUE}),
    "replay": lambda: poutine.replay(trace=poutine.trace(model).get_trace()),
    "trace": poutine.trace,
    "substitute": lambda: poutine.substitute(data={}),
    "seed": lambda: poutine.seed(rng_seed=0),
    "nothing": Handler,
}


@pytest.mark.parametrize("name", NESTED)
def test_thousands_lie_inside_each_other(name):
    handler = NESTED[name]()  # an instance may be entered any number of times
    with poutine.trace() as tracer, ExitStack() as stack:
        for _ in range(DEEP):
            stack.enter_context(handler)
        with poutine.condition(data={"x": VALUE}):
            model()
    site = tracer.trace.nodes["x"]
    density = -((VALUE - torch.tensor([0.0, 1.0])) ** 2) / 2 - math.log(2 * math.pi) / 2
    factor = {"scale": 1.0001**DEEP, "mask": torch.tensor([1.0, 0.0])}.get(name, 1.0)
    if name != "uncondition":  # which has the value drawn anew
        torch.testing.assert_close(site.log_prob, density * factor, rtol=1e-4, atol=1e-6)
    assert site.observed == (name != "uncondition")
    assert poutine.runtime.installed() == ()
