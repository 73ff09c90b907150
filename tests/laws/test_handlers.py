"""What holds for every handler: it leaves nothing behind, wraps as it enters, nests, and keeps to its thread."""

import threading

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.laws.handlers import HANDLERS, Doubling, program
from virgil import poutine
from virgil.poutine import Handler
from virgil.poutine.runtime import installed

every = pytest.mark.parametrize("make", HANDLERS.values(), ids=HANDLERS)


def test_the_table_has_every_handler():
    others = {"emit", "get_mask", "markov", "prune_subsample_sites", "queue", "site_is_subsample", "vectorized_markov"}
    assert {name for name in poutine.__all__ if name[0].islower()} - others <= set(HANDLERS)


@every
def test_leaving_puts_back_what_was_installed(make):
    handler = make()
    with Doubling() as outer:
        before = installed()
        with handler:
            assert installed() == (outer, handler)
            program()
        assert installed() is before or installed() == before
    assert installed() == ()


@every
def test_an_exception_leaves_nothing_behind(make):
    def failing():
        with virgil.plate("around", 2), make():
            for _ in virgil.plate("again", 2):
                virgil.sample("a", dist.Normal(0.0, 1.0))
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make()(failing)()
    assert installed() == ()


@every
def test_an_abandoned_generator_leaves_nothing_behind(make):
    def entering(handler):
        with handler:
            yield

    with Doubling():
        half_way = entering(make())
        next(half_way)
        assert len(installed()) == 2
    assert installed() == ()
    half_way.close()  # leaving late, when others may be installed, takes nothing of theirs away
    assert installed() == ()


@pytest.mark.parametrize("steps", [lambda: virgil.plate("steps", 3), lambda: virgil.markov(range(3))])
def test_a_loop_left_by_an_error_leaves_nothing_behind(steps):
    def failing():
        for step in steps():
            virgil.sample(f"a_{step}", dist.Normal(0.0, 1.0))
            raise ZeroDivisionError

    for left in (failing, Doubling()(failing)):
        with pytest.raises(ZeroDivisionError) as error:  # keeps the loop's generator alive, as a notebook does
            left()
        assert installed() == ()
        del error


@every
def test_one_instance_may_be_entered_inside_itself(make):
    handler = make()
    with handler:
        with handler:
            assert installed() == (handler, handler)
            program()
        assert installed() == (handler,)
    with handler:
        program()
    assert installed() == ()


@every
def test_wrapping_equals_entering(make):
    handler = make()
    virgil.set_rng_seed(3)
    wrapped = handler(program)(shift=0.25)
    virgil.set_rng_seed(3)
    with handler:
        entered = program(shift=0.25)
    assert torch.equal(wrapped, entered)


@every
def test_an_own_handler_nests_on_either_side(make):
    outside = poutine.trace(Doubling()(make()(program))).get_trace()
    inside = poutine.trace(make()(Doubling()(program))).get_trace()
    for trace in (outside, inside):
        assert torch.isfinite(trace.nodes["_RETURN"]["value"])


def test_the_innermost_sees_a_site_first_and_its_result_last():
    heard = []

    class Loud(Handler):
        def __init__(self, name):
            self.name = name

        def handle(self, site, outer):
            heard.append(f"{self.name} before")
            finished = outer(site)
            heard.append(f"{self.name} after")
            return finished

    with Loud("outer"), Loud("inner"):
        virgil.sample("a", dist.Normal(0.0, 1.0))
    assert heard == ["inner before", "outer before", "outer after", "inner after"]


def test_an_own_handler_changes_what_the_program_gets():
    def model():
        return virgil.sample("z", dist.Normal(0.0, 1.0))

    trace = poutine.trace(Doubling()(model)).get_trace()
    assert trace.nodes["_RETURN"]["value"] == 2 * trace.nodes["z"]["value"]
    inner = poutine.trace()
    with Doubling(), inner:
        value = model()
    assert inner.trace.nodes["z"]["value"] == value


def test_a_decorated_method_stays_a_method():
    class Model:
        offset = 10.0

        @poutine.condition(data={"z": torch.tensor(1.0)})
        def sample(self, more):
            """Documented."""
            return self.offset + more + virgil.sample("z", dist.Normal(0.0, 1.0))

    assert Model().sample(5.0) == 16.0
    assert Model.sample.__doc__ == "Documented."
    assert "condition" in repr(Model.sample)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(
        virgil.errors.ArgumentError, match=r"scale\(\) got 0\.5 as its program.*other arguments by name"
    ):
        poutine.scale(0.5, scale=2.0)


THREADS, ROUNDS = 8, 60


def _in_threads(work):
    barrier, wrong = threading.Barrier(THREADS), []

    def run(number):
        try:
            for turn in range(ROUNDS):
                barrier.wait()
                work(number, turn)
        except Exception as error:
            wrong.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def _own_model(number):
    def model():
        loc = virgil.param("loc", torch.tensor(float(number)))
        with virgil.plate(f"plate_{number}", number + 1):
            virgil.sample(f"z_{number}", dist.Normal(loc, 1.0))
        for slot in virgil.plate("rounds", number + 1):
            virgil.sample(f"w_{slot}", dist.Normal(0.0, 1.0))
        return loc

    return model


def test_threads_do_not_mix():
    models = [_own_model(number) for number in range(THREADS)]
    stores = [virgil.ParamStore() for _ in range(THREADS)]

    def work(number, turn):
        data = {f"z_{number}": torch.full((number + 1,), float(turn))}
        with stores[number], poutine.scale(scale=1.0 + number), poutine.condition(data=data):
            trace = poutine.trace(models[number]).get_trace()
        names = {f"plate_{number}", f"z_{number}", "loc", "rounds", *(f"w_{slot}" for slot in range(number + 1))}
        assert set(trace.nodes) == names | {"_INPUT", "_RETURN"}
        assert trace.nodes["_RETURN"]["value"] == number
        site = trace.nodes[f"z_{number}"]
        assert site["is_observed"] == (turn >= 0)
        assert torch.equal(site["value"], data[f"z_{number}"])
        assert site["scale"] == 1.0 + number
        assert [frame.name for frame in site["cond_indep_stack"]] == [f"plate_{number}"]
        assert installed() == ()

    _in_threads(work)


def test_one_traced_program_serves_many_threads():
    def model(number):
        return virgil.sample(f"z_{number}", dist.Delta(torch.tensor(float(number))))

    traced = poutine.trace(model)

    def work(number, turn):
        trace = traced.get_trace(number)
        assert set(trace.nodes) == {"_INPUT", f"z_{number}", "_RETURN"}
        assert trace.nodes["_RETURN"]["value"] == number

    _in_threads(work)
