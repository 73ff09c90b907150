"""Statements that a handler makes: what is installed meanwhile, and after an error, a generator or another thread."""

import threading

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import PlateError
from virgil.poutine import Handler, Messenger
from virgil.poutine.condition import Condition
from virgil.poutine.mask import Mask
from virgil.poutine.plate import PlateContext, active_frames
from virgil.poutine.runtime import effectful, installed
from virgil.poutine.scale import Scale
from virgil.poutine.substitute import Substitute

NORMAL = dist.Normal(0.0, 1.0)


class At(Handler):
    """Calls a function at the site of a name, before it goes outward or after it came back."""

    def __init__(self, name, do, after=False):
        self.name, self.do, self.after = name, do, after

    def handle(self, site, outer):
        if site.name == self.name and not self.after:
            self.do()
        site = outer(site)
        if site.name == self.name and self.after:
            self.do()
        return site


class Keeping(Handler):
    """Keeps the names of the sites that it meets."""

    def __init__(self):
        self.names = []

    def handle(self, site, outer):
        self.names.append(site.name)
        return outer(site)


def stating(*names):
    def state():
        for name in names:
            virgil.sample(name, NORMAL)

    return state


@pytest.mark.parametrize("after", [False, True])
def test_what_is_installed_while_a_handler_runs(after):
    seen = []
    outermost, outer, inner = Keeping(), Keeping(), Keeping()
    handler = At("x", lambda: seen.append(installed()), after)
    with outermost, virgil.plate("a", 2), outer, handler, inner, virgil.plate("b", 3), poutine.scale(scale=2.0):
        before = installed()
        virgil.sample("x", NORMAL)
        assert installed() == before
    (during,) = seen
    assert during[:3] == before[:3]
    assert not {handler, inner} & set(during)
    assert [each.frame.name for each in during if isinstance(each, PlateContext)] == ["a", "b"]


@pytest.mark.parametrize("after", [False, True])
def test_plates_on_both_sides_are_around_once(after):
    frames = []
    handler = At("x", lambda: frames.append(active_frames()), after)
    inner = virgil.plate("b", 3)(virgil.markov()(virgil.plate("c", 4)(lambda: virgil.sample("x", NORMAL))))
    with poutine.trace() as tracer, virgil.plate("a", 2), handler, At("x", stating("own"), after):
        inner()
    own, site = tracer.trace["own"], tracer.trace["x"]
    assert [frame.name for frame in own.frames] == ["a", "b", "c"]
    assert (own.frames, own.steps) == (site.frames, site.steps)
    assert own.value.shape == site.value.shape == (4, 3, 2)
    assert frames == [list(site.frames)]


def test_a_plate_entered_by_the_handler_is_the_innermost():
    def within():
        with virgil.plate("own", 5) as indices:
            assert len(indices) == 5
            virgil.sample("y", NORMAL)

    with poutine.trace() as tracer, At("x", within), virgil.plate("a", 2), virgil.markov() as chain:
        virgil.plate("b", 3)(lambda: virgil.sample("x", NORMAL))()
    own = tracer.trace["y"]
    assert [(frame.name, frame.dim) for frame in own.frames] == [("a", -1), ("b", -2), ("own", -3)]
    assert [step.chain for step in own.steps] == [chain]
    assert [frame.name for frame in tracer.trace["own"].frames] == ["a", "b"]
    assert [frame.name for frame in tracer.trace["x"].frames] == ["a", "b"]


def test_a_plate_of_the_site_cannot_be_entered_again():
    def within():
        with virgil.plate("b", 3):
            pass

    with At("x", within), virgil.plate("b", 3), pytest.raises(PlateError, match="'b' is entered inside itself"):
        virgil.sample("x", NORMAL)


def test_data_is_cut_by_the_plates_of_the_site():
    whole = torch.arange(10.0)
    got = []

    def within():
        got.append(virgil.subsample(whole, event_dim=0))
        got.append(virgil.param("p", whole.clone(), event_dim=0))

    with At("x", within), virgil.plate("rows", 10, subsample=[1, 7]):
        virgil.sample("x", NORMAL)
    assert [each.tolist() for each in got] == [[1.0, 7.0], [1.0, 7.0]]


