"""``Answer``: draws of the posterior from one rung, and the verdict on them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from virgil.infer.ladder.weighed import Weighed
from virgil.infer.trust.verdict import Verdict
from virgil.infer.trust.weights import Importance

__all__ = ["Answer", "missing"]

_ERRORS = 3.0  # standard errors of a difference of evidences
_SHARE = 0.01  # of the posterior that an answer may miss


@dataclass(frozen=True, eq=False)
class Answer:
    """Draws of the posterior and what they are worth.

    Attributes:
        weighed: the draws.
        weights: their importance weights; ``None`` of chains.
        verdict: on the draws.
        is_final: whether nothing better needs to be tried.
    """

    weighed: Weighed
    weights: Importance | None
    verdict: Verdict
    is_final: bool


def missing(answer: Answer, other: Answer) -> Answer:
    """An answer as it is judged beside another one of the same posterior.

    Weighted draws that never reach a part of the posterior have less evidence by that part.
    """
    one, two = answer.weights, other.weights
    if one is None or two is None or not (one.is_usable and two.is_usable):
        return answer
    gap, error = two.evidence - one.evidence, math.hypot(one.evidence_error, two.evidence_error)
    if gap <= max(_ERRORS * error, _SHARE):
        return answer
    sentence = (
        f"Do not trust: the weighted draws miss {-math.expm1(-gap):.0%} of the posterior, by their evidence beside "
        "that of other draws."
    )
    return replace(answer, verdict=Verdict("nothing", sentence), is_final=False)
