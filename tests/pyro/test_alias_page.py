"""The page on the alias says what the table says."""

from __future__ import annotations

from tests.pyro.alias_page import made, present


def test_the_page_is_made_from_the_table():
    assert present() == made(), "docs/coming-from-pyro.md is out of date: python -m tests.pyro.alias_page"
