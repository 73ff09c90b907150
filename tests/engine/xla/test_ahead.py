"""Noise drawn for many steps at once is the noise that each step would draw."""

import pytest
import torch

from virgil.engine.recording.capture import capture
from virgil.engine.runner import Inputs
from virgil.engine.xla import ahead
from virgil.engine.xla.restarts import XlaRestarts
from virgil.engine.xla.run import XlaRunner

SEED, COUNT = 7, 40


def _step(state, inputs):
    """Accumulates draws: a normal and a uniform one of fixed law, and a gamma variable whose law is the state's."""
    (total,) = state
    noise = torch.randn(3) + torch.rand_like(total) + torch.empty(3).exponential_()
    total = 0.5 * total + noise + torch._standard_gamma(1.0 + total.abs())
    return [total], total.sum(), total.norm()[None]


def _program():
    return capture(_step, [torch.ones(3)], [])


def _losses(runner, *counts):
    runner.load([torch.ones(3)])
    done, losses = 0, []
    for count in counts:
        losses.append(runner.advance(Inputs({}, {}), SEED, done, count).losses)
        done += count
    return torch.cat(losses)


@pytest.mark.parametrize("block", [1, 2, 7, 256])
def test_a_step_s_noise_is_the_same_in_blocks_of_any_length(block, monkeypatch):
    monkeypatch.setattr(ahead, "_STEPS", block)
    runner = XlaRunner(_program())
    assert runner._step.ahead.steps == block
    alone = _losses(runner, *[1] * COUNT)
    assert torch.equal(_losses(runner, COUNT), alone)
    assert torch.equal(_losses(runner, 5, 11, 24), alone)


def test_large_noise_is_left_to_each_step():
    def step(state, inputs):
        total = state[0] + torch.randn(2**17).mean()
        return [total], total.sum(), total.norm()[None]

    runner = XlaRunner(capture(step, [torch.ones(3)], []))
    assert runner._step.ahead.steps == 1


@pytest.mark.long
def test_restarts_draw_the_same_in_blocks_of_any_length(monkeypatch):
    courses = []
    for block in (1, 64):
        monkeypatch.setattr(ahead, "_STEPS", block)
        restarts = XlaRestarts(_program())
        restarts.load([[torch.ones(3)], [torch.zeros(3)]], [True, True])
        courses.append([each.losses for each in restarts.advance(Inputs({}, {}), SEED, 0, COUNT)])
    for one, other in zip(*courses, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
