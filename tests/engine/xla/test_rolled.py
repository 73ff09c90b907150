"""A graph with its loops rolled up computes what it computes node by node, and what torch does."""

import jax
import numpy as np
import pytest
import torch
from torch.utils import _pytree as pytree

from tests.engine.loops import LOOPS, ROUNDS
from virgil.engine.recording.capture import capture
from virgil.engine.recording.graph import traced
from virgil.engine.rolled.operations import operations
from virgil.engine.rolled.runs import runs
from virgil.engine.runner import Inputs
from virgil.engine.xla import lowered
from virgil.engine.xla.arrays import to_array
from virgil.engine.xla.interpret import interpret
from virgil.engine.xla.restarts import XlaRestarts
from virgil.engine.xla.rolled import graph as lowering
from virgil.engine.xla.rolled.graph import Rolled, rolled
from virgil.engine.xla.run import XlaRunner


def _rolled(graph):
    found = operations(graph)
    return Rolled(graph, found, runs(found.rows))


def _both(fn, inputs, key=None):
    """What a graph gives, node by node and rolled up."""
    graph = traced(fn, *inputs)
    with jax.enable_x64(True):
        constants = {name: to_array(each) for name, each in graph.constants.items()}
        given = [to_array(each) for each in inputs]
        plain = jax.jit(lambda given, constants: interpret(graph.graph, given, constants, key))(given, constants)
        loops = jax.jit(lambda given, constants: _rolled(graph.graph).interpret(given, constants, key))(
            given, constants
        )
    return [[np.asarray(each) for each in one] for one in (plain, loops)]


def _long_if(condition, name):
    return pytest.param(name, marks=[pytest.mark.long] if condition else [])


@pytest.mark.parametrize("name", [_long_if(name.startswith("gradient"), name) for name in LOOPS])
def test_what_is_rolled_up_computes_the_same(name):
    program = LOOPS[name]
    plain, loops = _both(program.fn, program.inputs)
    eager = [each.detach().numpy() for each in pytree.tree_leaves(program.fn(*program.inputs))]
    assert len(plain) == len(loops) == len(eager)
    for one, other, right in zip(plain, loops, eager, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(other, one, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(other, right, rtol=1e-11, atol=1e-12)


def noisy(x):
    """Draws by the law of shapes alone and by that of the state, in the chain of the rounds and beside it."""
    for _ in range(8):
        x = 0.5 * x + torch.randn_like(x) * torch.rand(3, dtype=x.dtype) + torch._standard_gamma(1.0 + x.abs())
    beside = [torch.randn(3, dtype=x.dtype).exp() * 2 for _ in range(ROUNDS)]
    return [x, *beside]


@pytest.mark.every_engine
def test_noise_is_that_of_the_unrolled_loop():
    plain, loops = _both(noisy, LOOPS["carry"].inputs[:1], jax.random.key(3))
    for one, other in zip(plain, loops, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-12)


def _step(state, inputs):
    """A step with a loop, with noise in it, whose state, fixed input and constants are all read in the rounds."""
    leaf, data = state[0], inputs[0]

    def loss(leaf):
        total, x = leaf.sum(), leaf
        for t in range(ROUNDS):
            x = (x + 0.1 * torch.randn(3)).tanh() * torch.tensor([1.0, 0.5 * t, -1.0])
            total = total + ((x - data[t]) ** 2).sum() * torch.rand(())
        return total

    value, (slope,) = loss(leaf), torch.autograd.grad(loss(leaf.requires_grad_()), [leaf])
    return [leaf.detach() - 0.01 * slope], value.detach(), slope.norm()[None]


STATE, DATA = torch.ones(3), torch.linspace(0.0, 1.0, 3 * ROUNDS).reshape(ROUNDS, 3)


@pytest.fixture
def program(monkeypatch):
    monkeypatch.setattr(lowering, "_LONG", 100)
    return capture(_step, [STATE], [DATA])


def _unrolled(monkeypatch):
    monkeypatch.setattr(lowered, "rolled", lambda graph: None)


def _courses(runner, counts):
    runner.load([STATE])
    done, losses = 0, []
    for count in counts:
        losses.append(runner.advance(Inputs({0: DATA}, {}), 5, done, count).losses)
        done += count
    return torch.cat(losses)


@pytest.mark.every_engine
def test_a_run_of_a_rolled_step_is_that_of_the_unrolled_one(program, monkeypatch):
    assert rolled(program.graph.graph) is not None
    runner = XlaRunner(program)
    losses, state = _courses(runner, [7, 33]), runner.state()
    _unrolled(monkeypatch)
    runner = XlaRunner(program)
    torch.testing.assert_close(losses, _courses(runner, [40]), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(state, runner.state(), rtol=1e-5, atol=1e-5)


@pytest.mark.every_engine
def test_restarts_of_a_rolled_step_are_those_of_the_unrolled_one(program, monkeypatch):
    courses = []
    for _ in range(2):
        restarts = XlaRestarts(program)
        restarts.load([[STATE], [0.5 * STATE]], [True, True])
        courses.append([each.losses for each in restarts.advance(Inputs({0: DATA}, {}), 5, 0, 20)])
        _unrolled(monkeypatch)
    for one, other in zip(*courses, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_a_loop_over_large_tensors_is_left_alone():
    def deep(x, *weights):
        for weight in weights:
            x = (x @ weight).tanh().exp().sin().cos().square().sqrt() + 1
        return x

    def found(size):
        tensors = [torch.ones(size, size)] * (ROUNDS + 1)
        return runs(operations(traced(deep, *tensors).graph).rows)

    assert found(8)
    assert not found(128)


def test_a_graph_without_a_long_loop_is_left_alone():
    for name in ("straight", "too few"):
        assert rolled(traced(LOOPS[name].fn, *LOOPS[name].inputs).graph) is None
