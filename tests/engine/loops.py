"""Programs with Python loops, whose graphs have rounds that are equal, almost equal, or not equal at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

ROUNDS = 20


@dataclass(frozen=True)
class Looping:
    """A function of tensors with a loop, with inputs.

    Attributes:
        runs: how many runs its graph has at least.
    """

    fn: Callable[..., Any]
    inputs: tuple[Tensor, ...]
    runs: int = 1


def _uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def carry(x: Tensor, w: Tensor) -> Tensor:
    for _ in range(ROUNDS):
        x = torch.tanh(x @ w) + x.cos()
    return x


def history(x: Tensor) -> list[Tensor]:
    """Each round reads the two before it."""
    before, now = x, x.exp()
    states = []
    for _ in range(ROUNDS):
        before, now = now, (now.sin() - 0.5 * before).tanh()
        states.append(now)
    return states


def no_carry(x: Tensor, loc: Tensor) -> Tensor:
    return torch.stack([(((x[t] - loc) / 2) ** 2).exp().sum() for t in range(ROUNDS)]).sin()


def differences(x: Tensor) -> Tensor:
    """Each round reads what the one before computed, but nothing goes on from there."""
    total, before = x[0].sum(), x[0].cos()
    for t in range(1, ROUNDS):
        now = x[t].sin().exp()
        total = total + ((now - before) ** 2).sum().sqrt()
        before = now
    return total


def gradient(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function and its derivative: the rounds once more, from the last to the first."""

    def both(*args: Tensor) -> tuple[Tensor, ...]:
        leaves = [each.detach().requires_grad_() for each in args]
        value = fn(*leaves)
        total = torch.stack(value).sum() if isinstance(value, list) else value.sum()
        return total, *torch.autograd.grad(total, leaves)

    return both


def constants(x: Tensor) -> Tensor:
    for t in range(ROUNDS):
        x = (x * torch.tensor([0.1 * t, 1.0, -t], dtype=x.dtype)).sin() + x
    return x


def numbers(x: Tensor) -> Tensor:
    """Python numbers change from round to round, some on no line."""
    for t in range(ROUNDS):
        x = (x * (0.002 * t * t) - t).sin() + (x > 0.01 * t) + torch.full((3,), 1.0 / (t + 1), dtype=x.dtype)
    return x


def slices(x: Tensor) -> Tensor:
    total = x[0].sin()
    for t in range(ROUNDS):
        total = total * x[-t - 1].cos() + x[2 * t : 2 * t + 4 : 2].sum(0)
    return total


def squares(x: Tensor) -> Tensor:
    """Places that lie on no line."""
    total = x[0].sin()
    for t in range(ROUNDS):
        total = (total * x[t * t]).cos()
    return total


def in_turns(x: Tensor, y: Tensor) -> Tensor:
    """Two loops of which the second reads the first from its end."""
    first = []
    for t in range(ROUNDS):
        x = x.sin() + y[t]
        first.append(x)
    for each in reversed(first):
        y = (y * each).cos()
    return y


def from_both_ends(x: Tensor, w: Tensor) -> Tensor:
    """The rounds of two chains in turn, as variables are eliminated."""
    left, right = x[0], x[-1]
    for t in range(ROUNDS):
        left = torch.logsumexp(left[:, None] + w, 0) + x[t]
        right = torch.logsumexp(right[None, :] + w, 1) + x[-t - 1]
    return torch.logsumexp(left + right, 0)


def irregular_ends(x: Tensor) -> Tensor:
    for t in range(ROUNDS):
        x = x.sin() * 2 + 1
        if t == 0:
            x = x.exp()
        if t == ROUNDS - 1:
            x = x / x.sum()
    return x


def one_different(x: Tensor) -> Tensor:
    for t in range(2 * ROUNDS):
        x = x.sin() * 2 + (x.cos() if t == ROUNDS else 1)
    return x


def nested(x: Tensor) -> Tensor:
    for t in range(10):
        for _ in range(10):
            x = (x * 1.1).sin() + 0.1
        x = x + t
    return x


def repeated(x: Tensor) -> Tensor:
    """Operations that are the same in all rounds, and a value that is read twice in the first one alone."""
    other = x
    for _ in range(ROUNDS):
        x = x * other + (torch.arange(3, dtype=x.dtype).exp() + 1).log()
        other = other.tanh()
    return x


def many_results(x: Tensor) -> Tensor:
    """An operator of several results in the loop."""
    for _ in range(ROUNDS):
        high, where = x.max(0)
        x = x.sin() + high * where.to(x.dtype).sum()
    return x


def apart(*args: Tensor) -> list[Tensor]:
    """A tensor of its own for each round, and a result of its own for each."""
    return [(each.sin() * 2 + 0.5).tanh() for each in args]


