"""The part of ``docs/families.md`` that is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.house.families.definitions import definition
from tests.house.families.facts import closed_forms, divergences, parameters, support
from tests.house.families.wings import WINGS, families, instance, wing
from tests.house.source import ROOT
from virgil.distributions import Distribution

__all__ = ["FOLDER", "PAGE", "made", "present", "write"]

PAGE: Path = ROOT / "docs" / "families.md"
FOLDER: Path = ROOT / "docs" / "families"
BEGIN, END = "<!-- made from the code: python -m tests.house.families -->\n", "<!-- end of what is made -->\n"


def made() -> str:
    """The tables as the code makes them."""
    known = divergences()
    return "\n".join(line for name in WINGS for line in [*_section(name, known), ""])


def present() -> str:
    """The tables as the page has them."""
    return PAGE.read_text().split(BEGIN)[1].split(END)[0]


def write() -> None:
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{made()}{END}{rest.split(END)[1]}")


def _section(name: str, known: dict[str, list[str]]) -> Iterator[str]:
    title = name.replace("_", " ")
    about = " ".join((wing(name).__doc__ or "").partition("\n\n")[0].split())
    yield from (f"## {title.capitalize()}", "", about, "")
    if (FOLDER / f"{name}.png").exists():
        yield from (f"![Families of the wing {title}](families/{name}.png)", "")
    yield from (
        "| family | definition | support | parameters | has | divergence from it to |",
        "|---|---|---|---|---|---|",
    )
    for each in families(name):
        fn = instance(each)
        about = definition(each)
        if fn is None:
            lacks = "no density" if issubclass(each, Distribution) else "no distribution itself"
            yield f"| `{each.__name__}` | {about} | | {parameters(each, None)} | {lacks} | |"
            continue
        has = ", ".join(closed_forms(fn)) or "density and draws only"
        others = ", ".join(f"`{other}`" for other in known.get(each.__name__, []))
        yield f"| `{each.__name__}` | {about} | {support(each, fn)} | {parameters(each, fn)} | {has} | {others} |"
