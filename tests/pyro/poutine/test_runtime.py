"""The protocol of messages by hand: the list of installed messengers, ``effectful``, ``apply_stack`` and questions."""

import threading

import pyro
import pytest
import torch
from pyro import poutine
from pyro.poutine.handlers import _make_handler
from pyro.poutine.messenger import Messenger, block_messengers, unwrap
from pyro.poutine.plate_messenger import PlateMessenger, block_plate
from pyro.poutine.runtime import (
    _PYRO_STACK,
    NonlocalExit,
    am_i_wrapped,
    apply_stack,
    default_process_message,
    effectful,
    get_plates,
)
from pyro.poutine.scale_messenger import ScaleMessenger

import virgil.distributions as dist
from virgil.errors import ArgumentError, PlateError
from virgil.poutine.runtime import Handler, installed


class Named(Messenger):
    """Writes into a list what it hears."""

    def __init__(self, name, heard=None):
        self.name, self.heard = name, [] if heard is None else heard

    def _pyro_sample(self, msg):
        self.heard.append(self.name)

    def _reset(self):
        self.heard.append(f"{self.name} reset")

    def __repr__(self):
        return self.name


class Turning(Handler):
    """Has a turn with each statement."""

    def handle(self, site, outer):
        return outer(site)


def draw(name="a"):
    return pyro.sample(name, dist.Normal(0.0, 1.0))


def test_the_list_is_of_what_is_installed():
    a, b, c = Named("a"), Named("b"), Named("c")
    assert list(_PYRO_STACK) == []
    assert not am_i_wrapped()
    with a, b, c:
        assert am_i_wrapped()
        assert (len(_PYRO_STACK), _PYRO_STACK[0], _PYRO_STACK[-1], _PYRO_STACK[1:]) == (3, a, c, [b, c])
        assert b in _PYRO_STACK
        assert Named("d") not in _PYRO_STACK
        assert _PYRO_STACK.index(c) == 2
        assert [a, b, c] == _PYRO_STACK == _PYRO_STACK.copy()
        assert list(reversed(_PYRO_STACK)) == [c, b, a]
        assert repr(_PYRO_STACK) == "[a, b, c]"
    assert len(_PYRO_STACK) == 0


def heard_in(change):
    """Who hears a statement after a change of the list [a, b], innermost first, with a third one at hand."""
    heard = []
    a, b, c = (Named(name, heard) for name in "abc")
    with a, b:
        change(_PYRO_STACK, a, b, c)
        draw()
    _PYRO_STACK.clear()  # nobody leaves what was put in
    assert installed() == ()
    return "".join(heard)


