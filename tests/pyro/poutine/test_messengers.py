"""Each old messenger does what our handler does: alone, derived from, and among others in any order."""

import pytest
from pyro.poutine.scale_messenger import ScaleMessenger

import virgil
import virgil.distributions as dist
from tests.laws.comparing import assert_same, traced
from tests.laws.handlers import HANDLERS
from tests.pyro.poutine.programs import MESSENGERS, PROGRAMS
from virgil import poutine
from virgil.errors import VirgilError
from virgil.poutine.runtime import installed

each = pytest.mark.parametrize("name", MESSENGERS)


def outcome(*handlers, program):
    """The trace, or what an error says of a program that the handler makes no sense for."""
    try:
        return traced(*handlers, program=program)
    except VirgilError as error:
        return str(error).partition("\n")[0]


def assert_same_outcome(got, expected):
    if isinstance(expected, str):
        assert got == expected
    else:
        assert_same(got, expected)
    assert installed() == ()


def derived(messenger):
    """The messenger as one of a class that overrides every hook, and calls what it overrides."""
    heard = []

    class Derived(type(messenger)):
        def __enter__(self):
            heard.append("enter")
            return super().__enter__()

        def __exit__(self, *exc_info):
            return super().__exit__(*exc_info)

        def _process_message(self, msg):
            heard.append(msg["name"])
            super()._process_message(msg)

        def _postprocess_message(self, msg):
            super()._postprocess_message(msg)

    for hook in ("_pyro_sample", "_pyro_post_sample", "_pyro_param", "_pyro_post_param"):
        inherited = getattr(type(messenger), hook, None)
        if inherited is not None:
            setattr(Derived, hook, lambda self, msg, inherited=inherited: inherited(self, msg))
    messenger.__class__ = Derived
    return messenger, heard


@pytest.mark.parametrize("program", PROGRAMS)
@each
def test_alone(name, program):
    earlier = traced(program=PROGRAMS[program])
    assert_same_outcome(*(outcome(make(earlier), program=PROGRAMS[program]) for make in MESSENGERS[name]))


@pytest.mark.parametrize("program", PROGRAMS)
@each
def test_derived_from(name, program):
    earlier = traced(program=PROGRAMS[program])
    theirs, ours = MESSENGERS[name]
    messenger, heard = derived(theirs(earlier))
    assert_same_outcome(
        outcome(messenger, program=PROGRAMS[program]), outcome(ours(earlier), program=PROGRAMS[program])
    )
    assert heard[0] == "enter"
    assert len(heard) > 1


@pytest.mark.parametrize("other", HANDLERS)
@each
def test_among_ours_on_either_side(name, other):
    earlier, around, program = traced(), HANDLERS[other](), PROGRAMS["all statements"]
    for order in (1, -1):
        got, expected = (outcome(*[make(earlier), around][::order], program=program) for make in MESSENGERS[name])
        assert_same_outcome(got, expected)


@each
def test_enumeration_goes_through(name):
    """Both programs with enumerated variables, with the messenger inside and outside."""
    for program in (PROGRAMS["mixture"], PROGRAMS["chain"]):
        earlier, enum = traced(program=program), poutine.enum(first_available_dim=-3)
        for order in (1, -1):
            got, expected = (outcome(*[make(earlier), enum][::order], program=program) for make in MESSENGERS[name])
            assert_same_outcome(got, expected)


def test_wrapping_can_be_overridden():
    class Twice(ScaleMessenger):
        def __call__(self, fn):
            return super().__call__(lambda: (fn("a"), fn("b")))

    def draw(name):
        return virgil.sample(name, dist.Normal(0.0, 1.0))

    trace = poutine.trace(Twice(2.0)(draw)).get_trace()
    assert trace.stochastic_nodes == ["a", "b"]
    assert {trace.nodes[name]["scale"] for name in "ab"} == {2.0}


@each
def test_what_our_function_gives_is_an_instance_of_the_class(name):
    earlier = traced()
    theirs, ours = (make(earlier) for make in MESSENGERS[name])
    kind = type(theirs)
    assert isinstance(ours, kind)
    assert issubclass(type(ours), kind)
    others = {type(make(earlier)) for make, _ in MESSENGERS.values()} - {kind}
    assert not any(isinstance(ours, other) for other in others)

    class Derived(kind):
        pass

    assert not isinstance(ours, Derived)
