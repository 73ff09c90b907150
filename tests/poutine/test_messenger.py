"""A handler written as hooks that change a mapping does what ours does, alone and among others in any order."""

import threading
from contextlib import nullcontext

import pytest
import torch

import virgil
import virgil.distributions as dist
from tests.laws.comparing import assert_same, traced
from tests.laws.handlers import HANDLERS, program
from tests.poutine.messengers import PAIRS, Decentering, Hiding, Marking, Scaling
from virgil import poutine
from virgil.errors import ArgumentError, ShapeError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO
from virgil.infer.autoguide import AutoNormal
from virgil.poutine import NonlocalExit
from virgil.poutine.messenger import Messenger
from virgil.poutine.plate import SubsampleIndices
from virgil.poutine.runtime import effectful, installed
from virgil.poutine.subsample_sites import prune_subsample_sites, site_is_subsample

each_pair = pytest.mark.parametrize("name", PAIRS)
# ours refuses a value for what has one already, or follows from others, where a hook overwrites it
REFUSING = {"replaying": "replay() met", "conditioning": "condition() gives a value to "}


def outcome(*handlers):
    """The trace, or what an error says."""
    try:
        return traced(*handlers)
    except ArgumentError as error:
        return str(error)


def assert_same_outcome(got, expected):
    if isinstance(expected, str):
        assert got == expected
    else:
        assert_same(got, expected)


def refused(expected, *names):
    return isinstance(expected, str) and any(expected.startswith(REFUSING.get(name, "never")) for name in names)


@each_pair
def test_alone(name):
    earlier = traced()
    assert_same_outcome(*(outcome(make(earlier)) for make in PAIRS[name]))


@pytest.mark.parametrize("other", HANDLERS)
@each_pair
def test_among_ours_on_either_side(name, other):
    earlier, around = traced(), HANDLERS[other]()
    for order in (1, -1):
        got, expected = (outcome(*[make(earlier), around][::order]) for make in PAIRS[name])
        if not refused(expected, name):
            assert_same_outcome(got, expected)


@pytest.mark.parametrize("other", PAIRS)
@each_pair
def test_among_others_written_as_hooks(name, other):
    earlier = traced()
    got, expected = (
        outcome(make(earlier), around(earlier)) for make, around in zip(PAIRS[name], PAIRS[other], strict=True)
    )
    if not refused(expected, name, other):
        assert_same_outcome(got, expected)


class Hearing(Messenger):
    def __init__(self, name, heard):
        self.name, self.heard = name, heard

    def _process_message(self, msg):
        self.heard.append((self.name, msg["name"], msg["done"], msg["value"] is None))

    def _postprocess_message(self, msg):
        self.heard.append((f"{self.name} after", msg["name"], msg["done"], msg["value"] is None))


def test_hooks_are_called_outward_and_back():
    heard = []
    with Hearing("outer", heard), poutine.scale(scale=2.0), Hearing("inner", heard):
        virgil.sample("a", dist.Normal(0.0, 1.0))
    assert heard == [
        ("inner", "a", False, True),
        ("outer", "a", False, True),
        ("outer after", "a", True, False),
        ("inner after", "a", True, False),
    ]


def test_stop_hides_from_all_outside_and_from_nobody_inside():
    outside, inside = [], []
    with Hearing("outer", outside), poutine.trace() as tracer, Hiding(None), Hearing("inner", inside):
        virgil.sample("a", dist.Normal(0.0, 1.0))
    assert outside == []
    assert len(tracer.trace) == 0
    assert inside == [("inner", "a", False, True), ("inner after", "a", True, False)]


class Later(Messenger):
    """Skips the draw and gives the value on the way back."""

    def _pyro_sample(self, msg):
        msg["done"] = True

    def _pyro_post_sample(self, msg):
        msg["value"] = torch.tensor(7.0)


def test_done_skips_the_default():
    class Untouchable(dist.TorchDistribution):
        def sample(self, sample_shape=()):
            raise ZeroDivisionError

        def log_prob(self, value):
            return -value

    with pytest.raises(ZeroDivisionError):
        virgil.sample("a", Untouchable())
    outer, inner = [], poutine.trace()
    with Hearing("outer", outer), inner, Later():
        assert virgil.sample("a", Untouchable()) == 7.0
    assert outer == [("outer", "a", True, True), ("outer after", "a", True, True)]
    with poutine.trace() as tracer, inner, poutine.condition(data={"a": torch.tensor(7.0)}), Later():
        virgil.sample("a", Untouchable())
    assert tracer.trace.nodes["a"]["log_prob"] == -7.0


