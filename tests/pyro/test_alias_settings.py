"""The settings that old programs expect hold where the alias is in use, and only there."""

from __future__ import annotations

from virgil import settings
from virgil.pyro.table import DEFAULTS


def test_the_alias_sets_what_old_programs_expect():
    assert {name: settings.get(name) for name in DEFAULTS} == DEFAULTS
