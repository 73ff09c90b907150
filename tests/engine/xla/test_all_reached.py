"""Every operator that is lowered is tested, and on the page that lists them.

``python -m tests.engine.xla.test_all_reached`` writes the page anew.
"""

import importlib
import inspect
import pkgutil
import re
import textwrap
from pathlib import Path

import pytest

from tests.engine.xla.harness import absent_in, lowerings_in
from tests.house.source import ROOT
from virgil.engine.xla import lowerings
from virgil.engine.xla.registry import ABSENT, LOWERINGS

pytestmark = pytest.mark.long


NAMES = [each.name for each in pkgutil.iter_modules(lowerings.__path__)]
BY_FILE = {name: lowerings_in(importlib.import_module(f"{lowerings.__name__}.{name}")) for name in NAMES}
BY_FILE = {name: operators for name, operators in BY_FILE.items() if operators}
PAGE = ROOT / "docs" / "lowerings.md"
OPENING = """\
# What is lowered to XLA

With `engine="xla"` each operator of a captured step is computed by a function of JAX. A graph is taken apart into
[Core ATen](https://docs.pytorch.org/docs/stable/torch.compiler_ir.html) first, so that what is not listed here may well
be made of what is; where an operator is left without a lowering, the error names it and the line that it comes from.
Derivatives are part of the graph. Values, dtypes and shapes are those of eager PyTorch; random operators draw from the
same law, not the same numbers. What PyTorch refuses by looking at values cannot be refused in a graph: an index outside
gives NaN.
"""


def page() -> str:
    """The page: for each file what it says of itself, and its operators."""
    sections = [OPENING]
    for name, operators in BY_FILE.items():
        module = importlib.import_module(f"{lowerings.__name__}.{name}")
        operators = {*operators, *absent_in(module)}  # the page is the same for every version of torch
        about = " ".join((inspect.getdoc(module) or "").partition("\n\n")[0].split())
        listed = ", ".join(f"`{each}`" for each in sorted(set(map(_name, operators))))
        sections.append(f"## {name.replace('_', ' ').capitalize()}\n\n{_wrapped(about)}\n\n{_wrapped(listed)}\n")
    return "\n".join(sections)


def _name(operator: object) -> str:
    return str(operator).removeprefix("aten.").rpartition(".")[0]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def test_each_operator_is_lowered_in_one_file():
    assert sorted(map(str, LOWERINGS)) == sorted(str(each) for operators in BY_FILE.values() for each in operators)


def test_no_operator_is_absent_but_those_that_a_version_of_torch_has_removed():
    removed = {"aten.cholesky.default"}  # since 2.14
    assert set(map(str, ABSENT)) <= removed


def test_each_file_is_in_an_assertion_that_all_of_it_is_reached():
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    named = {name for call in re.findall(r"\blowerings_in\(([\w, ]+)\)", sources) for name in call.split(", ")}
    assert set(BY_FILE) <= named


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "docs/lowerings.md is out of date: python -m tests.engine.xla.test_all_reached"


if __name__ == "__main__":
    PAGE.write_text(page())
