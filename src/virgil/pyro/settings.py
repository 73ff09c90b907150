"""Settings by the names of old programs, beside those of :mod:`virgil.settings`.

Four switches of validation are one here. Three settings about approximations that Virgil does not make are kept, and
change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from virgil import settings
from virgil.settings import register

__all__ = ["context", "get", "register", "set"]

_VALIDATIONS = (
    "validate_distributions_pyro",
    "validate_distributions_torch",
    "validate_infer",
    "validate_poutine",
)


class Approximations:
    """Settings of approximations that are not made."""

    binomial_approx_log_prob_tol = 0.0
    binomial_approx_sample_thresh = float("inf")
    cholesky_relative_jitter = 4.0


_APPROXIMATIONS = [name for name in vars(Approximations) if not name.startswith("_")]
for _name in _APPROXIMATIONS:
    register(_name, __name__, f"Approximations.{_name}")


def get(alias: str | None = None) -> Any:
    """The value of one setting, or a dict of all, those of :mod:`virgil.settings` among them.

    >>> get("validate_infer")
    True
    """
    if alias is None:
        return {**settings.get(), **dict.fromkeys(_VALIDATIONS, settings.get("validate"))}
    return settings.get(_today(alias))


def set(**kwargs: Any) -> None:
    """Change settings of the process.

    Raises:
        ArgumentError: as :func:`virgil.settings.set`.
    """
    settings.set(**_translated(kwargs))


@contextmanager
def context(**kwargs: Any) -> Iterator[None]:
    """Change settings inside a block, or by a decorator inside a function.

    Raises:
        ArgumentError: as for :func:`set`.
    """
    with settings.context(**_translated(kwargs)):
        yield


def _today(alias: str) -> str:
    return "validate" if alias in _VALIDATIONS else alias


def _translated(given: dict[str, Any]) -> dict[str, Any]:
    return {_today(alias): value for alias, value in given.items()}
