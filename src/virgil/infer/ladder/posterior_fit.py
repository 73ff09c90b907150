"""``PosteriorFit``: what ``virgil.fit`` returns: a fit with draws of the posterior and the rungs that led to them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.fit import Fit
from virgil.infer.ladder.rung import Rung
from virgil.infer.ladder.summary import WIDTH, table
from virgil.infer.ladder.weighed import Weighed
from virgil.infer.trust.check import Check
from virgil.infer.trust.verdict import Verdict

__all__ = ["PosteriorFit"]


@dataclass(frozen=True)
class PosteriorFit(Fit):
    """A fit with draws of the posterior.

    Attributes: those of :class:`~virgil.infer.Fit`, and

        weighed: the draws with their weights.
        rungs: what was tried, in its order; the last is the one whose draws these are, unless none could be trusted.
        found: the check that the answer was judged by.
    """

    weighed: Weighed | None = None
    rungs: tuple[Rung, ...] = ()
    found: Check | None = None

    @property
    def verdict(self) -> Verdict:
        """How far to trust the draws, that of :meth:`check`."""
        return self.check().verdict

    def check(self, *args: Any, **kwargs: Any) -> Check:
        """How far to trust the draws: the check by which the ladder chose them; with arguments, one made anew.

        Args:
            *args: those of :meth:`Fit.check`.
            **kwargs: those of :meth:`Fit.check`.
        """
        if self.found is None or args or kwargs:
            return super().check(*args, **kwargs)
        return self.found

    def draws(
        self, num: int = 1000, *args: Any, method: str = "posterior", seed: int | None = None, **kwargs: Any
    ) -> dict[str, Tensor]:
        """Draws of the posterior, those of deterministic variables among them.

        Args:
            num: how many.
            *args: arguments of model and guide, for other methods. Default: those of the fit.
            method: ``"posterior"`` for draws with the corrections of the rung, or one of :meth:`Fit.draws`.
            seed: of the draws. Default: where the generator stands.
            **kwargs: keyword arguments of model and guide.

        Returns:
            By variable. Shape: ``(num, *shape of the variable)``.

        Raises:
            ArgumentError: an argument is out of range.
        """
        if self.weighed is None or method != "posterior":
            return super().draws(num, *args, method="guide" if method == "posterior" else method, seed=seed, **kwargs)
        if not isinstance(num, int) or isinstance(num, bool) or num < 1:
            raise ArgumentError(f"draws() got num={shown(num)}; it takes a whole number, 1 or more.")
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())) if seed is None else seed)
        return self.weighed.resampled(num, generator)

    def summary(self) -> str:
        """A table for the terminal: the verdict, the rungs, and each variable's mean, sd, quantiles and draws."""
        drawn = [] if self.weighed is None else ["", table(self.weighed)]
        learnt = ["", super().summary()] if self.params else []
        lines = [str(self.verdict), *drawn, "", *map(str, self.rungs), *learnt]
        return "\n".join(wrapped for line in lines for wrapped in _wrapped(line))

    def __repr__(self) -> str:
        return f"PosteriorFit({str(self.verdict)!r}, {self.wall_time:.1f} s)"


def _wrapped(line: str) -> list[str]:
    """A sentence in lines of the tables' width; tables stay as they are."""
    return [line] if "\n" in line or not line else textwrap.wrap(line, WIDTH, subsequent_indent="  ")
