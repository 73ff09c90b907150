"""``Known``: the answer of a posterior, and the file of all answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("known.json")


@dataclass(frozen=True)
class Moments:
    """Means and standard deviations of a quantity's entries, with the Monte Carlo standard errors of both."""

    mean: list[float]
    sd: list[float]
    mean_error: list[float]
    sd_error: list[float]


@dataclass(frozen=True)
class Known:
    """The answer of a posterior.

    Attributes:
        source: ``"closed form"``, ``"quadrature"``, ``"NUTS"``, or ``"NUTS on ..."`` another parameterisation.
        moments: by quantity.
        r_hat: the largest split R-hat of the long run, over entries and their squares about the mean.
        effective: the smallest effective sample size, over the same.
        draws: of the long run, all chains together.
        divergences: how many of its transitions diverged.
        disagreement: between the long run and the source, if it is another: the largest difference of a mean or a
            standard deviation, in standard errors of the run.
    """

    source: str
    moments: Mapping[str, Moments]
    r_hat: float
    effective: float
    draws: int
    divergences: int
    disagreement: float | None = None


def read(path: Path = FILE) -> dict[str, Known]:
    """The answers by posterior."""
    return {name: _known(found) for name, found in json.loads(path.read_text()).items()}


def write(known: Mapping[str, Known], path: Path = FILE) -> None:
    """Write the answers, numbers with seven digits, a quantity a line."""
    text = []
    for name, found in known.items():
        plain = asdict(found)
        moments = plain.pop("moments")
        inner = ",\n".join(f"   {json.dumps(key)}: {json.dumps(_rounded(each))}" for key, each in moments.items())
        head = ", ".join(f"{json.dumps(key)}: {json.dumps(_rounded(each))}" for key, each in plain.items())
        text.append(f' {json.dumps(name)}: {{{head},\n  "moments": {{\n{inner}}}}}')
    path.write_text("{\n" + ",\n".join(text) + "\n}\n")


def _known(found: dict[str, Any]) -> Known:
    return Known(**{**found, "moments": {name: Moments(**each) for name, each in found["moments"].items()}})


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
