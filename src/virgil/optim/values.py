"""Checks of the values of options, with errors of the kind that torch's optimisers raise."""

from __future__ import annotations

from typing import Any

__all__ = ["check_rates", "check_value"]


def check_value(name: str, value: Any, is_right: bool, expected: str) -> None:
    """Check one option.

    Raises:
        ValueError: it is not right.
    """
    if not is_right:
        raise ValueError(f"{name}={value!r}, where {expected} was expected")


def check_rates(lr: float, betas: tuple[float, float], eps: float, clip_norm: float, lrd: float) -> None:
    """Check the options of an Adam with clipped gradients and a decaying learning rate.

    Raises:
        ValueError: one of them is not right.
    """
    check_value("lr", lr, lr >= 0, "a number that is not negative")
    check_value("betas", betas, len(betas) == 2 and all(0 <= beta < 1 for beta in betas), "two numbers in [0, 1)")
    check_value("eps", eps, eps >= 0, "a number that is not negative")
    check_value("clip_norm", clip_norm, clip_norm > 0, "a positive number")
    check_value("lrd", lrd, 0 < lrd <= 1, "a number in (0, 1]")
