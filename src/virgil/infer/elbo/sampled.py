"""``terms="sampled"``: both log-probabilities of a latent variable at the value drawn."""

from __future__ import annotations

from collections.abc import Mapping

from virgil.infer.elbo.terms import Placed, Term, Terms, of_guide, of_model
from virgil.poutine.masked_log_prob import counted

__all__ = ["SAMPLED", "sampled"]


def sampled(guide: Placed, model: Placed, unstated: Mapping[str, Placed]) -> list[Term]:
    """``log p(z) - log q(z)`` at the value drawn.

    Of a partly observed variable the slots that are observed are no variables, whatever the guide draws for them.
    """
    term = of_guide(guide)
    if model.site.latent_slots is not None:
        term = term._replace(value=counted(term.value, model.site.latent_slots))
    return [of_model(model), term]


SAMPLED = Terms("sampled", sampled, at_draws=True, of_densities=True)
