"""The definition of a family from its docstring: the first sentence, and those that state a formula."""

from __future__ import annotations

import inspect
import itertools
import re
from typing import Any

__all__ = ["definition", "has_formula"]

_SECTIONS = re.compile(r"^\s*(Args|Raises|Attributes|Example|Returns):|^\s*>>>", re.MULTILINE)
_DISPLAY = re.compile(r"^\.\. math::(.*(?:\n(?=[ \t]+\S).*)*)", re.MULTILINE)
_SPAN = re.compile(r"``(.+?)``|:math:`(.+?)`", re.DOTALL)
_OTHER = re.compile(r"`[A-Z]\w+`")  # a family, as all names with a capital are
_SENTENCE = re.compile(r"(?<=[.*])\s+(?=[A-Z§`*¶])|(?<=¶)\s+(?=[A-Z])")
_SUBJECTS = re.compile(r"densit|probabilit|distribution function|characteristic function|precision matrix")
_STATES = re.compile(r"[*/^=+]|\\|\(\w| - ")


def definition(family: type[Any]) -> str:
    """Markdown for a cell of a table: spans of code and of mathematics, without line breaks."""
    sentences = _sentences(inspect.getdoc(family) or "")
    kept = sentences[:1]
    for before, each in itertools.pairwise(sentences):
        if _is_formula(each) or (before in kept and each.startswith("Here ")):
            kept.append(each)
    return _in_cell(" ".join(kept))


def has_formula(family: type[Any]) -> bool:
    """True if the definition states a formula, or names the family whose formula it takes."""
    text = definition(family)
    return "$" in text or bool(_OTHER.search(text)) or any(_STATES.search(each) for each in re.findall("`(.+?)`", text))


def _sentences(text: str) -> list[str]:
    text = _SECTIONS.split(text)[0]
    # a formula on lines of its own is a sentence
    text = _DISPLAY.sub(lambda match: f"¶{' '.join(match[1].split())}¶", text)
    hidden: list[str] = []

    def hide(match: re.Match[str]) -> str:
        hidden.append(" ".join(match[0].split()))
        return f"¶{len(hidden) - 1}¶" if match[0].startswith("¶") else f"§{len(hidden) - 1}§"

    text = re.sub(r"¶[^¶]+¶", hide, text)
    text = _SPAN.sub(hide, text)
    found = [each for each in _SENTENCE.split(" ".join(text.split())) if not each.startswith(("Shape:", "``"))]
    return [re.sub(r"[§¶](\d+)[§¶]", lambda match: hidden[int(match[1])], each) for each in found]


def _is_formula(sentence: str) -> bool:
    if "¶" in sentence:
        return True
    if "derivative" in sentence:
        return False
    spans = [match[1] or match[2] for match in _SPAN.finditer(sentence)]
    return bool(_SUBJECTS.search(sentence)) and any(_STATES.search(each) for each in spans)


def _in_cell(text: str) -> str:
    """Markup of docstrings as that of a page; a bar would end the cell."""

    def span(match: re.Match[str]) -> str:
        code, mathematics = match.groups()
        return f"`{code}`" if code else _mathematics(mathematics)

    text = re.sub(r"¶([^¶]+)¶", lambda match: _mathematics(match[1]), text)
    text = _SPAN.sub(span, text)
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _mathematics(formula: str) -> str:
    """TeX without a bar, which ends a cell, and without a backslash before a comma, which Markdown would take away."""
    text = " ".join(formula.split()).replace(r"\,", r"\thinspace ")
    text = text.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
    return f"${text}$"
