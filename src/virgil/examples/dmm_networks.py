"""The networks of the deep Markov model and of its guide."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

import virgil.distributions as dist
from virgil.examples.data.chorales import KEYS

__all__ = ["Combiner", "Emitter", "Reader", "STATE", "Transition"]

STATE = 48  # coordinates of the hidden state
HIDDEN = 96  # units of the transition and of the emitter
READ = 96  # units of the recurrent network


class Transition(nn.Module):
    """The next state given the one before: partly a linear map of it, partly any other, as a gate says."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(STATE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, STATE), nn.Sigmoid())
        self.proposal = nn.Sequential(nn.Linear(STATE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, STATE))
        self.linear = nn.Linear(STATE, STATE)
        self.scale = nn.Linear(STATE, STATE)
        nn.init.eye_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.first = nn.Parameter(torch.zeros(STATE))

    def forward(self, before: Tensor) -> dist.Normal:
        """Shape: ``(..., STATE)`` to the same."""
        gate, proposal = self.gate(before), self.proposal(before)
        loc = (1 - gate) * self.linear(before) + gate * proposal
        return dist.Normal(loc, softplus(self.scale(torch.relu(proposal))))


class Emitter(nn.Sequential):
    """The log-odds of each key, given the state."""

    def __init__(self) -> None:
        hidden = nn.Linear(STATE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()
        super().__init__(*hidden, nn.Linear(HIDDEN, KEYS))


class Reader(nn.Module):
    """A recurrent network that reads each sequence from its end to its beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.RNN(KEYS, READ, batch_first=True)

    def forward(self, notes: Tensor, lengths: Tensor) -> Tensor:
        """Its summary, at each step, of the notes from there on. Shape: ``(sequences, steps, READ)``."""
        steps = notes.shape[1]
        # each sequence is turned around within its length, so that padding is read last; a turn is its own inverse
        turned = (lengths[:, None] - 1 - torch.arange(steps, device=notes.device)) % steps
        read, _ = self.network(_reorder(notes, turned))
        return _reorder(read, turned)


class Combiner(nn.Module):
    """A state given the one before and what has been read of the notes from there on."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Linear(STATE, READ), nn.Tanh())
        self.loc = nn.Linear(READ, STATE)
        self.scale = nn.Linear(READ, STATE)
        self.first = nn.Parameter(torch.zeros(STATE))

    def forward(self, before: Tensor, read: Tensor) -> dist.Normal:
        """Shape: ``(..., STATE)`` and ``(..., READ)`` to ``(..., STATE)``."""
        hidden = (self.before(before) + read) / 2
        return dist.Normal(self.loc(hidden), softplus(self.scale(hidden)))


def _reorder(sequences: Tensor, order: Tensor) -> Tensor:
    return sequences.gather(1, order[..., None].expand_as(sequences))
