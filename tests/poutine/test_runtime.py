"""Handlers of halves: what they are to ``handle``, in any number."""

import itertools
import math
from contextlib import ExitStack

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.poutine.runtime import Handler, Passage, states_nothing

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


class Halves(Handler):
    """States something on the way out and back, and hides, by halves or around the call."""

    takes_turns = True

    def __init__(self, label, hidden=()):
        self.label, self.hidden = label, hidden

    def before(self, site):
        if site.kind != "sample" or site.name.startswith("own"):
            return site
        virgil.sample(f"own_{self.label}_{site.name}_before", dist.Normal(0.0, 1.0))

        def back(finished):
            virgil.sample(f"own_{self.label}_{site.name}_back", dist.Normal(0.0, 1.0))
            return finished

        if site.name in self.hidden:
            return Passage(site.resolve(), back, True)
        return Passage(site, back)

    def after(self, site):
        if site.kind == "sample" and not site.name.startswith("own"):
            virgil.factor(f"own_{self.label}_{site.name}_after", torch.zeros(()))
        return site


class Whole(Halves):
    """The same as one function."""

    def handle(self, site, outer):
        return super().handle(site, outer)


@pytest.mark.parametrize("kinds", [*itertools.product([Halves, Whole], repeat=3)])
def test_halves_with_turns_are_those_of_a_function_around_the_call(kinds):
    """What they state meets those outside, in the plates of the site, and a hidden site meets nobody outside."""

    def run(kinds):
        outer, inner = poutine.trace(), poutine.trace()
        with ExitStack() as stack:
            for each in (outer, kinds[0]("first"), virgil.plate("a", 2), kinds[1]("second", ["y"])):
                stack.enter_context(each)
            for each in (poutine.scale(scale=2.0), kinds[2]("third"), inner, virgil.plate("b", 3)):
                stack.enter_context(each)
            virgil.sample("x", dist.Normal(0.0, 1.0))
            virgil.sample("y", dist.Normal(0.0, 1.0))
        return [
            [(name, [frame.name for frame in site.frames], site.scale) for name, site in each.trace.nodes.items()]
            for each in (outer, inner)
        ]

    assert run(kinds) == run((Whole,) * 3)
    (outside, inside) = run(kinds)
    frames = {name: plates for name, plates, _ in outside}
    assert frames["own_third_x_before"] == frames["own_third_x_back"] == ["a", "b"]
    assert "y" not in frames
    assert "own_second_y_back" in frames
    assert "own_first_y_before" not in frames
    assert [name for name, _, _ in inside] == ["x", "y"]


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
    "block": lambda: poutine.block(hide=["y"]),
    "lift": lambda: poutine.lift(prior={"y": dist.Normal(0.0, 1.0)}),
    "infer_config": lambda: poutine.infer_config(config_fn=lambda site: {"seen": True}),
    "escape": lambda: poutine.escape(escape_fn=lambda site: False),
    "messenger": poutine.Messenger,
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