def test_frames_and_scale_that_a_hook_puts_on_are_those_of_the_statement():
    frame = poutine.Frame("hooked", -1, 3, 6)

    class Framing(Messenger):
        def _pyro_sample(self, msg):
            msg["cond_indep_stack"] = (frame, *msg["cond_indep_stack"])
            msg["scale"] = 0.5 * msg["scale"]
            msg["mask"] = torch.tensor([True, False, True])

    with poutine.trace() as tracer, At("x", stating("own")), Framing(), virgil.plate("b", 2, dim=-2):
        virgil.sample("x", NORMAL)
    own, site = tracer.trace["own"], tracer.trace["x"]
    assert own.frames == site.frames == (frame, site.frames[1])
    assert own["scale"] == site["scale"]
    assert torch.equal(own.mask, site.mask)
    assert own.value.shape == (2, 3)


def test_what_is_no_sample_statement_has_no_scale():
    with poutine.trace() as tracer, At("x", lambda: virgil.param("p", torch.tensor(1.0))), poutine.scale(scale=0.5):
        virgil.sample("x", NORMAL)
    assert tracer.trace["p"].scale == 1.0


def test_a_whole_program_runs_in_a_handler():
    traces = []

    def other():
        with virgil.plate("own", 2):
            return virgil.sample("y", NORMAL)

    program = poutine.condition(other, data={"y": torch.ones(2, 1)})
    handler = At("x", lambda: traces.append(poutine.trace(program).get_trace()))
    keeping, inside = Keeping(), Keeping()
    with keeping, handler, inside, virgil.plate("b", 1), poutine.scale(scale=0.5):
        virgil.sample("x", NORMAL)
    (trace,) = traces
    assert list(trace) == ["_INPUT", "own", "y", "_RETURN"]
    assert trace["y"].observed
    assert trace.log_prob_sum() == 0.5 * NORMAL.log_prob(torch.tensor(1.0)) * 2
    assert keeping.names == ["b", "own", "y", "x"]
    assert inside.names == ["b", "x"]


def test_enumerated_variables_in_sight_are_those_of_the_site():
    def model():
        virgil.sample("z", dist.Categorical(torch.ones(3)), infer={"enumerate": "parallel"})
        virgil.sample("x", NORMAL)

    with poutine.trace() as tracer, At("x", stating("own")):
        poutine.enum(model, first_available_dim=-1)()
    assert tracer.trace["own"].variables == tracer.trace["x"].variables == {-1: "z"}


def test_an_error_in_a_statement_of_a_handler_leaves_what_was_installed():
    def failing():
        with virgil.plate("own", 2):
            raise ZeroDivisionError

    keeping = Keeping()
    with keeping, At("x", failing), At("y", stating("own")), virgil.plate("b", 3) as _:
        before = installed()
        with pytest.raises(ZeroDivisionError):
            virgil.sample("x", NORMAL)
        assert installed() == before
        virgil.sample("y", NORMAL)
        assert installed() == before
    assert installed() == ()
    assert keeping.names[-2:] == ["own", "y"]


def test_blocks_that_a_handler_leaves_open_end_with_its_turn():
    handler = At("x", lambda: virgil.plate("own", 2).__enter__())
    with handler:
        virgil.sample("x", NORMAL)
        assert installed() == (handler,)
        assert virgil.sample("y", NORMAL).shape == ()


def test_a_generator_of_the_program_that_is_closed_in_a_turn_leaves_nothing_behind():
    def steps():
        for _ in virgil.markov(range(3)):
            with virgil.plate("rows", 2):
                yield

    half_way = steps()
    handler = At("x", lambda: (virgil.sample("own", NORMAL), half_way.close()))
    silent = At("x", lambda: None)
    with silent, handler:
        next(half_way)
        assert len(installed()) == 4
        assert virgil.sample("x", NORMAL).shape == (2,)
        assert installed() == (silent, handler)
        assert virgil.sample("y", NORMAL).shape == ()