CHANGES = {
    "nothing": (lambda stack, a, b, c: None, "ba"),
    "insert outside": (lambda stack, a, b, c: stack.insert(0, c), "bac"),
    "insert between": (lambda stack, a, b, c: stack.insert(1, c), "bca"),
    "insert before the last": (lambda stack, a, b, c: stack.insert(-1, c), "bca"),
    "append": (lambda stack, a, b, c: stack.append(c), "cba"),
    "extend": (lambda stack, a, b, c: stack.extend([c, a]), "acba"),
    "pop": (lambda stack, a, b, c: stack.pop(), "a"),
    "pop the first": (lambda stack, a, b, c: stack.pop(0), "b"),
    "remove": (lambda stack, a, b, c: stack.remove(b), "a"),
    "set": (lambda stack, a, b, c: stack.__setitem__(0, c), "bc"),
    "set a slice": (lambda stack, a, b, c: stack.__setitem__(slice(0, 1), [c, a]), "bac"),
    "delete a slice": (lambda stack, a, b, c: stack.__delitem__(slice(1, None)), "a"),
    "clear": (lambda stack, a, b, c: stack.clear(), ""),
    "reverse": (lambda stack, a, b, c: stack.reverse(), "ab"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_count_from_the_next_statement_on(change):
    changing, expected = CHANGES[change]
    assert heard_in(changing) == expected


def test_mistakes_in_the_list_are_named():
    with Named("a"):
        with pytest.raises(ArgumentError, match="_PYRO_STACK got 3, which is no messenger"):
            _PYRO_STACK.append(3)
        with pytest.raises(IndexError):
            _PYRO_STACK.pop(7)


def test_each_thread_has_a_list_of_its_own():
    seen = []
    with Named("a"):
        thread = threading.Thread(target=lambda: seen.append(list(_PYRO_STACK)))
        thread.start()
        thread.join()
        assert len(_PYRO_STACK) == 1
    assert seen == [[]]


def test_a_plate_is_moved_outside_of_a_messenger():
    """A plate that is put in another place still gives its dim to statements, and is left as it was entered."""
    plate, heard = pyro.plate("data", 3), []

    class Looking(Messenger):
        def _pyro_sample(self, msg):
            heard.append([frame.name for frame in msg["cond_indep_stack"]])

    looking = Looking()
    with looking:
        plate.__enter__()
        assert isinstance(_PYRO_STACK[-1], PlateMessenger)
        moved = _PYRO_STACK.pop(_PYRO_STACK.index(plate))
        assert moved is plate
        assert draw("a").shape == ()
        _PYRO_STACK.insert(_PYRO_STACK.index(looking), plate)
        assert draw("b").shape == (3,)
        plate.__exit__(None, None, None)
    assert heard == [[], []]


def test_a_messenger_installs_another_one_while_it_treats_a_statement():
    """As libraries do that open a plate when they first need one: it stands where it is put, from then on."""
    heard = []

    class Opening(Messenger):
        def __init__(self):
            self.opened = []

        def _pyro_sample(self, msg):
            assert self in _PYRO_STACK
            if not self.opened:
                self.opened.append(Named("opened", heard))
                self.opened[0].__enter__()
                _PYRO_STACK.insert(_PYRO_STACK.index(self) + 1, _PYRO_STACK.pop())

        def __exit__(self, *exc_info):
            for each in self.opened:
                each.__exit__(*exc_info)
            super().__exit__(*exc_info)

    opening, inner, outer = Opening(), Named("inner", heard), Named("outer", heard)
    with outer, opening, inner:
        draw("a")
        assert [outer, opening, *opening.opened, inner] == _PYRO_STACK
        draw("b")
    assert heard == ["inner", "outer", "inner", "opened", "outer"]
    assert installed() == ()


@pytest.mark.parametrize("around", [poutine.trace, Turning], ids=["messenger", "turn"])
def test_an_effect_installs_a_messenger_that_stays(around):
    """As libraries do whose effect opens a plate by another one: both have returned by the next statement."""
    heard = []

    class Opening(Messenger):
        def __init__(self):
            self.opened = []

        def _pyro_open(self, msg):
            self.opened.append(Named("opened", heard))
            self.opened[0].__enter__()
            _PYRO_STACK.insert(_PYRO_STACK.index(self) + 1, _PYRO_STACK.pop())

        def __exit__(self, *exc_info):
            for each in self.opened:
                each.__exit__(*exc_info)
            super().__exit__(*exc_info)

    open_one = effectful(lambda: None, type="open")
    need_one = effectful(lambda: open_one(), type="need")
    opening, inner = Opening(), Named("inner", heard)
    with around(), opening, inner:
        need_one()
        assert _PYRO_STACK[1:] == [opening, *opening.opened, inner]
        draw("b")
    assert heard == ["inner", "opened"]
    assert installed() == ()


def test_matching_messengers_are_passed_by():
    heard = []
    a, b = Named("a", heard), Named("b", heard)
    with a, b, poutine.scale(scale=2.0):
        with block_messengers(lambda messenger: isinstance(messenger, ScaleMessenger) or messenger is a) as blocked:
            assert (len(blocked), blocked[0]) == (2, a)
            assert len(_PYRO_STACK) == 1
            draw()
        assert len(_PYRO_STACK) == 3
    assert heard == ["b"]


def test_one_plate_is_left_out():
    with poutine.trace() as tracer, pyro.plate("rows", 4, dim=-2), pyro.plate("columns", 3, dim=-1):
        assert [frame.name for frame in get_plates()] == ["rows", "columns"]
        with block_plate("columns"):
            assert draw("a").shape == (4, 1)
        with block_plate(dim=-2):
            assert draw("b").shape == (3,)
        with block_plate("none", strict=False):
            assert draw("c").shape == (4, 3)
        with pytest.raises(PlateError, match="no plate with name 'none'; around it are: 'rows', 'columns'"):
            block_plate("none").__enter__()
    assert [frame.name for frame in tracer.trace.nodes["a"]["cond_indep_stack"]] == ["rows"]
    for arguments in ({}, {"name": "rows", "dim": -1}):
        with pytest.raises(ArgumentError, match="exactly one"):
            block_plate(**arguments).__enter__()
    with pytest.raises(ArgumentError, match="negative"):
        block_plate(dim=1).__enter__()


# Statements of a program's own


@effectful(type="double")
def double(x, *, offset=0.0):
    return 2 * x + offset


class Tripling(Messenger):
    def _pyro_double(self, msg):
        assert msg["kwargs"].keys() <= {"offset"}
        msg["value"], msg["done"] = 3 * msg["args"][0], True

    def _pyro_post_double(self, msg):
        self.last = msg["name"], msg["infer"], msg["value"]


def test_a_function_becomes_a_statement():
    assert double(2.0, offset=1.0) == 5.0
    with Named("a"):
        assert double(2.0, offset=1.0) == 5.0
        assert double(2.0, obs=torch.tensor(9.0)) == 9.0
    with Tripling() as tripling:
        assert double(2.0) == 6.0
        assert tripling.last == (None, {}, 6.0)
        assert double(2.0, name="d", infer={"option": 1}) == 6.0
        assert tripling.last == ("d", {"option": 1}, 6.0)


def message(**changes):
    given = {"type": "sample", "name": "a", "fn": dist.Normal(0.0, 1.0), "args": (), "kwargs": {}, "value": None}
    given |= {"is_observed": False, "infer": {}, "scale": 1.0, "mask": None, "cond_indep_stack": ()}
    return {**given, "done": False, "stop": False, "continuation": None, **changes}


def test_a_message_by_hand_is_a_statement():
    called = []
    msg = message(continuation=called.append, note=3)
    with poutine.trace() as tracer, poutine.scale(scale=3.0), Named("a") as named, pyro.plate("data", 2):
        apply_stack(msg)
    assert msg["value"].shape == (2,)
    assert (msg["done"], msg["scale"], msg["note"], named.heard) == (True, 3.0, 3, ["a", "a"])
    assert called == [msg]
    assert torch.equal(tracer.trace.nodes["a"]["value"], msg["value"])
    assert tracer.trace.nodes["a"]["scale"] == 3.0
    plain = message(type="double", fn=lambda x: 2 * x, args=(4,))
    apply_stack(plain)
    assert (plain["value"], plain["done"]) == (8, True)
    with Tripling():
        apply_stack(plain := message(type="double", fn=lambda x: 2 * x, args=(4,)))
    assert plain["value"] == 12


def test_the_default_gives_a_value_once():
    msg = message(fn=lambda x, y: x + y, args=(1,), kwargs={"y": 2})
    default_process_message(msg)
    assert (msg["value"], msg["done"]) == (3, True)
    observed = message(value=torch.tensor(1.0), is_observed=True)
    default_process_message(observed)
    assert (observed["value"], observed["done"]) == (1.0, True)


def test_hooks_are_registered_and_taken_away():
    class Open(Messenger):
        pass

    heard = []

    @Open.register(type="double")
    def hook(self, msg):
        heard.append("out")

    Open.register(lambda self, msg: heard.append("back"), type="double", post=True)
    with Open():
        double(1.0)
    assert Open.unregister(hook, "double") is hook
    with Open():
        double(1.0)
    assert heard == ["out", "back"]
    with pytest.raises(ArgumentError, match="need type="):
        Open.register(hook)


def test_leaving_a_program_resets_what_is_installed():
    heard = []

    def model():
        draw("a")
        raise AssertionError("not reached")

    with Named("outer", heard), Named("inner", heard):
        with pytest.raises(NonlocalExit) as left:
            poutine.escape(model, escape_fn=lambda msg: msg["name"] == "a")()
        left.value.reset_stack()
    assert left.value.site["name"] == "a"
    assert left.value.site["value"].shape == ()
    assert heard == ["inner", "outer", "inner reset", "outer reset"]
    with pytest.raises(poutine.NonlocalExit):
        poutine.escape(model, escape_fn=lambda msg: True)()


def test_a_function_that_makes_a_messenger():
    @_make_handler(Named)
    def name_it(fn, name, heard):
        """Says a name."""

    heard = []
    assert (name_it.__name__, name_it.__doc__) == ("name_it", "Says a name.")
    name_it(draw, "a", heard)()
    with name_it(name="b", heard=heard):
        draw()
    assert heard == ["a", "b"]
    with pytest.raises(ArgumentError, match=r"name_it\(\) got 3 as its program"):
        name_it(3, "a", heard)


def test_programs_are_unwrapped():
    wrapped = poutine.trace(poutine.scale(poutine.reparam(draw, config={}), scale=2.0))
    assert unwrap(wrapped) is poutine.unwrap(wrapped) is draw
    assert unwrap(draw) is draw


@effectful(type="place")
def place(name=None):
    """The place of a name; -1 where nobody knows it."""
    return -1


@effectful(type="label")
def label(x, name=None):
    """A value with a label, which only a messenger has."""
    return x, None


class Places(Messenger):
    """Labels values by an effect that it treats itself; each new name installs a scale of two."""

    def __init__(self):
        super().__init__()
        self.places = {}

    def _pyro_place(self, msg):
        if msg["name"] not in self.places:
            self.places[msg["name"]] = len(self.places)
            stack = _PYRO_STACK
            stack.insert(stack.index(self) + 1, ScaleMessenger(scale=2.0))
        msg["value"], msg["done"], msg["stop"] = self.places[msg["name"]], True, True

    def _pyro_label(self, msg):
        msg["value"], msg["done"] = (msg["args"][0], place(name=msg["name"])), True

    def _pyro_post_sample(self, msg):
        msg["infer"]["place"] = place(name=msg["name"])


def test_a_hook_meets_the_other_hooks_of_its_messenger():
    with Places() as places:
        assert [label(3.0, name=name) for name in "aba"] == [(3.0, 0), (3.0, 1), (3.0, 0)]
    assert places.places == {"a": 0, "b": 1}
    assert place(name="a") == -1


def test_a_hook_on_the_way_back_meets_them_too_and_installs_messengers_for_the_next_statements():
    with pyro.poutine.trace() as tracer, Places():
        for name in "abc":
            pyro.sample(name, dist.Normal(0.0, 1.0))
        pyro.sample("c2", dist.Normal(0.0, 1.0), infer={"known": True})
    scales = [tracer.trace.nodes[name]["scale"] for name in ("a", "b", "c", "c2")]
    assert scales == [1.0, 2.0, 4.0, 8.0]
    assert [tracer.trace.nodes[name]["infer"]["place"] for name in ("a", "b", "c", "c2")] == [0, 1, 2, 3]


def test_without_messengers_an_effect_is_its_function():
    """As the documentation of effects says; what belongs to the statement is none of the function's arguments."""
    assert label(2.0, name="x", obs=3.0, infer={"a": 1}) == (2.0, None)
