"""Steps on Inductor: what eager steps give on the same noise, however they are cut into calls."""

import functools
import threading
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch._inductor import config, lowering

import virgil
import virgil.distributions as dist
from tests.graphs.test_capture import Y, schools
from virgil.distributions import constraints
from virgil.engine.inductor import code, run
from virgil.engine.inductor.run import InductorRunner, _Called, _Replayed, seed_of_step
from virgil.engine.recording.capture import capture
from virgil.engine.runner import Inputs
from virgil.errors import CaptureError, OperatorError
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, config_enumerate
from virgil.infer.step.arguments import arguments
from virgil.infer.step.function import StepFunction
from virgil.infer.step.state import finding, state_of

RATE = torch.tensor(0.01, dtype=torch.float64)
SEED = 2**61 + 5


def schools_guide(y):
    """The Gamma distribution draws by rejection."""
    scale = virgil.param("s", torch.ones(()), constraint=constraints.positive)
    virgil.sample("mu", dist.Normal(virgil.param("m", torch.zeros(())), 1.0))
    virgil.sample("tau", dist.Gamma(2.0 + scale, 1.0))
    with virgil.plate("J", 8):
        virgil.sample("theta", dist.Normal(virgil.param("t", torch.zeros(8)), scale))


@config_enumerate
def discrete(y):
    """Sums over ``which``, draws ``on`` without a pathwise derivative, and looks at a mini-batch."""
    locs = virgil.param("locs", torch.tensor([-1.0, 10.0]))
    on = virgil.sample("on", dist.Bernoulli(0.3), infer={"enumerate": None})
    with virgil.plate("J", 8, subsample_size=4):
        which = virgil.sample("which", dist.Categorical(logits=virgil.param("shares", torch.zeros(2))))
        batch = virgil.subsample(y, event_dim=0)
        virgil.sample("y", dist.Normal(locs[which] + 5.0 * on, 5.0), obs=batch)


def discrete_guide(y):
    virgil.sample("on", dist.Bernoulli(logits=virgil.param("logit", torch.zeros(()))))


PROGRAMS = {
    "pathwise": (schools, schools_guide, Trace_ELBO()),
    "discrete": (discrete, discrete_guide, TraceEnum_ELBO()),
}


@dataclass(frozen=True)
class Compiled:
    """A step on Inductor, and what eager steps on ``Y``, ``Y + 1``, ... gave on the same noise.

    Attributes:
        begin: the state that both start from.
        losses: nats.
        norms: of the gradients by Autograd, of the first step.
        end: the state after the last step.
    """

    runner: InductorRunner
    begin: list[Tensor]
    losses: Tensor
    norms: Tensor
    end: list[Tensor]

    def run(self, *cuts: int, rows: Tensor | None = None, seed: int = SEED):
        """The courses of stretches of steps."""
        self.runner.load(self.begin)
        rows, first, courses = STREAM if rows is None else rows, 0, []
        for count in cuts:
            inputs = Inputs({1: RATE}, {0: rows[first : first + count]})
            courses.append(self.runner.advance(inputs, seed, first, count))
            first += count
        return courses


STEPS = 12
STREAM = torch.stack([Y + number for number in range(STEPS)])


@functools.cache
def compiled(name):
    model, guide, objective = PROGRAMS[name]
    svi = SVI(model, guide, virgil.optim.Adam({"lr": float(RATE)}), objective)
    with finding() as found:
        svi.step(Y)
    optimizer = svi.optim.torch_optimizer
    state, given = state_of(found, optimizer), arguments((Y,), {})
    step = StepFunction(lambda y: objective.differentiable_loss(model, guide, y), state, given, optimizer, None)
    runner = InductorRunner(capture(step, state.tensors(), [Y, RATE]))
    begin = [each.detach().clone() for each in state.tensors()]

    torch.manual_seed(seed_of_step(SEED, 0))
    leaves = list(state.leaves.values())
    gradients = torch.autograd.grad(objective.differentiable_loss(model, guide, Y), leaves)
    losses = []
    for number, y in enumerate(STREAM):
        torch.manual_seed(seed_of_step(SEED, number))
        losses.append(svi.step(y))
    end = [each.detach().clone() for each in state.tensors()]
    return Compiled(runner, begin, torch.tensor(losses), torch.stack([each.norm() for each in gradients]), end)


