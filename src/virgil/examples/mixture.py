"""A mixture of two normals on the eruptions of Old Faithful, memberships summed out exactly.

The geyser erupts briefly or long, and the wait for the next eruption follows. Each of 272 eruptions is of one of two
kinds; which, nobody wrote down. ``TraceEnum_ELBO`` sums this discrete variable out, so that the guide needs no more
than the kinds' shares, places and spread: ``mixture_model.py``. Afterwards the membership of each eruption is asked
for in three ways. What puzzles people about such guides is answered run by run: ``mixture_answers.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from torch import Tensor

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.examples.data.faithful import load
from virgil.examples.mixture_answers import full_guide, outcomes, refit, sampling_too, two_bounds
from virgil.examples.mixture_model import best_start, fit, model, point_guide
from virgil.examples.reports.mixture import Answers, Membership, draw, report_answers, report_fit, report_membership
from virgil.examples.reports.output import say
from virgil.infer import TraceEnum_ELBO, infer_discrete
from virgil.infer.autoguide import AutoDelta

__all__ = ["main", "membership"]


def membership(points: AutoDelta, data: Tensor, steps: int) -> Membership:
    """The kind of each eruption: the most probable, by its exact probabilities, and as a guide learns them."""
    fitted = poutine.trace(points).get_trace(data)
    likeliest = infer_discrete(poutine.replay(model, trace=fitted), temperature=0)(data)
    marginals = TraceEnum_ELBO().compute_marginals(model, points, data)["assignment"]
    learned = fit(full_guide(points), data, steps, rate=0.5).params["assignment_probs"]
    return Membership(likeliest, cast(dist.Categorical, marginals).probs, learned)


def main(steps: int = 400, seed: int = 0, out: Path = Path("demo")) -> None:
    """Fit, say which eruption is of which kind, answer the questions one by one, and draw the answers and the model."""
    virgil.clear_param_store()
    virgil.set_rng_seed(seed)
    eruptions = load()
    data = eruptions.data
    start, losses = best_start(data, seed)
    points = point_guide(start)
    fitted = fit(points, data, steps)
    report_fit(eruptions, points.median(), fitted, losses)

    too, full = sampling_too(points), full_guide(points)
    before, unlearned = two_bounds(points, too, data), two_bounds(points, full, data)
    kinds = membership(points, data, steps)
    report_membership(kinds)

    by_hand, misled = refit(data, start, steps)
    answers = Answers(
        points(data), outcomes(points, data), before, unlearned, two_bounds(points, full, data), fitted, by_hand, misled
    )
    report_answers(answers)
    draw(eruptions, points.median(), kinds, answers, out / "mixture.png")
    drawing = virgil.render_model(model, points, (data,), render_distributions=True)
    drawing.save(out / "mixture-model.svg")
    say(f"Model:   {out / 'mixture-model.svg'}")


if __name__ == "__main__":
    main()