def test_keys_of_ones_own_reach_other_hooks_and_traces():
    class Noting(Messenger):
        def _pyro_sample(self, msg):
            msg["noted"] = (*msg.get("noted", ()), self.note)

        def __init__(self, note):
            self.note = note

    with poutine.trace() as tracer, Noting("outer"), poutine.mask(mask=True), Noting("inner"):
        virgil.sample("a", dist.Normal(0.0, 1.0))
    site = tracer.trace.nodes["a"]
    assert site["noted"] == site.get("noted") == ("inner", "outer")
    assert "noted" in site
    assert "noted" in list(site)


def test_a_trace_taken_inside_keeps_nothing_of_the_protocol():
    with Scaling(2.0), poutine.trace() as tracer, Scaling(3.0):
        virgil.sample("a", dist.Normal(0.0, 1.0))
    assert "done" not in tracer.trace.nodes["a"]
    with Scaling(2.0):
        trace = poutine.trace(lambda: virgil.sample("a", dist.Normal(0.0, 1.0))).get_trace()
    assert dict(trace.nodes["a"].extra) == {}


def test_a_distribution_seen_outside_a_plate_has_the_shape_of_the_plate():
    class Median(Messenger):
        def _pyro_sample(self, msg):
            if not site_is_subsample(msg):
                msg["value"] = msg["fn"].icdf(torch.full(msg["fn"].batch_shape, 0.5))

    def model():
        with virgil.plate("rows", 2, dim=-2), virgil.plate("columns", 3, dim=-1):
            return virgil.sample("a", dist.Normal(1.5, 1.0))

    assert torch.equal(Median()(model)(), torch.full((2, 3), 1.5))


def test_a_plate_too_narrow_is_named_as_without_a_messenger():
    def model():
        with virgil.plate("rows", 2):
            virgil.sample("a", dist.Normal(torch.zeros(3), 1.0))

    messages = []
    for handler in (poutine.scale(scale=1.0), Scaling(1.0)):
        with pytest.raises(ShapeError, match="plate 'rows' has size 2") as error:
            handler(model)()
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_the_scale_of_a_message_has_the_weights_of_plates():
    seen = {}

    class Weighing(Messenger):
        def _pyro_sample(self, msg):
            seen[msg["name"]] = msg["scale"]
            msg["scale"] = 3.0

    def model():
        with virgil.plate("rows", 10, subsample_size=2):
            virgil.sample("a", dist.Normal(0.0, 1.0), obs=torch.zeros(2))

    for around in (False, True):
        inner = poutine.trace(model) if around else poutine.trace(Weighing()(model))
        with Weighing() if around else poutine.scale(scale=1.0):
            site = inner.get_trace().nodes["a"]
        assert seen["a"] == 5.0
        assert site["scale"] == pytest.approx(3.0)
        torch.testing.assert_close(site["log_prob"], 3.0 * dist.Normal(0.0, 1.0).log_prob(torch.zeros(2)))


def test_the_log_probability_can_be_read_from_a_message():
    read = {}

    class Reading(Messenger):
        def _pyro_post_sample(self, msg):
            read.update({key: msg[key] for key in ("log_prob", "log_prob_sum", "unscaled_log_prob")})
            assert "log_prob" not in msg

    with poutine.trace() as tracer, Reading(), poutine.scale(scale=2.0):
        virgil.sample("a", dist.Normal(torch.zeros(3), 1.0).to_event(1))
    site = tracer.trace.nodes["a"]
    assert read == {key: site[key] for key in read}


def test_an_option_written_in_place_is_not_the_programs():
    options = {"mine": 1}

    def model():
        return virgil.sample("a", dist.Bernoulli(0.5), infer=options)

    trace = poutine.trace(Marking()(model)).get_trace()
    assert trace.nodes["a"]["infer"] == {"mine": 1, "enumerate": "parallel"}
    assert options == {"mine": 1}


