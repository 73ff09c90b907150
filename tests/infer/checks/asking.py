"""One step of SVI, and what a user hears of it."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import virgil
from virgil.errors import FitWarning, VirgilError
from virgil.infer import SVI, Trace_ELBO


class Heard(NamedTuple):
    """What a step says: its severity, ``""`` for silence, the site at fault, and the message."""

    severity: str
    site: str | None
    message: str


def heard(model, guide, *args, loss=None, steps=1, optim=None) -> Heard:
    """What the first steps say, of one model and guide in a store of their own."""
    with warnings.catch_warnings(record=True) as caught, virgil.ParamStore():
        warnings.simplefilter("always")
        svi = SVI(model, guide, optim or virgil.optim.SGD({"lr": 1e-4}), loss or Trace_ELBO())
        try:
            for _ in range(steps):
                svi.step(*args)
        except VirgilError as error:
            return Heard("error", getattr(error, "site", None), f"{type(error).__name__}: {error}")
    shown = [str(each.message) for each in caught if issubclass(each.category, FitWarning)]
    assert len(shown) == len(caught), [str(each.message) for each in caught]
    return Heard("warning", None, "\n".join(shown)) if shown else Heard("", None, "")


def says(found: Heard, severity: str, *parts: str) -> None:
    """Hold a finding against what is expected of it."""
    assert found.severity == severity, found
    for part in parts:
        assert part in found.message, found.message
