"""What holds for every handler beside one that makes statements of its own: the rules in ``poutine/runtime.py``."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.laws.comparing import assert_same, statements, traced
from tests.laws.handlers import HANDLERS, HookedStating, Stating, program
from virgil import poutine
from virgil.poutine import Handler, Messenger

every = pytest.mark.parametrize("make", HANDLERS.values(), ids=HANDLERS)


def factor(name):
    virgil.factor(f"{name}_own", torch.tensor(-0.5))


def all_kinds(name):
    """Statements of every kind, without noise, beside ``z``."""
    if name == "z":
        loc = virgil.param("loc_own", torch.tensor(0.25))
        for slot in virgil.plate("rounds_own", 2):
            virgil.sample(f"w_{slot}_own", dist.Delta(loc + slot))
        virgil.subsample(torch.arange(3.0), event_dim=0)
        total = virgil.deterministic("total_own", loc + 1)
        virgil.sample("y_own", dist.Delta(total))
        factor(name)


class AllKinds(Handler):
    def handle(self, site, outer):
        all_kinds(site.name)
        return outer(site)


class HookedAllKinds(Messenger):
    def _pyro_sample(self, msg):
        all_kinds(msg["name"])


# makes the handler; what a program says before each sample statement to the same effect
STATING = {
    "a factor": (lambda: Stating("own"), factor),
    "a factor, by a hook": (lambda: HookedStating("own"), factor),
    "all kinds": (AllKinds, all_kinds),
    "all kinds, by a hook": (HookedAllKinds, all_kinds),
}
each_stating = pytest.mark.parametrize(("own", "before"), STATING.values(), ids=STATING)


@each_stating
@every
def test_a_handler_outside_meets_them_as_if_the_program_made_them(make, own, before):
    handler = make()
    assert_same(traced(own(), handler), traced(handler, program=lambda: program(before=before)))


@each_stating
@every
def test_a_handler_inside_does_not_meet_them(make, own, before):
    handler = make()
    alone, got = traced(handler), traced(handler, own())
    assert_same(got, alone, statements(alone))
    added = [name for name in statements(got) if name not in alone.nodes]
    if before is factor:
        assert added == [f"{name}_own" for name, site in alone.nodes.items() if site.kind == "sample"]
    else:
        assert bool(added) == ("z" in alone.nodes)
    places = {name: name.removesuffix("_own") if before is factor else "z" for name in added}
    for name, place in places.items():
        site, beside = got.nodes[name], alone.nodes[place]
        assert site.frames[: len(beside.frames)] == beside.frames
        assert (site.kind != "sample") or (site.scale, site.mask) == (beside.scale, beside.mask)
        assert not site.infer.keys() & {"seen", "enumerate", "was_observed"}


@each_stating
@every
def test_a_handler_entered_in_the_handling_meets_them(make, own, before):
    handler = make()

    def around(name):
        with handler:
            before(name)

    class Around(Handler):
        def handle(self, site, outer):
            if site.kind == "sample":
                around(site.name)
            return outer(site)

    assert_same(traced(Around()), traced(program=lambda: program(before=around)))


@pytest.mark.parametrize("own", [Stating, HookedStating])
def test_nested_handlers_meet_what_those_further_in_state(own):
    trace = poutine.trace(own("c")(own("b")(own("a")(lambda: virgil.factor("x", 0.0))))).get_trace()
    assert statements(trace) == ["x_a_b_c", "x_a_b", "x_a_c", "x_a", "x_b_c", "x_b", "x_c", "x"]


@pytest.mark.parametrize("own", [Stating, HookedStating])
def test_an_instance_entered_inside_itself_is_two_handlers(own):
    handler, heard = own(), []

    class Hearing(Handler):
        def handle(self, site, outer):
            heard.append(site.name)
            return outer(site)

    with Hearing(), handler, handler:
        virgil.factor("x", 0.0)
    assert heard == ["x_beside_beside", "x_beside", "x_beside", "x"]
