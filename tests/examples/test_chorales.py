"""Chorales: notes read from scores, and the three parts of the collection."""

from __future__ import annotations

import sys
import zipfile
from fractions import Fraction
from importlib.util import find_spec

import pytest
import torch

import virgil
from virgil.errors import ArgumentError
from virgil.examples.data import chorales
from virgil.examples.data.music_xml import Note, read_parts


@pytest.fixture(scope="module")
def split():
    return chorales.load()


def _note(pitch, duration, more=""):
    inside = f"<pitch>{pitch}</pitch>" if pitch else "<rest/>"
    return f"<note>{more}{inside}<duration>{duration}</duration></note>"


C4, E4, FIS4, B3 = (
    f"<step>{step}</step>{alter}<octave>{octave}</octave>"
    for step, alter, octave in (("C", "", 4), ("E", "", 4), ("F", "<alter>1</alter>", 4), ("B", "<alter>0</alter>", 3))
)
DIVISIONS = "<attributes><divisions>{}</divisions></attributes>"

SCORES = {
    "one note after another": (
        [DIVISIONS.format(2) + _note(C4, 2) + _note(FIS4, 1) + _note(B3, 1)],
        [(0, 1, 60), (1, Fraction(3, 2), 66), (Fraction(3, 2), 2, 59)],
    ),
    "a rest takes time": ([_note("", 3) + _note(C4, 1)], [(3, 4, 60)]),
    "a chord begins with its first note": (
        [_note(C4, 2) + _note(E4, 2, "<chord/>") + _note(B3, 1)],
        [(0, 2, 60), (0, 2, 64), (2, 3, 59)],
    ),
    "a grace note takes no time": ([_note(E4, 0, "<grace/>") + _note(C4, 1)], [(0, 1, 60)]),
    "a measure begins where the one before has ended": ([_note(C4, 1), _note(E4, 4)], [(0, 1, 60), (1, 5, 64)]),
    "divisions change between measures": (
        [DIVISIONS.format(4) + _note(C4, 4), DIVISIONS.format(3) + _note(E4, 1)],
        [(0, 1, 60), (1, Fraction(4, 3), 64)],
    ),
    "a second voice goes back": (
        [_note(C4, 4) + "<backup><duration>4</duration></backup>" + _note(E4, 1), _note(B3, 1)],
        [(0, 4, 60), (0, 1, 64), (4, 5, 59)],
    ),
    "a gap goes forward": (
        [_note(C4, 1) + "<forward><duration>2</duration></forward>" + _note(E4, 1)],
        [(0, 1, 60), (3, 4, 64)],
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_notes_are_read_with_their_times_in_quarters(name, tmp_path):
    measures, expected = SCORES[name]
    part = "".join(f"<measure>{each}</measure>" for each in measures)
    path = tmp_path / "score.mxl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("META-INF/container.xml", '<c><rootfiles><rootfile full-path="a.xml"/></rootfiles></c>')
        archive.writestr("a.xml", f"<score-partwise><part>{part}</part><part/></score-partwise>")
    first, second = read_parts(path)
    assert first == [Note(*each) for each in expected]
    assert second == []


def test_a_roll_has_the_notes_that_sound_as_a_quarter_begins():
    half = Fraction(1, 2)
    notes = [Note(Fraction(0), Fraction(2), 60), Note(half, Fraction(1), 64), Note(half, 1 + half, 67)]
    roll = chorales.roll(notes)
    assert roll.shape == (2, 88)
    assert roll.nonzero().tolist() == [[0, 60 - 21], [1, 60 - 21], [1, 67 - 21]]


def test_a_known_chorale_begins_as_it_is_known_to():
    soprano, _, _, bass = read_parts(chorales._folder() / "bwv66.6.mxl")
    assert [note.pitch for note in soprano[:6]] == [73, 71, 69, 71, 73, 76]  # C#5 B4 A4 B4 C#5 E5
    assert soprano[-1].end == bass[-1].end == 36


@pytest.mark.long
def test_the_parts_are_the_same_in_every_run_and_draw_nothing_from_the_program(split):
    virgil.set_rng_seed(1)
    expected = torch.rand(3)
    virgil.set_rng_seed(1)
    again = chorales.load()
    torch.testing.assert_close(torch.rand(3), expected, rtol=0, atol=0)
    for part, other in zip(split, again, strict=True):
        assert torch.equal(part.notes, other.notes)
        assert torch.equal(part.lengths, other.lengths)


@pytest.mark.long
def test_a_chorale_is_as_long_as_it_says_and_silent_after(split):
    assert [len(part.lengths) for part in split] == [209, 45, 45]
    for part in split:
        assert part.notes.shape[1:] == (64, 88)
        assert part.notes[~part.played].sum() == 0
        last = part.notes[torch.arange(len(part.lengths)), part.lengths - 1]
        assert (last.sum(-1) > 0).all(), "something sounds in the last quarter"
        assert set(part.notes.unique().tolist()) == {0.0, 1.0}
        assert 3.5 < part.notes.sum() / part.quarters <= 4, "four voices, which meet at times or rest"


@pytest.mark.long
def test_no_chorale_is_in_two_places_in_whatever_key(split):
    notes = torch.cat([part.notes for part in split])
    flat, size = notes.flatten(1), len(notes)
    for shift in range(-6, 7):
        moved = notes.roll(shift, -1).flatten(1)
        common = flat @ moved.T
        shared = common / (flat.sum(-1)[:, None] + moved.sum(-1) - common)
        shared[torch.arange(size), torch.arange(size)] = 0.0
        assert shared.max() < 0.9


def test_without_music21_it_says_what_to_install(monkeypatch):
    assert find_spec("music21") is not None
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(ArgumentError, match=r'pip install "virgil-ppl\[data\]"'):
        chorales.load()
