"""``uncollapse_conjugate`` and ``posterior_replay``: draw the latent variables that were left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.contrib.conjugate.collapse import CollapseConjugate
from virgil.contrib.conjugate.marginal import Marginal
from virgil.contrib.conjugate.pairs import pair_of
from virgil.distributions import Independent
from virgil.errors import ArgumentError, shown
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, trace
from virgil.poutine.wrap import Program, wrapped

__all__ = ["UncollapseConjugate", "posterior_replay", "uncollapse_conjugate"]


class UncollapseConjugate(Replay):
    """Replays a trace, and draws each latent variable that it lacks from its posterior given the observations there.

    Args:
        trace: an execution of the program under ``collapse_conjugate``.
    """

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace)
        self.posteriors = {
            fn.site: fn.posterior(site.value)
            for site in trace.nodes.values()
            if isinstance(fn := _without_event(site.fn), Marginal)
        }

    def before(self, site: Site) -> Site:
        """Put the posterior in the place of the prior, or fill in the recorded value."""
        if site.is_latent and site.value is None and site.name in self.posteriors and pair_of(site.fn) is not None:
            return site.replace(fn=self.posteriors[site.name].to_event(len(site.fn.event_shape)))
        return super().before(site)


def _without_event(fn: Any) -> Any:
    while isinstance(fn, Independent):
        fn = fn.base_dist
    return fn


class _Given(Handler):
    """Gives latent sites their values by name."""

    def __init__(self, values: Mapping[str, Tensor]) -> None:
        self.values = values

    def before(self, site: Site) -> Site:
        return site.with_value(self.values[site.name]) if site.is_latent and site.name in self.values else site


def uncollapse_conjugate(fn: Program | None = None, trace: Trace | None = None) -> Any:
    """Run a program with the values of ``trace``, its collapsed latent variables drawn from their posteriors.

    Args:
        fn: the program; without one, the handler is returned.
        trace: an execution of it under ``collapse_conjugate``.

    Raises:
        ArgumentError: there is no trace.
    """
    if not isinstance(trace, Trace):
        raise ArgumentError(f"uncollapse_conjugate() got trace={shown(trace)}; it takes a trace of the program.")
    return wrapped(UncollapseConjugate(trace), fn)


def posterior_replay(
    model: Callable[..., Any], posterior_samples: Mapping[str, Tensor], *args: Any, **kwargs: Any
) -> dict[str, Tensor]:
    """Draws of all latent variables of a model, from draws of those that were not integrated out.

    Observations that ``args`` leaves out are drawn as well, so that the posterior predictive distribution comes from
    the draws of all latent variables.

    Args:
        model: the program.
        posterior_samples: draws by site, along their first dim.
        *args: arguments of the model.
        **kwargs: likewise.

    Returns:
        Draws by site. Shape: ``(num_samples, *shape of the site)``.

    Raises:
        ArgumentError: there are no draws, or not the same number of each.

    Example:
        >>> import torch, virgil
        >>> from virgil.contrib.conjugate import GammaPoissonPair
        >>> def model(count):
        ...     pair = GammaPoissonPair()
        ...     shape = virgil.sample("shape", virgil.distributions.Gamma(4.0, 1.0))
        ...     rate = virgil.sample("rate", pair.latent(shape, torch.tensor(2.0)))
        ...     virgil.sample("count", pair.conditional(rate), obs=count)
        >>> draws = posterior_replay(model, {"shape": torch.ones(7)}, torch.tensor(3.0))
        >>> {name: tuple(draw.shape) for name, draw in draws.items()}
        {'shape': (7,), 'rate': (7,)}
    """
    lengths = {len(draws) for draws in posterior_samples.values()}
    if len(lengths) != 1:
        raise ArgumentError(
            f"posterior_replay() got draws of {', '.join(posterior_samples) or 'no site'}, of "
            f"{' and '.join(map(str, sorted(lengths))) or 'no'} rows. Pass at least one site, "
            "with as many rows for each."
        )
    runs = []
    with torch.no_grad():
        for row in range(lengths.pop()):
            given = _Given({name: draws[row] for name, draws in posterior_samples.items()})(model)
            collapsed = trace(CollapseConjugate()(given)).get_trace(*args, **kwargs)
            runs.append(trace(UncollapseConjugate(collapsed)(given)).get_trace(*args, **kwargs))
    return {name: torch.stack([run.nodes[name].value for run in runs]) for name in runs[0].stochastic_nodes}
