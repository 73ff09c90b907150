"""What a callback changes holds from the next step on, whatever an engine has begun before the callback was called."""

from contextlib import contextmanager, suppress

import numpy as np
import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil.distributions import constraints
from virgil.engine.xla.run import XlaRunner
from virgil.infer import SVI, Trace_ELBO

EVERY, STEPS = 20, 121
FACTOR = 1.0


class Centred(nn.Module):
    """Takes away a running mean, which is a buffer."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.mean.mul_(0.9).add_(0.1 * x.mean())
        return x - self.mean


class Program:
    """A model that reads an argument, a tensor and a number that it holds, a network with buffers, a global.

    Args:
        is_ahead: whether the engine may begin calls.
    """

    def __init__(self, is_ahead):
        self.is_ahead = is_ahead
        self.memory = np.linspace(-1.0, 1.0, 6, dtype=np.float32)
        self.data = torch.from_numpy(self.memory)
        self.held = torch.linspace(0.0, 1.0, 6)
        self.shift, self.has_slope = 0.0, False
        self.net = Centred()
        self.optim = virgil.optim.Adam({"lr": 0.02})
        self.svi = SVI(self.model, self.guide, self.optim, Trace_ELBO(), params=virgil.ParamStore())
        self.seen = []
        with self.compiled():
            self.svi.run(2, self.data, engine="xla", progress=False)
        self.first = [each.detach().clone() for each in self.tensors]

    def model(self, data):
        virgil.module("net", self.net)
        spread = virgil.param("spread", torch.tensor(1.5), constraint=constraints.positive)
        slope = virgil.param("slope", torch.tensor(0.5)) if self.has_slope else 1.0
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        loc = FACTOR * z + slope * self.held + self.shift + self.net(data + self.held)
        with virgil.plate("data", len(data)):
            virgil.sample("y", dist.Normal(loc, spread), obs=data)

    def guide(self, data):
        virgil.sample("z", dist.Normal(virgil.param("loc", torch.tensor(0.1)), 0.5))

    @contextmanager
    def compiled(self, begin=XlaRunner._begin):
        """A block for runs whose stretches end at callbacks alone."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("virgil.engine.xla.run._SHORT", 2**22 if self.is_ahead else 0)
            patched.setattr("virgil.infer.run.loop._SECONDS", 1e6)
            patched.setattr(XlaRunner, "_begin", begin)
            yield

    @property
    def captures(self):
        return self.svi.session.compiled("xla").captures

    @property
    def leaf(self):
        return self.svi.params.unconstrained("loc")

    @property
    def tensors(self):
        memory = self.optim.torch_optimizer.state_dict()["state"].values()
        leaves = [self.svi.params.unconstrained(name) for name in self.svi.params]
        remembered = [each for own in memory for each in own.values()]
        return [self.data, self.held, *self.net.buffers(), *leaves, *remembered]

    def begin_anew(self):
        """Go back to where it began, in the same tensors."""
        for tensor, value in zip(self.tensors, self.first, strict=True):
            tensor.data.copy_(value)
        self.optim.torch_optimizer.param_groups[0]["lr"] = 0.02

    def run(self, callback, steps=STEPS):
        """The losses of a run; the callback gets the program and the steps done."""
        fit = self.svi.run(
            steps, self.data, engine="xla", progress=False, callback_every=EVERY,
            callback=lambda done, loss: self.seen.append(callback(self, done)),
        )  # fmt: skip
        return fit.losses.tolist()

    def state(self):
        """All that a run leaves behind."""
        return [each.tolist() for each in self.tensors]


def set_factor(value):
    globals().update(FACTOR=value)


def written_and_put_back(tensor):
    before = tensor.clone()
    tensor.data.fill_(torch.nan)
    tensor.data.copy_(before)


def eager_steps(program):
    for _ in range(2):
        program.svi.step(program.data)


def a_run_that_is_ended(program):
    with suppress(ZeroDivisionError):
        program.run(at(80, lambda program: 1 / 0))


def put(program, value):
    program.svi.params["spread"] = torch.tensor(value)


def loaded(program):
    program.optim.set_state(program.optim.get_state())
    put(program, 0.7)


