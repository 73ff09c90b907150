"""What is compared with what, and the goals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from benchmarks.enumeration.programs import Program, chained_hmm, hmm, lda, mixture, vectorised_hmm

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """A program, how long its blocks are, and the goals of the two ratios.

    Attributes:
        ours: the program in Virgil, where it is another one than the peer's.
    """

    program: Program
    steps: int
    time: float = 0.7
    memory: float | None = 1.0
    ours: Program | None = None


CASES = {
    "mixture, N=272, K=2": Case(partial(mixture, size=272, components=2), 30),
    "mixture, N=272, K=32": Case(partial(mixture, size=272, components=32), 30),
    "mixture, N=100,000, K=2": Case(partial(mixture, size=100_000, components=2), 5),
    "mixture, N=100,000, K=32": Case(partial(mixture, size=100_000, components=32), 1),
    "HMM, T=100, K=16": Case(partial(hmm, steps=100, states=16), 4),
    "HMM, T=1,000, K=16": Case(partial(hmm, steps=1_000, states=16), 1),
    "HMM, steps at once, T=1,000, K=16": Case(
        partial(hmm, steps=1_000, states=16), 1, 0.05, ours=partial(chained_hmm, steps=1_000, states=16)
    ),
    "HMM as one distribution, T=1,000, K=16": Case(
        partial(hmm, steps=1_000, states=16), 1, 0.05, ours=partial(vectorised_hmm, steps=1_000, states=16)
    ),
    "LDA, 1,000 documents": Case(partial(lda, documents=1_000, words=64, vocabulary=1_024, topics=8), 5),
}
