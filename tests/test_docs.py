"""The Python of a page runs, as one program, and prints what the page says: `tests/house/pages.py` has the rules.

``python -m tests.test_docs`` writes into the pages what is printed now and differs. Look at it before you commit it.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path

import pytest

from tests.house.pages import blocks, difference, run
from tests.house.source import ROOT, name_of

LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)  # where `]( )` is an index and a call
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LONG = {"trust.md"}
RUN = [
    pytest.param(path, id=name_of(path), marks=pytest.mark.long if path.name in LONG else ())
    for path in PAGES
    if blocks(path.read_text())
]


@pytest.mark.parametrize("path", RUN)
def test_a_page_prints_what_it_says(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # for the files that the page writes
    for block, printed in run(path):
        if block.printed is not None:
            found = difference(printed, block.printed, block.rule)
            assert found is None, f"{name_of(path)} is out of date (python -m tests.test_docs): {found}"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    broken = [target for target in LINK.findall(CODE.sub("", path.read_text())) if not (path.parent / target).exists()]
    assert not broken


TABLE = """\
 site    figure   about it
 ─────────────────────────
 first  -12.50   0 of 10,000 are obs2 at 1e-05; z = -0.01
"""
WITHIN, EXAMPLE = "figures within 2 %", "example output"


@pytest.mark.parametrize("rule", [None, WITHIN, EXAMPLE])
def test_the_same_text_is_no_difference(rule: str | None) -> None:
    assert difference(TABLE, TABLE, rule) is None


@pytest.mark.parametrize("rule", [None, WITHIN, EXAMPLE])
@pytest.mark.parametrize(
    ("was", "now"), [("first", "second"), ("about it", ""), ("obs2", "obs3"), ("-12.50", "nan"), ("-12.50", "-12.50 7")]
)
def test_another_word_is_a_difference(was: str, now: str, rule: str | None) -> None:
    assert difference(TABLE.replace(was, now), TABLE, rule) is not None


# 2 % of the page's figure, and a unit of its last decimal place: 0.26 at 12.5, 0.0102 at 0.01, 200 at 10,000
NEAR = [("-12.50", "-12.76"), ("-12.50", "-12.3"), ("10,000", "9800"), ("10,000", "10,200"), ("-0.01", "-0.02")]
NEAR += [("-0.01", "0.00"), ("1e-05", "1.02e-05")]
FAR = [("-12.50", "-12.77"), ("-12.50", "12.50"), ("10,000", "9,799"), (" 0 of", " 1 of"), ("-0.01", "0.01")]
FAR += [("1e-05", "1.03e-05"), ("1e-05", "1e-06")]


@pytest.mark.parametrize(("was", "now"), NEAR)
def test_a_figure_near_enough_is_no_difference(was: str, now: str) -> None:
    moved = TABLE.replace(was, now)
    assert difference(moved, TABLE, WITHIN) is None
    assert difference(moved, TABLE) is not None


@pytest.mark.parametrize(("was", "now"), FAR)
def test_a_figure_too_far_away_is_a_difference(was: str, now: str) -> None:
    moved = TABLE.replace(was, now)
    assert difference(moved, TABLE, WITHIN) is not None
    assert difference(moved, TABLE, EXAMPLE) is None


def test_columns_are_as_wide_as_their_figures() -> None:
    narrow = TABLE.replace("    figure", " figure").replace("───", "─").replace("  -12", " -12")
    assert difference(narrow, TABLE, WITHIN) is None
    assert difference(narrow, TABLE) is not None


PAGE = """\
<!-- not run -->
```python
1 / 0
```

```python
x = 0.51
print("x is", x)
```

{}```text
x is 0.5
```
"""


@pytest.mark.parametrize(
    ("comment", "agrees"),
    [
        ("", False),
        ("<!-- figures within 1 % -->\n", True),
        ("<!-- figures within 0.1 % -->\n", True),
        ("<!-- example output -->\n", True),
    ],
)
def test_a_page_states_its_rule(comment: str, agrees: bool, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(PAGE.format(comment))
    ((block, printed),) = run(path)
    assert printed == "x is 0.51\n"
    assert (difference(printed, block.printed or "", block.rule) is None) == agrees


@pytest.mark.parametrize("comment", ["figures to 1 %", "figures within 1%", "an example", "not run"])
def test_a_comment_that_means_nothing_is_an_error(comment: str) -> None:
    with pytest.raises(ValueError, match="means nothing"):
        blocks(PAGE.format(f"<!-- {comment} -->\n"))


def _write(path: Path) -> None:
    text, pieces, done = path.read_text(), [], 0
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for block, printed in run(path):
            if block.printed is not None and difference(printed, block.printed, block.rule) is not None:
                start, end = block.span
                pieces += [text[done:start], printed]
                done = end
    path.write_text("".join([*pieces, text[done:]]))


if __name__ == "__main__":
    for page in PAGES:
        _write(page)