def test_a_continuation_is_called_when_all_hooks_are_through():
    heard = []

    class Leaving(Messenger):
        def _pyro_sample(self, msg):
            def leave(msg):
                heard.append(("left", msg["name"], True, False))
                raise NonlocalExit(msg)

            msg["continuation"] = leave

    with pytest.raises(NonlocalExit) as error:  # noqa: SIM117
        with Leaving(), Hearing("inner", heard):
            virgil.sample("a", dist.Normal(0.0, 1.0))
    assert installed() == ()
    assert [name for name, *_ in heard] == ["inner", "inner after", "left"]
    assert error.value.site["name"] == "a"


def test_entering_and_leaving_can_be_extended():
    class Counting(Messenger):
        depth = 0

        def __enter__(self):
            self.depth += 1
            return super().__enter__()

        def __exit__(self, exc_type, exc_value, traceback):
            self.depth -= 1
            self.left_by = exc_type
            return super().__exit__(exc_type, exc_value, traceback)

    counting = Counting()
    with counting as entered:
        assert entered is counting
        assert counting(lambda: counting.depth)() == 2
    with pytest.raises(ZeroDivisionError), counting:
        raise ZeroDivisionError
    assert counting.left_by is ZeroDivisionError
    assert counting.depth == 0
    assert installed() == ()


def test_a_failing_hook_leaves_nothing_installed():
    class Failing(Messenger):
        def _pyro_post_sample(self, msg):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Scaling(2.0)(Failing()(program))()
    assert installed() == ()


def test_one_messenger_serves_many_threads():
    scaling, wrong = Scaling(2.0), []
    barrier = threading.Barrier(4)

    def model(number):
        with virgil.plate(f"plate_{number}", number + 1):
            return virgil.sample(f"z_{number}", dist.Normal(float(number), 1.0), obs=torch.zeros(number + 1))

    def work(number):
        for _ in range(50):
            barrier.wait()
            trace = poutine.trace(scaling(model)).get_trace(number)
            expected = 2.0 * dist.Normal(float(number), 1.0).log_prob(torch.zeros(number + 1))
            site = trace.nodes[f"z_{number}"]
            if set(trace.nodes) != {"_INPUT", f"plate_{number}", f"z_{number}", "_RETURN"}:
                wrong.append(list(trace.nodes))
            if not torch.equal(site["log_prob"], expected) or installed():
                wrong.append(site)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# Statements of a program's own


@effectful(type="simulate")
def simulate(start, steps=1):
    """Count on."""
    return start + steps


class Faster(Messenger):
    def _pyro_simulate(self, msg):
        msg["kwargs"] = {**msg["kwargs"], "steps": 10}

    def _pyro_post_simulate(self, msg):
        msg["value"] = -msg["value"]


def test_a_function_becomes_a_statement():
    assert simulate(1) == 2
    assert simulate.__doc__ == "Count on."
    heard = []
    with Hearing("outer", heard), Faster():
        assert simulate(1, steps=2) == -11
        assert simulate(1, name="here", obs=5) == -5
    assert [each[1] for each in heard] == ["simulate", "simulate", "here", "here"]
    with Hiding({"simulate"}), Faster():
        assert simulate(1) == -11
    assert len(poutine.trace(lambda: simulate(1)).get_trace()) == 2  # the arguments and the value that is returned


@pytest.mark.parametrize("kind", [None, 3, "sample", "param"])
def test_a_statement_needs_a_kind_of_its_own(kind):
    with pytest.raises(ArgumentError, match=r"effectful\(\) got type=.*string of your own choice"):
        effectful(lambda: 1, type=kind)


# Inference


def schools(y):
    mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
    with virgil.plate("J", 8, subsample_size=4):
        z = virgil.sample("z", dist.Normal(mu, 2.0))
        virgil.sample("y", dist.Normal(z, 10.0), obs=virgil.subsample(y, event_dim=0))


Y = torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
LEARNT = ["scaling", "scaling by a tensor", "tempering", "widening", "decentering", "nothing"]


@pytest.mark.long
@pytest.mark.parametrize("engine", ["eager", "xla"])
@pytest.mark.parametrize("name", LEARNT)
def test_a_fit_under_a_messenger_is_the_fit_under_ours(name, engine):
    losses = []
    for make in PAIRS[name]:
        virgil.clear_param_store()
        virgil.set_rng_seed(0)
        model = make(None)(schools)
        guide = AutoNormal(model)
        svi = SVI(model, guide, virgil.optim.Adam({"lr": 0.05}), Trace_ELBO())
        losses.append(svi.run(5, Y, engine=engine).losses)
    assert torch.equal(*losses)


class Annealing(Scaling):
    """What it multiplies by changes between runs."""


