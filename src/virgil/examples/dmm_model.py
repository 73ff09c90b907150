"""The deep Markov model and its guide."""

from __future__ import annotations

from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.examples.data.chorales import Chorales
from virgil.examples.dmm_networks import Combiner, Emitter, Reader, Transition
from virgil.examples.dmm_path import Path
from virgil.nn import PyroModule

__all__ = ["Guide", "Model"]


class Model(PyroModule):
    """How chorales come about: a path of states for each, and the notes that the states give."""

    def __init__(self) -> None:
        super().__init__()
        self.transition, self.emitter = Transition(), Emitter()

    def forward(self, notes: Tensor, lengths: Tensor, annealing: Tensor | float = 1.0) -> None:
        """Chorales padded to one length, as in ``Chorales``; ``annealing`` is how much the path's density counts."""
        transition, played = self.transition, Chorales(notes, lengths).played
        with virgil.plate("chorales", len(notes)):
            with poutine.scale(scale=annealing):
                z = virgil.sample("z", Path(lambda before, _: transition(before), transition.first, played))
            keys = dist.Bernoulli(logits=self.emitter(z)).mask(played[..., None])
            virgil.sample("notes", keys.to_event(2), obs=notes)


class Guide(PyroModule):
    """The path of each chorale, as far as it can be told from its notes."""

    def __init__(self) -> None:
        super().__init__()
        self.reader, self.combiner = Reader(), Combiner()

    def forward(self, notes: Tensor, lengths: Tensor, annealing: Tensor | float = 1.0) -> None:
        """As for the model."""
        combiner, read, played = self.combiner, self.reader(notes, lengths), Chorales(notes, lengths).played
        with virgil.plate("chorales", len(notes)), poutine.scale(scale=annealing):
            path = Path(lambda z, step: combiner(z, read[:, step]), combiner.first, played)
            virgil.sample("z", path)