@pytest.mark.long
@pytest.mark.parametrize("name", PROGRAMS)
def test_steps_are_those_that_eager_svi_takes_on_the_same_noise(name):
    case = compiled(name)
    (course,) = case.run(STEPS)
    assert course.is_finite
    torch.testing.assert_close(course.losses, case.losses)
    torch.testing.assert_close(course.norms[0], case.norms)
    torch.testing.assert_close(case.runner.state(), case.end)


@pytest.mark.long
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("longest", [1, 5, 1024])
def test_a_run_is_the_same_bit_for_bit_however_it_is_cut(name, longest, monkeypatch):
    case = compiled(name)
    (whole,) = case.run(STEPS)
    end = case.runner.state()
    monkeypatch.setattr(run, "_LONGEST", longest)
    parts = case.run(1, 4, 7)
    assert torch.equal(torch.cat([each.losses for each in parts]), whole.losses)
    assert torch.equal(torch.cat([each.norms for each in parts]), whole.norms)
    assert all(map(torch.equal, case.runner.state(), end))


def test_steps_and_seeds_have_noise_of_their_own():
    case = compiled("pathwise")
    losses = []
    for seed in (SEED, SEED + 1, 0):
        for number in (0, 1, 2**31):
            case.runner.load(case.begin)
            losses.append(float(case.runner.advance(Inputs({0: Y, 1: RATE}, {}), seed, number, 1).losses))
    assert len(set(losses)) == len(losses)


def test_seeds_of_steps_differ_in_the_32_bits_that_a_cpu_looks_at():
    assert len({seed_of_step(SEED, number) % 2**32 for number in range(100_000)}) == 100_000


def test_first_draws_of_successive_steps_are_uncorrelated():
    """Of 20,000 independent pairs the correlation is normal with deviation 1 / sqrt(20,000): 4.9 of it, one in 10^6."""
    draws = []
    for number in range(20_001):
        draws.append(torch.randn((), generator=torch.Generator().manual_seed(seed_of_step(SEED, number))))
    draws = torch.stack(draws)
    assert abs(float(torch.corrcoef(torch.stack([draws[:-1], draws[1:]]))[0, 1])) < 4.9 / 20_000**0.5


@pytest.mark.parametrize("bad", [0, 3, 11])
@pytest.mark.parametrize("longest", [4, 1024])
def test_the_first_step_that_is_not_finite_leaves_the_state_before_it(bad, longest, monkeypatch):
    case = compiled("pathwise")
    if bad:
        case.run(bad)
        before = case.runner.state()
    else:
        before = case.begin
    rows = STREAM.clone()
    rows[bad:, 2] = torch.nan
    monkeypatch.setattr(run, "_LONGEST", longest)
    (course,) = case.run(STEPS, rows=rows)
    assert not course.is_finite
    assert course.losses.isfinite().tolist() == [True] * bad + [False]
    assert len(course.norms) == bad + 1
    assert all(map(torch.equal, case.runner.state(), before))


def test_tensors_in_another_memory_layout_are_read_right():
    case = compiled("pathwise")
    (course,) = case.run(STEPS)
    (other,) = case.run(STEPS, rows=STREAM.T.contiguous().T)
    assert torch.equal(other.losses, course.losses)


def test_generators_and_the_state_that_was_loaded_are_left_alone():
    case = compiled("pathwise")
    given = [each.clone() for each in case.begin]
    before = torch.get_rng_state()
    case.run(STEPS)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, given, case.begin))


def shifted(state, inputs):
    after = torch.erfinv(state[0]) + inputs[0]
    return [after], after.sum(), after.sum()[None]


def test_without_a_compiler_the_error_says_what_to_install():
    program = capture(shifted, [torch.zeros(3)], [torch.ones(3)])
    with config.patch({"cpp.cxx": (None, "/nowhere/g++")}), pytest.raises(CaptureError, match="Install g"):
        InductorRunner(program)


class _Nameless:
    """Torch's compiled graph, of which the callable inside has no name."""

    _boxed_call = True

    def __init__(self, graph):
        self._graph = graph

    def __call__(self, inputs):
        return self._graph(inputs)