@pytest.mark.parametrize("around", [False, True])
def test_a_messenger_that_changes_is_seen_by_a_compiled_run(around):
    def run(engine):
        virgil.clear_param_store()
        virgil.set_rng_seed(0)
        annealing = Annealing(0.1)
        model = schools_without_draws if around else annealing(schools_without_draws)
        svi = SVI(model, lambda y: None, virgil.optim.SGD({"lr": 1e-3}), Trace_ELBO())
        losses = []
        for factor in (0.1, 1.0, 2.0):
            annealing.factor = factor
            with annealing if around else nullcontext():
                losses.append(svi.run(2, Y, engine=engine).losses)
        return torch.cat(losses)

    torch.testing.assert_close(run("xla"), run("eager"))


def schools_without_draws(y):
    mu = virgil.param("mu", torch.tensor(0.0))
    with virgil.plate("J", 8):
        virgil.sample("y", dist.Normal(mu, 10.0), obs=y)


def test_sites_that_a_messenger_marks_are_summed_out():
    def model():
        with virgil.plate("J", 8):
            on = virgil.sample("on", dist.Bernoulli(0.3))
            virgil.sample("y", dist.Normal(10.0 * on, 5.0), obs=Y)

    weights = torch.tensor([0.7, 0.3]).log()
    joint = weights + dist.Normal(torch.tensor([0.0, 10.0]), 5.0).log_prob(Y[:, None])
    loss = TraceEnum_ELBO().loss(Marking()(model), lambda: None)
    assert loss == pytest.approx(-joint.logsumexp(-1).sum().item(), rel=1e-6)


def test_subsample_sites_are_told_apart():
    seen = {}

    class Asking(Messenger):
        def _pyro_sample(self, msg):
            seen[msg["name"]] = site_is_subsample(msg)

    trace = poutine.trace(Asking()(schools)).get_trace(Y)
    assert seen == {"mu": False, "J": True, "z": False, "y": False}
    assert {name: site_is_subsample(site) for name, site in trace.nodes.items() if name in seen} == seen
    assert isinstance(trace.nodes["J"]["fn"], SubsampleIndices)
    pruned = prune_subsample_sites(trace)
    assert list(pruned.nodes) == ["_INPUT", "mu", "z", "y", "_RETURN"]
    assert "J" in trace
    assert torch.equal(pruned.log_prob_sum(), trace.log_prob_sum())


# What makes no sense


def writing(**changes):
    class Writing(Messenger):
        def _pyro_sample(self, msg):
            msg.update(changes)

    return Writing()


MISTAKES = {
    "fn": (writing(fn=3.0), r"fn=3\.0 in the message of a sample site; it must be a distribution"),
    "no value": (writing(is_observed=True), "is_observed=True without a value"),
    "mask": (writing(mask=torch.ones(3)), r"mask=<Tensor of shape .*None, a bool or a tensor of dtype torch\.bool"),
    "scale": (writing(scale="half"), "scale='half' .* a number or a tensor"),
    "infer": (writing(infer=None), "infer=None .* a dict"),
    "name": (writing(name=3), "name=3 .* a string"),
    "log_prob": (writing(log_prob=torch.zeros(())), "log_prob in the message. .*change fn, scale or mask"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake):
    messenger, message = MISTAKES[mistake]
    with pytest.raises(ArgumentError, match=f"^Writing, at site '?(a|3)'?, left {message}"), messenger:
        virgil.sample("a", dist.Normal(0.0, 1.0))
    assert installed() == ()


def test_a_key_that_is_not_there_is_named():
    class Asking(Messenger):
        def _pyro_sample(self, msg):
            assert msg.get("log_prob") is None
            return msg["log_prob"]  # there is no value yet

    with pytest.raises(KeyError, match="message of site 'a' has no 'log_prob'. It has: .*cond_indep_stack"), Asking():
        virgil.sample("a", dist.Normal(0.0, 1.0))


def test_decentering_changes_the_variables_and_not_the_law():
    """The value is the mean plus the scale times the standard normal variable that was drawn for it."""
    trace = poutine.trace(Decentering()(schools)).get_trace(Y)
    assert trace.stochastic_nodes == ["mu", "z_base"]
    mu, base = trace.nodes["mu"]["value"], trace.nodes["z_base"]["value"]
    torch.testing.assert_close(trace.nodes["z"]["value"], mu + 2.0 * base)
