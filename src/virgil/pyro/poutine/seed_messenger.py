"""``SeedMessenger``."""

from __future__ import annotations

from virgil.poutine.seed import Seed
from virgil.pyro.poutine.messenger import Messenger

__all__ = ["SeedMessenger"]


class SeedMessenger(Messenger, Seed):
    """Seeds all generators at entry and puts their former state back at exit."""

    stands_for = (Seed,)