NO_EFFECT = {
    "nothing": lambda program: None,
    "a look at the parameters": lambda program: program.state(),
    "a seed": lambda program: virgil.set_rng_seed(7),
    "validation": lambda program: virgil.settings.set(validate=False),
    "an argument written and put back": lambda program: written_and_put_back(program.data),
    "a tensor of the model written and put back": lambda program: written_and_put_back(program.held),
    "a parameter written and put back": lambda program: written_and_put_back(program.leaf),
}
CHANGES = {
    "a parameter": lambda program: put(program, 0.7),
    "a parameter through .data": lambda program: program.leaf.data.add_(0.5),
    "a buffer": lambda program: program.net.mean.fill_(3.0),
    "a look at the loss, which the buffer notes": lambda program: program.svi.evaluate_loss(program.data),
    "evaluation mode": lambda program: program.net.eval(),
    "a rate": lambda program: program.optim.torch_optimizer.param_groups[0].update(lr=0.2),
    "an option of the optimiser": lambda program: program.optim.torch_optimizer.param_groups[0].update(maximize=True),
    "the memory of the optimiser": loaded,
    "an argument": lambda program: program.data.add_(1.0),
    "an argument through .data": lambda program: program.data.data.add_(1.0),
    "an argument through NumPy": lambda program: np.add(program.memory, 1.0, out=program.memory),
    "a tensor of the model": lambda program: program.held.add_(1.0),
    "a tensor of the model through .data": lambda program: program.held.data.add_(1.0),
    "a number of the model": lambda program: setattr(program, "shift", program.shift + 1.0),
    "a global": lambda program: set_factor(2.0),
    "a parameter more": lambda program: setattr(program, "has_slope", True),
    "the guide": lambda program: setattr(program.svi, "guide", lambda data: virgil.sample("z", dist.Normal(2.0, 0.5))),
    "eager steps": eager_steps,
    "steps of a run": lambda program: program.run(lambda program, done: None, 30),
    "steps of a run that is ended": a_run_that_is_ended,
}


PROGRAMS = {}  # by whether they are ahead; one that has been captured more than once is used no more


def program_of(is_ahead):
    program = PROGRAMS.get(is_ahead)
    if program is None or program.captures > 1:
        virgil.set_rng_seed(0)
        program = PROGRAMS[is_ahead] = Program(is_ahead)
    program.begin_anew()
    return program


def outcome(callback, is_ahead):
    """Losses of a run and of one after it, what they leave behind, and the first steps of the calls of the first run.

    Those that were begun before each callback come before those of the whole run.
    """
    program = program_of(is_ahead)
    begun, known = [], []
    begin = XlaRunner._begin

    def noted(runner, call):
        begun.append(call.first)
        return begin(runner, call)

    def called(program, done):
        known.append(list(begun))
        callback(program, done)

    with program.compiled(noted):
        virgil.set_rng_seed(1)
        losses = program.run(called)
        known.append(list(begun))
        virgil.set_rng_seed(2)
        losses += program.run(lambda program, done: None, 45)
    return losses, program.state(), known


def at(step, change):
    return lambda program, done: change(program) if done == step else None


@pytest.fixture(autouse=True)
def as_before():
    yield
    set_factor(1.0)
    virgil.settings.set(validate=True)


@pytest.fixture(scope="module")
def undisturbed():
    return outcome(lambda program, done: None, False)


@pytest.mark.parametrize("name", NO_EFFECT)
def test_what_changes_nothing_leaves_a_run_as_it_is(name, undisturbed):
    losses, state, known = outcome(at(80, NO_EFFECT[name]), True)
    assert 80 in known[3]  # the call of steps 80 to 99, before the callback at 80
    assert losses == undisturbed[0]
    assert state == undisturbed[1]


QUICK = {"a parameter", "an argument", "a global", "a number of the model", "the memory of the optimiser"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in CHANGES]
)
def test_what_changes_something_holds_from_the_next_step_on(name, undisturbed):
    losses, state, known = outcome(at(80, CHANGES[name]), True)
    assert 80 in known[3]
    set_factor(1.0)
    expected = outcome(at(80, CHANGES[name]), False)
    assert 80 not in expected[2][3]
    assert losses == expected[0]
    assert state == expected[1]
    assert losses[:80] == undisturbed[0][:80]
    assert losses[80:] != undisturbed[0][80:]


def test_no_step_is_begun_in_vain_where_nothing_changes(undisturbed):
    calls = outcome(lambda program, done: None, True)[2][-1]
    assert calls == [0, 1, 20, 40, 60, 80, 100, 120]
    assert calls == undisturbed[2][-1]


def test_calls_are_not_begun_while_a_callback_changes_something_each_time(undisturbed):
    assert outcome(lambda program, done: put(program, 0.7), True)[2] == undisturbed[2]


def test_a_run_that_a_callback_ends_is_followed_by_one_that_goes_on():
    states = []
    for is_ahead in (True, False):
        program = program_of(is_ahead)
        with program.compiled():
            virgil.set_rng_seed(0)
            with pytest.raises(ZeroDivisionError):
                program.run(at(80, lambda program: 1 / 0))
            program.run(lambda program, done: None)
        states.append(program.state())
    assert states[0] == states[1]


def test_what_was_begun_reads_no_memory_of_a_users_tensors():
    program = program_of(True)
    read = []
    begin = XlaRunner._begin

    def noted(runner, call):
        read.extend([*call.fixed.values(), *call.constants.values(), *call.state])
        return begin(runner, call)

    with program.compiled(noted):
        program.run(lambda program, done: None)
    pointers = {each.unsafe_buffer_pointer() for each in read}
    assert len(pointers) > 3
    assert pointers.isdisjoint(each.data_ptr() for each in program.tensors)
