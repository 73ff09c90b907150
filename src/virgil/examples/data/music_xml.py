"""Notes as they sound, read from compressed MusicXML."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

__all__ = ["Note", "read_parts"]

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Note(NamedTuple):
    """A note: when it begins and ends, in quarters from the beginning, and its pitch as a MIDI number (C4 is 60)."""

    begin: Fraction
    end: Fraction
    pitch: int


def read_parts(path: Path) -> list[list[Note]]:
    """The notes of each part of a file ``.mxl``. Repeats are read once; ties and grace notes sound nothing anew."""
    with zipfile.ZipFile(path) as archive:
        container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
        place = next(each.get("full-path", "") for each in container.iter() if each.tag.endswith("rootfile"))
        root = ElementTree.fromstring(archive.read(place))
    return [list(_read_part(part)) for part in root.findall("part")]


def _read_part(part: Element) -> Iterator[Note]:
    begin, divisions = Fraction(0), 1  # of the measure, and how many a quarter has: the unit of durations
    for measure in part.findall("measure"):
        length = cursor = chord = 0  # where the next note begins, and where the last one did
        for element in measure:
            duration = int(element.findtext("duration") or 0)
            if element.tag == "attributes":
                divisions = int(element.findtext("divisions") or divisions)
            elif element.tag == "backup":
                cursor -= duration
            elif element.tag == "forward":
                cursor += duration
            elif element.tag == "note" and element.find("grace") is None:
                chord = chord if element.find("chord") is not None else cursor
                cursor = chord + duration
                if (pitch := element.find("pitch")) is not None:
                    yield Note(begin + Fraction(chord, divisions), begin + Fraction(cursor, divisions), _midi(pitch))
            length = max(length, cursor)
        begin += Fraction(length, divisions)


def _midi(pitch: Element) -> int:
    octave, alter = int(pitch.findtext("octave") or 0), int(pitch.findtext("alter") or 0)
    return 12 * (octave + 1) + _SEMITONES[pitch.findtext("step") or ""] + alter
