"""A program whose steps are written in place takes the program's steps, on the program's noise."""

import pytest
import torch

from virgil.engine.inductor.in_place import in_place
from virgil.engine.inductor.run import InductorRunner, seed_of_step
from virgil.engine.recording.capture import capture
from virgil.engine.runner import Inputs

RATE = torch.tensor(0.5)


def step(state, inputs):
    """Exchanges two tensors, keeps one and moves one; its records are views of what it overwrites."""
    one, other, kept, moved = state
    noise = torch.randn_like(one) + torch.rand(3)
    noise = noise + torch._standard_gamma(other**2 + 1.0) * torch.randn(3)
    return [other, one, kept, moved + inputs[0] * noise], one[0], torch.cat([other, moved.flatten()])[:4]


# the last lies in memory column by column
STATE = [torch.arange(3.0), torch.tensor([5.0, -1.0, 2.0]), torch.ones(1).expand(4), torch.ones(3, 2).T]


def test_steps_in_place_are_those_of_the_program():
    program = capture(step, STATE, [RATE])
    form = in_place(program)
    assert form.written == [0, 1, 3]
    assert len(form.draws) == 2  # what comes after the Gamma variables comes after them in the stream
    runner = InductorRunner(program)
    runner.load(STATE)
    state, states = STATE, []
    for first, count in ((0, 3), (3, 1), (4, 4)):
        course = runner.advance(Inputs({0: RATE}, {}), 7, first, count)
        for number in range(count):
            torch.manual_seed(seed_of_step(7, first + number))
            state, loss, norms = step(state, [RATE])
            torch.testing.assert_close(course.losses[number], loss)
            torch.testing.assert_close(course.norms[number], norms)
        states.append((runner.state(), state))
    for got, expected in states:  # those of earlier stretches too: later steps do not write them
        torch.testing.assert_close(got, list(expected))


NOISE = {
    "normal": lambda x: torch.randn_like(x),
    "normal of double precision": lambda x: torch.randn_like(x, dtype=torch.float64),
    "uniform": lambda x: torch.rand_like(x),
    "normal of a shape": lambda x: torch.randn(x.shape),
    "normal, mean and deviation": lambda x: torch.normal(2.0, 3.0, x.shape),
    "in place": lambda x: torch.empty_like(x).normal_(1.0, 0.5),
    "integers": lambda x: torch.randint(7, x.shape).float(),
    "permutation": lambda x: torch.randperm(len(x)).float(),
}
# torch fills few numbers one by one, and many at once where they lie in the order of their axes
SHAPES = {"few": torch.zeros(5), "many": torch.zeros(40), "turned": torch.zeros(9, 4).T}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NOISE)
def test_noise_that_depends_on_no_value_is_drawn_before_a_step(name, shape):
    x = SHAPES[shape]

    def adding(state, inputs):
        total = NOISE[name](x).sum().float()
        return [state[0] + total], total, total[None]

    (draw,) = in_place(capture(adding, [x], [])).draws
    for seed in range(3):
        torch.manual_seed(seed)
        expected, state = NOISE[name](x), torch.get_rng_state()
        torch.manual_seed(seed)
        assert torch.equal(draw().to(expected.dtype), expected)
        assert torch.equal(torch.get_rng_state(), state)
