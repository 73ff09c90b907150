"""One fit, checked and compared with what is known: its rows."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

import virgil
from benchmarks.accuracy.known import Known
from benchmarks.accuracy.measure import Errors, claimed, errors, judged
from benchmarks.accuracy.methods import Fitted, Method
from benchmarks.accuracy.posteriors.posterior import Draws, Posterior
from virgil.errors import ArgumentError
from virgil.infer import Fit

DRAWS = 20_000
JUDGED = ("guide", "posterior")  # what a verdict on a fit is about


@dataclass(frozen=True)
class Row:
    """An answer and its errors.

    Attributes:
        posterior: its name.
        method: of the row.
        errors: against what is known; ``None`` where there is no answer.
        why: in that case, the reason.
        seconds: of the fit and these draws.
        gradients: of the fit.
        k_hat: of the fit; NaN where there is none.
        trusts: the verdict on the fit, in rows of the guide's own draws; empty in others.
        judgement: of this verdict; empty likewise.
        sentence: the verdict in words.
        claimed: the errors of the draws that the verdict trusts; ``None`` where it trusts none.
        check_seconds: of the check.
    """

    posterior: str
    method: str
    errors: Errors | None
    why: str
    seconds: float
    gradients: int
    k_hat: float = math.nan
    trusts: str = ""
    judgement: str = ""
    sentence: str = ""
    claimed: Errors | None = None
    check_seconds: float = 0.0


def read_rows(path: Path) -> list[Row]:
    """The rows of a file."""
    plain = json.loads(path.read_text())
    return [
        Row(**{**row, **{name: row[name] and Errors(**row[name]) for name in ("errors", "claimed")}}) for row in plain
    ]


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows as JSON."""
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def rows_of(posterior: Posterior, known: Known, method: Method, check: bool = True) -> list[Row]:
    """Fit by one method, and compare each answer."""
    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted = method.fitter(posterior, posterior.arguments())
        except (ArithmeticError, RuntimeError, ValueError) as error:
            return [Row(posterior.name, name, None, _short(error), 0.0, 0) for name in method.answers]
        return [_row(posterior, known, fitted, name, way, check) for name, way in method.answers.items()]


def _row(posterior: Posterior, known: Known, fitted: Fitted, name: str, way: str, check: bool) -> Row:
    begin = time.perf_counter()
    try:
        found, why = errors(posterior, known, _draws(fitted.fit, way)), ""
    except (ArithmeticError, RuntimeError, ValueError) as error:
        found, why = None, _short(error)
    seconds = fitted.seconds + time.perf_counter() - begin
    row = Row(posterior.name, name, found, why, seconds, fitted.gradients)
    if way not in JUDGED or not check or found is None:
        return row
    return _checked(row, posterior, known, fitted.fit, found)


def _checked(row: Row, posterior: Posterior, known: Known, fit: Fit, own: Errors) -> Row:
    begin = time.perf_counter()
    try:
        checked = fit.check()
    except (ArithmeticError, RuntimeError, ValueError) as error:
        return replace(row, trusts="no check", sentence=_short(error))
    check_seconds = time.perf_counter() - begin
    try:
        weighted = errors(posterior, known, _finite(checked.draws(DRAWS)))
    except ArgumentError:
        weighted = None
    trusts = checked.verdict.trusts
    return replace(
        row,
        k_hat=checked.k_hat,
        trusts=trusts,
        judgement=judged(trusts, own, weighted),
        sentence=str(checked),
        claimed=claimed(trusts, own, weighted),
        check_seconds=check_seconds,
    )


def _draws(fit: Fit, way: str) -> Draws:
    return _finite(fit.draws(DRAWS, method=way, seed=1))


def _finite(draws: Draws) -> Draws:
    for name, values in draws.items():
        if not bool(torch.isfinite(values).all()):
            raise ArithmeticError(f"draws of {name!r} are not finite")
    return draws


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:160]}"
