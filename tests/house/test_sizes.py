"""A file is one concept and a function is one thought: both stay short."""

from __future__ import annotations

from tests.house.source import FILES, functions, name_of

LONGEST_FILE = 400
USUAL_FILE = 250
USUAL_SHARE = 0.9
LONGEST_FUNCTION = 60


def _lengths() -> dict[str, int]:
    return {name_of(path): len(path.read_text().splitlines()) for path in FILES}


def test_no_file_is_too_long() -> None:
    long = {name: lines for name, lines in _lengths().items() if lines > LONGEST_FILE}
    assert not long, f"Files over {LONGEST_FILE} lines hold more than one concept: {long}."


def test_most_files_are_short() -> None:
    lengths = _lengths()
    over = {name: lines for name, lines in lengths.items() if lines > USUAL_FILE}
    assert len(over) <= (1 - USUAL_SHARE) * len(lengths), f"Over {USUAL_FILE} lines: {over}, of {len(lengths)} files."


def test_functions_are_short() -> None:
    long = {
        f"{name_of(path)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in FILES
        for node in functions(path)
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert not long, f"Functions over {LONGEST_FUNCTION} lines hold more than one thought: {long}."
