"""The part of ``docs/coming-from-pyro.md`` that is made from the alias's table.

``python -m tests.pyro.alias_page`` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.house.source import ROOT
from virgil.ops.absent_names import INSTEAD
from virgil.pyro.old_module import in_old_words, offered
from virgil.pyro.paths import places_of
from virgil.pyro.table import DEFAULTS, LATER, ROOMS
from virgil.pyro.table import ROOT as ROOT_PATH

__all__ = ["PAGE", "made", "present"]

PAGE: Path = ROOT / "docs" / "coming-from-pyro.md"
BEGIN, END = "<!-- made from the table: python -m tests.pyro.alias_page -->\n", "<!-- end of what is made -->\n"


def made() -> str:
    """The part as the table makes it."""
    return "\n".join(line for part in (_settings, _modules, _later, _instead) for line in [*part(), ""])


def present() -> str:
    """The part as the page has it."""
    return PAGE.read_text().split(BEGIN)[1].split(END)[0]


def _settings() -> Iterator[str]:
    yield from ("### Settings", "", "These begin otherwise than in Virgil.", "")
    yield from ("| setting | under the alias |", "|---|---|")
    yield from (f"| `{name}` | `{value!r}` |" for name, value in DEFAULTS.items())


def _modules() -> Iterator[str]:
    yield from ("### Modules", "", "These import. A name that one of them lacks says so when it is asked for.", "")
    yield from ("| package | modules in it |", "|---|---|")
    for room in ROOMS:
        names = sorted([*room.modules.split(), *room.apart])
        yield f"| `{room.path}` | {', '.join(f'`{name}`' for name in names) or 'none of its own'} |"


def _later() -> Iterator[str]:
    yield from ("### Not there yet", "", "Importing one of these, or what is in it, says what to use.", "")
    yield from ("| module | today |", "|---|---|")
    yield from (f"| `{path}` | {in_old_words(words)}. |" for path, words in LATER.items())


def _instead() -> Iterator[str]:
    yield from ("### Names with a replacement", "", "| name | today |", "|---|---|")
    for room, names in INSTEAD.items():
        path = f"{ROOT_PATH}{room.removeprefix('virgil')}"
        if places_of(path) is None:
            continue
        by_words: dict[str, list[str]] = {}
        for name, words in names.items():
            if name not in offered(path) and places_of(f"{path}.{name}") is None:
                by_words.setdefault(in_old_words(words), []).append(f"{path}.{name}")
        for words, alike in by_words.items():
            shown = ", ".join(f"`{each}`" for each in alike)
            yield f"| {shown} | {words}. |"


if __name__ == "__main__":
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{made()}{END}{rest.split(END)[1]}")
