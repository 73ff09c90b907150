"""``collapse_conjugate``: leave latent variables of conjugate pairs out of a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor

from virgil.contrib.autoname.renewed import renewed
from virgil.contrib.conjugate.marginal import Marginal
from virgil.contrib.conjugate.pairs import ConjugatePair, pair_of
from virgil.errors import ArgumentError
from virgil.poutine.plate_context import active_frames
from virgil.poutine.runtime import Handler, Outer, states_nothing
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["CollapseConjugate", "collapse_conjugate"]


@dataclass(frozen=True)
class _Latent:
    """A latent variable that has been left out.

    Attributes:
        name: its name.
        fn: its distribution given what has been observed so far.
        seen: true if something has been observed.
    """

    name: str
    fn: Any
    seen: bool = False


class CollapseConjugate(Handler):
    """Hides the latent sites of pairs, and gives their observations the distribution without them."""

    def __init__(self) -> None:
        self._left_out: dict[ConjugatePair, _Latent] = {}

    def __enter__(self) -> Self:
        self._left_out = {}
        return super().__enter__()

    @states_nothing
    def handle(self, site: Site, outer: Outer) -> Site:
        """Hide a latent variable, or score observations without it."""
        found = pair_of(site.fn) if site.kind == "sample" else None
        if found is None:
            return outer(site)
        pair, fn, _ = found
        if isinstance(fn, pair.latent_family):
            return self._hidden(pair, site) if site.is_latent and site.value is None else outer(site)
        return self._marginal(pair, site, outer) if pair in self._left_out else outer(site)

    def _hidden(self, pair: ConjugatePair, site: Site) -> Site:
        placed = _in_all_plates(site)
        self._left_out[pair] = _Latent(site.name, _without_event(placed.fn))
        return placed.resolve()

    def _marginal(self, pair: ConjugatePair, site: Site, outer: Outer) -> Site:
        latent = self._left_out[pair]
        placed = _in_all_plates(site)
        marginal = Marginal(pair, latent.fn, _without_event(placed.fn), latent.name)
        if marginal.shared_dims() or latent.seen:
            _refuse_weights(placed, latent.name)
        finished = outer(site.replace(fn=marginal.to_event(len(site.fn.event_shape))))
        self._left_out[pair] = _Latent(latent.name, marginal.posterior(finished.value), seen=True)
        return finished

    def __call__(self, fn: Callable[..., Any]) -> Any:
        """The program that leaves its own latent variables out in each call."""
        return renewed(CollapseConjugate, fn)


def _in_all_plates(site: Site) -> Site:
    """The site broadcast to all plates around it, those entered outside of the handler too."""
    placed = site.replace(frames=tuple(active_frames()))
    placed.broadcast()
    return placed


def _without_event(fn: Any) -> Any:
    found = pair_of(fn)
    return fn if found is None else found[1]


def _refuse_weights(site: Site, latent: str) -> None:
    if site.mask is not None or isinstance(site.scale, Tensor) or site.scale != 1.0 or site.weight != 1.0:
        raise ArgumentError(
            f"collapse_conjugate() met observations {site.name!r} that share the latent variable {latent!r} and are "
            "masked, scaled or a mini-batch. Integrated out, they depend on each other and cannot be weighed one by "
            "one. Pass all the data, or leave the variable in the program."
        )


def collapse_conjugate(fn: Program | None = None) -> Any:
    """Integrate the latent variables of conjugate pairs out of a program, in closed form.

    A latent site whose distribution is a pair's ``latent(...)`` vanishes: the program goes on with a draw from its
    prior. The sites that state the pair's ``conditional(...)`` get the joint distribution of their observations without
    it. The draw must be used for nothing else that the program states.

    Args:
        fn: the program; without one, the handler is returned.

    Raises:
        ArgumentError: while the program runs, if observations share a latent variable and are masked, scaled or a
            mini-batch.

    Example:
        >>> import torch, virgil
        >>> from virgil.contrib.conjugate import BetaBinomialPair
        >>> def model(heads):
        ...     pair = BetaBinomialPair()
        ...     p = virgil.sample("p", pair.latent(torch.tensor(1.0), torch.tensor(1.0)))
        ...     virgil.sample("heads", pair.conditional(total_count=9, probs=p), obs=heads)
        >>> trace = virgil.poutine.trace(collapse_conjugate(model)).get_trace(torch.tensor(4.0))
        >>> trace.stochastic_nodes, round(trace.log_prob_sum().exp().item(), 4)  # all counts are equally likely
        ([], 0.1)
    """
    return wrapped(CollapseConjugate(), fn)
