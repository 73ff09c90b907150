"""The alias for the tests of this folder. They import the old paths; its settings hold in them and in no other test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from virgil import settings

_house = settings.get()  # before the alias sets its own
import virgil.as_pyro  # noqa: E402, F401  the tests import old paths when they are collected

_alias = settings.get()
settings.set(**_house)


@pytest.fixture(autouse=True)
def settings_of_the_alias(fresh_language: None) -> Iterator[None]:
    """Let the alias's settings hold during a test, and the house's after it."""
    settings.set(**_alias)
    yield
    settings.set(**_house)