def _five_steps():
    runner = InductorRunner(capture(wandering, [torch.zeros(3)], [torch.ones(3)]))
    runner.load([torch.zeros(3)])
    return runner.advance(Inputs({0: torch.ones(3)}, {}), SEED, 0, 5), runner.state()


REMOVED = {
    "compile_fx": lambda whole: None,
    "compile_lock": lambda whole: threading.RLock(),
    "compile_fx_inner": lambda whole: lambda *args, **kwargs: _Nameless(whole(*args, **kwargs)),
}


@pytest.fixture(params=[0, 1], ids=["alone", "beside a thread"])
def other_threads(request):
    ends = threading.Event()
    threads = [threading.Thread(target=ends.wait) for _ in range(request.param)]
    for each in threads:
        each.start()
    yield
    ends.set()
    for each in threads:
        each.join()


@pytest.mark.usefixtures("other_threads")
@pytest.mark.parametrize("name", REMOVED)
def test_without_torchs_private_names_steps_are_the_same(name, monkeypatch):
    expected, state = _five_steps()
    monkeypatch.setattr(code, name, REMOVED[name](getattr(code, name)))
    torch.manual_seed(SEED)
    before = torch.get_rng_state()
    course, other = _five_steps()
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(ValueError, match="concentration"):  # torch.compile has not turned torch's own checks off
        torch.distributions.Gamma(-1.0, 1.0)
    torch.testing.assert_close(course.losses, expected.losses)
    torch.testing.assert_close(course.norms, expected.norms)
    torch.testing.assert_close(other, state)


def test_an_operator_that_cannot_be_compiled_is_named(monkeypatch):
    def refuse(*args):
        raise NotImplementedError

    program = capture(shifted, [torch.zeros(3)], [torch.ones(3)])
    monkeypatch.setitem(lowering.lowerings, torch.ops.aten.erfinv.default, refuse)
    with pytest.raises(OperatorError, match=r"(?s)aten\.erfinv\.default.*test_run.*engine='eager'"):
        InductorRunner(program)


def wandering(state, inputs):
    draws = torch.randn_like(state[0]) + torch._standard_gamma(1.0 + state[0] ** 2)
    after = 0.9 * state[0] + inputs[0] * draws
    return [after], after.sum(), after.norm()[None]


@pytest.mark.gpu
def test_replayed_steps_on_a_gpu_are_the_eager_ones():
    begin, rate = torch.zeros(8, device="cuda"), torch.tensor(0.1, device="cuda")
    program = capture(wandering, [begin], [rate])
    runner = InductorRunner(program)
    for cuts in [(6,), (1, 2, 3)]:  # the first steps of a CUDA graph are its warm-up, later ones are replayed
        runner.load([begin])
        losses, first, state = [], 0, [begin]
        for count in cuts:
            losses += runner.advance(Inputs({0: rate}, {}), SEED, first, count).losses.tolist()
            first += count
        for number, loss in enumerate(losses):
            torch.cuda.manual_seed_all(seed_of_step(SEED, number))
            state, expected, _ = program.graph(state, [rate])
            assert loss == pytest.approx(float(expected), rel=1e-5)
        torch.testing.assert_close(runner.state(), state)


@pytest.mark.every_engine
@pytest.mark.parametrize("kind", [_Called, _Replayed])
def test_constants_are_read_where_they_lie(kind):
    """Small ones as well, whose values Inductor writes into code for a GPU."""
    constants = [torch.tensor(2.0), torch.tensor([1.0, 2.0, 3.0]), torch.ones(100), torch.ones(4, 4).t()]

    def step(state, inputs):
        new = state[0] + sum(each.sum() for each in constants)
        return [new], new, new[None]

    program = capture(step, [torch.zeros(())], [])
    runner = kind(program, [()]) if kind is _Replayed else kind(program)
    for factor in (1.0, 2.0, 3.0):
        *_, loss, _ = runner.take(runner.begin([torch.zeros(())]), [])
        assert loss.item() == pytest.approx(factor * sum([2.0, 6.0, 100.0, 16.0]))
        for each in constants:
            each.data.mul_((factor + 1) / factor)
