"""Choices of an objective that do not fit together, refused with the reason: the one place for them."""

from __future__ import annotations

from collections.abc import Sequence

from virgil.errors import ArgumentError
from virgil.infer.elbo.bound import Bound
from virgil.infer.elbo.summing_out import SumOut
from virgil.infer.elbo.terms import Terms

__all__ = ["refuse", "score_refused"]


def refuse(terms: Terms, sum_out: SumOut, bound: Bound) -> None:
    """Refuse choices that no programs make fit together.

    Raises:
        ArgumentError: two choices do not fit; the message names both.
    """
    if bound.is_mean:
        return
    if not terms.at_draws:
        raise ArgumentError(
            f"terms={terms.name!r} and bound={bound.name!r} do not fit together: the bound is a function of the "
            "importance weight of each draw, and an analytic divergence is an average over draws, which has none. Use "
            "terms='sampled', or bound='mean'."
        )
    if sum_out.guide:
        raise ArgumentError(
            f"sum_out={sum_out.name!r} and bound={bound.name!r} do not fit together: variables that the guide "
            "enumerates are averaged over outside the logarithm, and the bound is a function of the importance weight "
            "of each draw. Use sum_out='model', so that the guide draws its variables, or bound='mean'."
        )


def score_refused(sites: Sequence[str], gradient: str, bound: str) -> ArgumentError:
    """The error for sites whose score function is needed under a bound that is no mean."""
    names = ", ".join(map(repr, sites))
    return ArgumentError(
        f"gradient={gradient!r} and bound={bound!r} do not fit together for site {names} of the guide: without a "
        "pathwise derivative its score function is multiplied by the terms that it can influence, and only a mean is "
        "a sum of terms. Use a distribution with rsample there, leave a discrete variable to the model by "
        "sum_out='model', pass a gradient rule of your own, or use bound='mean'."
    )
