"""Variables drawn from the product of their prior and a likelihood of the same family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import distributions as td

from virgil.errors import ArgumentError, shown
from virgil.infer.reparam.reparameteriser import Reparam, computed, refuse_observed, state
from virgil.poutine.reparam import ReparamMessage, ReparamResult

__all__ = ["ConjugateReparam"]


class ConjugateReparam(Reparam):
    r"""Draws a latent variable from its prior times a density of the same family, and counts the ratio.

    With prior :math:`p(x)` and the normalised product :math:`q(x)` of it with the density given, the variable is drawn
    from q, and its place in the program has the log-density :math:`\log p(x) - \log q(x)`. The bound of a program
    without further latent variables is then the evidence lower bound of the guide q, which needs no statement of its
    own; where the density given is the likelihood, q is the posterior, and the bound the evidence.

    Args:
        guide: the density, with ``conjugate_update`` of the prior's family, or a function of the program's arguments
            that returns it.

    Raises:
        ArgumentError: the variable is observed, ``guide`` is neither, or its family is not the prior's.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.reparam import ConjugateReparam
        >>> def model():
        ...     prob = virgil.sample("prob", dist.Beta(0.5, 1.5))
        ...     virgil.sample("count", dist.Binomial(10, prob), obs=torch.tensor(2.0))
        >>> conjugate = ConjugateReparam(dist.Beta(3.0, 9.0))  # the likelihood of 2 heads in 10
        >>> program = virgil.poutine.reparam(model, config={"prob": conjugate})
        >>> trace = virgil.poutine.trace(program).get_trace()
        >>> trace.stochastic_nodes
        []
        >>> round(float(trace.log_prob_sum()), 4)  # the evidence, at any draw
        -2.1732
    """

    def __init__(self, guide: td.Distribution | Callable[..., td.Distribution]) -> None:
        if not (isinstance(guide, td.Distribution) or callable(guide)):
            raise ArgumentError(
                f"ConjugateReparam got guide={shown(guide)}; it takes a distribution, or a function that returns one."
            )
        self.guide = guide

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """Draw from the product; the variable itself counts the ratio of the densities."""
        refuse_observed(self, msg)
        name, fn = msg["name"], msg["fn"]
        guide: Any = self.guide
        if not isinstance(guide, td.Distribution):
            guide = guide(*msg.get("args", ()), **msg.get("kwargs", {}))
        updated, _ = fn.conjugate_update(guide)
        noise = {"is_auxiliary": True, "_do_not_trace": True}
        value = state(f"{name}_updated", updated, msg["value"], infer=noise)
        log_ratio = fn.log_prob(value) - updated.log_prob(value)
        return computed(value, len(fn.event_shape), log_ratio)