def test_a_generator_that_a_handler_begins_leaves_nothing_behind():
    def steps():
        for _ in virgil.markov(range(3)):
            yield virgil.sample(f"own_{len(installed())}", NORMAL)

    half_way = steps()
    handler = At("x", lambda: next(half_way))
    with poutine.trace() as tracer, handler:
        virgil.sample("x", NORMAL)
        assert len(installed()) == 2
        virgil.sample("y", NORMAL)
        half_way.close()
        assert len(installed()) == 2
    assert not tracer.trace["y"].steps


def test_a_statement_whose_default_makes_statements_is_the_programs():
    @effectful(type="simulate")
    def simulate():
        return virgil.sample("inside", NORMAL)

    class Hiding(Handler):
        def handle(self, site, outer):
            return site.resolve() if site.kind == "simulate" else outer(site)

    for handler in (Handler(), At("never", None), Messenger(), Hiding(), poutine.block(hide_types=["simulate"])):
        outer, inner = Keeping(), Keeping()
        with outer, handler, inner:
            simulate()
        assert inner.names == ["simulate", "inside"]
        assert outer.names[-1:] == ["inside"]


def test_a_continuation_states_for_the_handlers_outside_its_author():
    class Later(Messenger):
        def _pyro_sample(self, msg):
            if msg["name"] == "x":
                msg["continuation"] = lambda msg: virgil.sample("own", NORMAL)

    outer, inner = Keeping(), Keeping()
    with outer, Later(), inner, Messenger(), virgil.plate("b", 2):
        virgil.sample("x", NORMAL)
    assert outer.names == ["b", "x", "own"]
    assert inner.names == ["b", "x"]


@pytest.mark.parametrize(("base", "argument"), [(Condition, {}), (Scale, 2.0), (Mask, True), (Substitute, {})])
def test_a_subclass_that_states_something_does_not_meet_itself(base, argument):
    """Handlers of the language that state nothing are marked so, and a method of a subclass is not."""

    class Subclass(base):
        def handle(self, site, outer):
            virgil.factor(f"{site.name}_own", 0.0)
            return super().handle(site, outer)

    keeping = Keeping()
    with keeping, Subclass(argument):
        virgil.sample("x", NORMAL)
    assert keeping.names == ["x_own", "x"]


THREADS, ROUNDS = 8, 40


def test_threads_do_not_mix():
    wrong = []

    def work(number):
        def own():
            with virgil.plate(f"own_{number}", 2):
                virgil.sample(f"y_{number}", NORMAL)

        def model():
            with virgil.plate(f"plate_{number}", 3):
                virgil.sample("x", NORMAL)

        try:
            for _ in range(ROUNDS):
                barrier.wait()
                trace = poutine.trace(shared(At("x", own)(model))).get_trace()
                plates = [f"plate_{number}", f"own_{number}"]
                if set(trace) != {"_INPUT", "_RETURN", "x", "shared", f"y_{number}", *plates} or installed():
                    wrong.append(list(trace))
                if [frame.name for frame in trace[f"y_{number}"].frames] != plates:
                    wrong.append(trace[f"y_{number}"].frames)
        except Exception as error:
            wrong.append(error)
            barrier.abort()

    barrier = threading.Barrier(THREADS)
    shared = At("x", stating("shared"))
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_handler_may_pass_a_site_on_in_another_thread():
    class Elsewhere(Handler):
        def handle(self, site, outer):
            finished = []
            thread = threading.Thread(target=lambda: finished.append(outer(site)))
            thread.start()
            thread.join()
            return finished[0]

    with poutine.trace() as tracer, At("x", stating("own")), Elsewhere(), virgil.plate("b", 2):
        before = installed()
        assert virgil.sample("x", NORMAL).shape == (2,)
        assert installed() == before
    assert list(tracer.trace) == ["b", "own", "x"]