def written(x: Tensor) -> Tensor:
    """Each round writes a part of a tensor."""
    kept = torch.zeros(ROUNDS, 3, dtype=x.dtype)
    for t in range(ROUNDS):
        x = x.sin() + 0.1
        kept[t] = x
    return kept.cumsum(0)


def sums(x: Tensor, y: Tensor) -> Tensor:
    """Sums of functions that are linear in what changes from round to round, and of others."""
    rows, columns = torch.tensor([[0, 1, 1]]), torch.tensor([1, 0, 0])
    total, other, third = x[0], y, x.new_zeros(())
    for t in range(ROUNDS):
        now = x[t].sin() * y
        total = total + torch.where(y > 0.5, now / y, 0.0).flip(0)
        spread = torch.zeros(1, 3, dtype=x.dtype).scatter_add(1, rows, now[None])[0]
        total = total + spread[columns] + torch.zeros_like(y).index_put((columns,), now - 2 * spread, accumulate=True)
        other = now.cos() + other
        third = third + (now * now).sum() / (now.abs() + 1).sum() + 1 / now.sum().exp()
    return torch.cat([total, other, third[None]])


def linear_chain(x: Tensor, w: Tensor) -> Tensor:
    """A sum of what depends on the round before, in the end by functions that are linear."""
    now, total = x[0], x[0]
    for t in range(ROUNDS):
        now = (0.5 * now.sin()).flip(0) @ w + x[t]
        total = total + (now * 2).flip(0)
    return total


def read_on_the_way(x: Tensor) -> Tensor:
    """A sum of which each round is read."""
    total, squares = x[0], []
    for t in range(ROUNDS):
        total = total + x[t].cos() * 2
        squares.append((0.01 * total.square()).exp())
    return torch.stack(squares).sum(0) + total


def added_twice(x: Tensor) -> Tensor:
    """What grows by itself is no sum."""
    total = x[0]
    for t in range(ROUNDS):
        total = (total + x[t].cos()) + (total + 0.1 * x[t].sin())
    return total


def straight(x: Tensor) -> Tensor:
    """No loop."""
    return ((x.sin() + x.cos()).exp() * x.tanh()).sum()


def too_few(x: Tensor) -> Tensor:
    for _ in range(4):
        x = x.sin().cos().tanh().exp() * 0.1
    return x


LOOPS = {
    "carry": Looping(carry, (_uniform(3), _uniform(3, 3))),
    "history": Looping(history, (_uniform(3),)),
    "no carry": Looping(no_carry, (_uniform(ROUNDS, 3), _uniform(3))),
    "differences": Looping(differences, (_uniform(ROUNDS, 3),)),
    "constants": Looping(constants, (_uniform(3),)),
    "numbers": Looping(numbers, (_uniform(3),)),
    "slices": Looping(slices, (_uniform(3 * ROUNDS, 3),)),
    "squares": Looping(squares, (_uniform(ROUNDS**2, 3),)),
    "in turns": Looping(in_turns, (_uniform(3), _uniform(ROUNDS, 3)), runs=2),
    "from both ends": Looping(from_both_ends, (_uniform(ROUNDS, 4), _uniform(4, 4))),
    "irregular ends": Looping(irregular_ends, (_uniform(3),)),
    "one different": Looping(one_different, (_uniform(3),), runs=2),
    "nested": Looping(nested, (_uniform(3),)),
    "repeated": Looping(repeated, (_uniform(3),)),
    "many results": Looping(many_results, (_uniform(4, 3),)),
    "apart": Looping(apart, tuple(_uniform(ROUNDS, 3))),
    "written": Looping(written, (_uniform(3),)),
    "sums": Looping(sums, (_uniform(ROUNDS, 3), _uniform(3))),
    "linear chain": Looping(linear_chain, (_uniform(ROUNDS, 3), _uniform(3, 3))),
    "read on the way": Looping(read_on_the_way, (_uniform(ROUNDS, 3),)),
    "added twice": Looping(added_twice, (_uniform(ROUNDS, 3),)),
    "straight": Looping(straight, (_uniform(3),), runs=0),
    "too few": Looping(too_few, (_uniform(3),), runs=0),
}
LOOPS |= {
    f"gradient of {name}": Looping(gradient(LOOPS[name].fn), LOOPS[name].inputs, runs)
    for name, runs in [
        ("carry", 2),
        ("history", 2),
        ("no carry", 2),
        ("differences", 2),
        ("constants", 2),
        ("slices", 2),
        ("in turns", 3),
        ("from both ends", 2),
        ("one different", 3),
        ("nested", 1),
        ("written", 1),
        ("sums", 2),
        ("linear chain", 2),
        ("read on the way", 2),
    ]
}
