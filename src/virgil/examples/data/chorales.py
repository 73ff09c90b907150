"""Bach's chorales in four parts that come with music21, as piano-rolls, in three parts: to learn from, and held out.

A step of a roll is a quarter, and holds the notes that sound as it begins. The chorales are those of at most ``STEPS``
quarters; repeats are played once. Some stand in the collection twice, perhaps in another key: one that shares more
than 0.9 of its notes with an earlier one is left out, so that none is both learnt from and held out.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import chain
from math import ceil
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from virgil.errors import ArgumentError
from virgil.examples.data.music_xml import Note, read_parts

__all__ = ["Chorales", "KEYS", "LOWEST", "STEPS", "Split", "load", "roll"]

KEYS = 88  # of a piano
LOWEST = 21  # the MIDI number of the lowest key
STEPS = 64
_HELD_OUT = 45  # for validation, and as many for the test
_SAME = 0.9
_SHIFTS = range(-6, 7)  # semitones


class Chorales(NamedTuple):
    """Chorales of different lengths, padded by silence.

    Attributes:
        notes: 1 where a key sounds, else 0. Shape: ``(chorales, STEPS, KEYS)``.
        lengths: quarters of each. Shape: ``(chorales,)``.
    """

    notes: Tensor
    lengths: Tensor

    @property
    def quarters(self) -> int:
        """Of all together."""
        return int(self.lengths.sum())

    @property
    def played(self) -> Tensor:
        """A mask of the steps that belong to a chorale. Shape: ``(chorales, steps)``."""
        return torch.arange(self.notes.shape[1], device=self.notes.device) < self.lengths[:, None]


class Split(NamedTuple):
    """Chorales to learn from, to validate with, and to test."""

    train: Chorales
    validation: Chorales
    test: Chorales


def load() -> Split:
    """The chorales; the three parts are the same in every run.

    Raises:
        ArgumentError: music21 is not installed.
    """
    scores = [read_parts(path) for path in sorted(_folder().glob("*.mxl"))]
    rolls = [roll(list(chain.from_iterable(parts))) for parts in scores if len(parts) == 4]
    rolls = [each for each in rolls if len(each) <= STEPS]
    notes = pad_sequence(rolls, batch_first=True)
    lengths = torch.tensor([len(each) for each in rolls])
    kept = _distinct(notes)
    # drawn by a generator of their own, which leaves the program's random numbers as they are
    kept = kept[torch.randperm(len(kept), generator=torch.Generator().manual_seed(0))]
    test, validation, train = kept.split([_HELD_OUT, _HELD_OUT, len(kept) - 2 * _HELD_OUT])
    return Split(*(Chorales(notes[each], lengths[each]) for each in (train, validation, test)))


def roll(notes: list[Note]) -> Tensor:
    """A piano-roll, up to the end of the last note. Shape: ``(quarters, KEYS)``."""
    played = torch.zeros(ceil(max(note.end for note in notes)), KEYS)
    for begin, end, pitch in notes:
        played[ceil(begin) : ceil(end), pitch - LOWEST] = 1.0
    return played


def _folder() -> Path:
    # found and not imported, which would take seconds: the scores are read as files
    spec = find_spec("music21")
    if spec is None or not spec.submodule_search_locations:
        raise ArgumentError('This program needs music21: pip install "virgil-ppl[data]".')
    return Path(spec.submodule_search_locations[0]) / "corpus" / "bach"


def _distinct(notes: Tensor) -> Tensor:
    """The places of the chorales that are not an earlier one again, in whatever key. Shape: ``(kept,)``."""
    flat = notes.flatten(1)
    counts = flat.sum(-1)
    common = torch.stack([flat @ notes.roll(shift, -1).flatten(1).T for shift in _SHIFTS]).amax(0)
    shared = common / (counts[:, None] + counts - common)
    return (shared.tril(-1) < _SAME).all(-1).nonzero()[:, 0]
