"""The door to arviz-stats."""

from __future__ import annotations

from typing import Any

from virgil.errors import ArgumentError

__all__ = ["array_stats"]


def array_stats() -> Any:
    """arviz-stats' functions of arrays: Pareto smoothing, R-hat, Monte Carlo errors.

    Raises:
        ArgumentError: it is not installed.
    """
    try:
        import arviz_stats.base as base  # noqa: PLC0415 - an optional dependency at its door
    except ImportError:
        raise ArgumentError(
            "check() needs arviz-stats, which is not installed: pip install 'virgil-ppl[arviz]'."
        ) from None
    return vars(base)["array_stats"]
