"""The meaning of each role of a site for the guide, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from virgil.explain.alike import alike_as_one
from virgil.explain.row import Row

__all__ = ["MEANINGS", "RULE", "sentences"]

RULE = "The guide must state, by the same name, each variable of the model that is latent and not summed out; no other."

# in the order in which they are told
MEANINGS = {
    "sampled in the guide": "latent, and stated in the guide, whose distribution is fitted to the posterior.",
    "point estimate": "latent, and a Delta in the guide: one best value is fitted, without its uncertainty.",
    "enumerated in the guide": (
        "latent and discrete; stated in the guide, of which the objective takes all values, each with the guide's own "
        "probability, in place of a draw."
    ),
    "several draws": "latent; the objective takes several draws of the guide at once.",
    "summed out": (
        "latent and discrete; the model marks it to be enumerated, and the objective sums over all its values exactly, "
        "so the guide need not state it."
    ),
    "observed": "data; there is nothing to infer, so the guide must not state it.",
    "restated": "a function of the variables that poutine.reparam states in its place; the guide states those instead.",
    "deterministic": "computed from other values, and not random itself, so the guide need not state it.",
    "factor": "a term added to the log-probability, and no variable.",
    "auxiliary": "a variable of the guide alone, declared by is_auxiliary.",
    "hidden": (
        "hidden by poutine.block; the objective does not see it: it is drawn from the model's own distribution, and "
        "the guide must not state it."
    ),
    "missing in the guide": "latent, and nothing sums it out: the guide must state it, and does not.",
    "only in the guide": "stated in the guide, but no variable of the model.",
    "observed in the guide": "observed in the guide, which must state latent variables only.",
    "sampled though observed": "data in the model, and sampled in the guide, which must not state it.",
    "latent": "latent in the model; a program failed before it showed what becomes of it.",
    "stated in the guide": "stated in the guide; the model failed before it could state it.",
}


def sentences(rows: Sequence[Row]) -> list[str]:
    """The rule, and what it means for the sites at hand: a sentence for each role that is there."""
    told = [RULE] if rows else []
    shown = alike_as_one(rows)
    for role, meaning in MEANINGS.items():
        names = [row.site for row in shown if row.role == role]
        if names:
            told.append(f"{', '.join(names)}: {meaning}")
    return told
