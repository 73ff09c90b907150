"""``Predictive``: draws from the prior or the posterior predictive distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from virgil.engine.work import Work
from virgil.errors import ArgumentError, did_you_mean, shown
from virgil.infer.checks.names import unknown_names
from virgil.infer.density.draws_check import most_at_once
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.execution import Call, no_guide, run_pair
from virgil.infer.density.nesting import nesting
from virgil.infer.density.vectorize import Vectorization, draws_in_one_execution
from virgil.infer.warn import show_warning
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["Given", "Predictive"]

_ONE_BY_ONE = Vectorization(dim=-1, at_once=False)

Samples = Mapping[str, Tensor]


class Given(Handler):
    """Gives latent sites and plates their values by name, cut to the shape that they have in one execution.

    Args:
        values: by name, with the draws first.
        draws: how the execution holds draws.
    """

    def __init__(self, values: Samples, draws: Vectorization) -> None:
        self.values = values
        self.draws = draws

    def before(self, site: Site) -> Site:
        value = self.values.get(site.name) if site.is_latent or (site.kind == "plate" and not site.observed) else None
        if value is None:
            return site
        return site.with_value(self.draws.placed(self.fitted(site, value), len(site.fn.event_shape)))

    def fitted(self, site: Site, value: Tensor) -> Tensor:
        """The values of a site as they were given, with the draws first."""
        return value


class Predictive(nn.Module):
    """Run a model many times, with its latent variables drawn from the prior, from a guide, or taken from samples.

    Called with the model's arguments it returns a dict from site to draws. Shape: ``(num_samples, *shape of the
    site)``. Pass ``None`` for the data to have the observed sites drawn as well. No gradients are kept.

    Args:
        model: the program.
        posterior_samples: draws by site, all with the same first dim; sites not in it are drawn from the model.
        guide: draws the latent variables, in place of ``posterior_samples``.
        num_samples: how many draws. Default: as many as ``posterior_samples`` holds.
        return_sites: the sites to return, ``"_RETURN"`` for the model's own result. Default: all sample and
            deterministic sites that are not in ``posterior_samples``.
        parallel: run all draws at once: with a dim of their own left of all plates, or by ``torch.func.vmap`` where the
            programs index or reduce from the left, if a comparison with draws run alone shows that this gives the same;
            else one by one, with a warning. Draws at once share the mini-batches of plates.

    Raises:
        ArgumentError: numbers of draws that contradict each other, or an unknown name in ``return_sites``.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import Predictive
        >>> def model(data=None):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     with virgil.plate("data", 3):
        ...         return virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
        >>> draws = Predictive(model, num_samples=100)()
        >>> {name: tuple(value.shape) for name, value in draws.items()}
        {'mu': (100,), 'x': (100, 3)}
    """

    def __init__(
        self,
        model: Callable[..., Any],
        posterior_samples: Samples | None = None,
        guide: Callable[..., Any] | None = None,
        num_samples: int | None = None,
        return_sites: Sequence[str] = (),
        parallel: bool = False,
    ) -> None:
        super().__init__()
        if guide is not None and posterior_samples:
            raise ArgumentError(
                "Predictive got both guide and posterior_samples. Give one: draws come from the guide, or are given."
            )
        if isinstance(return_sites, str):
            raise ArgumentError(
                f"Predictive got return_sites={return_sites!r}, a single string; it takes a list, [{return_sites!r}]."
            )
        self.model = model
        self.guide = guide
        self.posterior_samples = dict(posterior_samples or {})
        self.num_samples = _count(self.posterior_samples, num_samples)
        self.return_sites = tuple(return_sites or ())
        self.parallel = parallel
        self._looked_for: set[str] = set()

    @torch.no_grad()
    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw; the arguments are those of model and guide."""
        return self._draws(args, kwargs)[1]

    def _draws(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Trace, dict[str, Tensor]]:
        """An execution with one draw, and the values of all draws by site."""
        single = None
        draws = _ONE_BY_ONE
        if self.parallel and self.num_samples > 1:
            single, draws = self._tried(args, kwargs)
        runs = []
        for rows in draws.chunks(self.num_samples):
            call = self._call(args, kwargs, rows, draws)
            runs.append(draws.run(partial(run_pair, call), len(rows), densities=False).model)
        self._look_for_names(runs)
        names = self._returned(runs[0] if single is None else single)
        if single is None:
            return runs[0], {name: torch.stack([_value(run, name) for run in runs]) for name in names}
        counts = [len(rows) for rows in draws.chunks(self.num_samples)]
        return single, {name: _joined(name, runs, counts, single, draws) for name in names}

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any], rows: range, draws: Vectorization) -> Call:
        """Model and guide with the samples of these draws, from the first again where there are fewer."""
        places = torch.tensor([row % self.num_samples for row in rows])
        values = {name: samples[places.to(samples.device)] for name, samples in self.posterior_samples.items()}
        model = self._giving(values, draws)(self.model) if values else self.model
        return Call(model, no_guide if self.guide is None else self.guide, args, kwargs)

    def _giving(self, values: Samples, draws: Vectorization) -> Handler:
        """The handler that gives sites the samples of these draws."""
        return Given(values, draws)

    def _tried(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Trace | None, Vectorization]:
        """An execution with one draw, and how executions with many hold them, if they give what each draw gives alone.

        Warns, with the reason, where they do not; the draws are then taken one by one.
        """
        with dry_run():
            with Work() as work:
                pair = run_pair(self._call(args, kwargs, range(1), _ONE_BY_ONE))
            returned = set(self._returned(pair.model))
            dim = -max(nesting(pair.guide), nesting(pair.model)) - 1
            tried = Vectorization(dim, at_once=True, chunk=draws_in_one_execution(work.elements))
            draws, reason = most_at_once(
                lambda count: self._call(args, kwargs, range(count), tried), tried, lambda site: site.name in returned
            )
        if reason is None:
            return pair.model, draws
        show_warning(
            "Predictive draws one by one, because the programs work neither with a dim for draws on the left of all "
            f"plates {reason}. Leave parallel=True out to accept this."
        )
        return None, _ONE_BY_ONE

    def _look_for_names(self, draws: Sequence[Trace]) -> None:
        """Warn, once, of samples that no site of any draw took up; an automatic guide's own variables begin with _."""
        names = [name for name in self.posterior_samples if name not in self._looked_for and not name.startswith("_")]
        self._looked_for.update(names)
        known = {name: site.kind for draw in draws for name, site in draw.nodes.items() if not name.startswith("_")}
        for problem in unknown_names("Predictive got samples of", names, known):
            show_warning(problem.message)

    def _returned(self, draw: Trace) -> list[str]:
        if self.return_sites:
            for name in self.return_sites:
                if name not in draw:
                    raise ArgumentError(
                        f"Predictive got {name!r} in return_sites, but no site has this name. "
                        f"{did_you_mean(name, draw)}"
                    )
            return list(self.return_sites)
        return [
            name
            for name, site in draw.nodes.items()
            if site.kind in ("sample", "deterministic") and name not in self.posterior_samples
        ]


def _count(samples: Samples, num_samples: int | None) -> int:
    sizes = {name: len(value) for name, value in samples.items()}
    if len(set(sizes.values())) > 1:
        raise ArgumentError(
            f"Predictive got posterior_samples with different numbers of draws: {sizes}. The first dim of each "
            f"counts them."
        )
    given = next(iter(sizes.values()), None)
    if num_samples is None:
        if given is None:
            raise ArgumentError("Predictive needs num_samples= where no posterior_samples are given.")
        return given
    if not isinstance(num_samples, int) or num_samples < 1:
        raise ArgumentError(f"Predictive got num_samples={shown(num_samples)}; it takes a whole number, 1 or more.")
    if given is not None and given != num_samples:
        raise ArgumentError(
            f"Predictive got num_samples={num_samples}, but posterior_samples holds {given} draws. Leave num_samples "
            f"out."
        )
    return num_samples


def _value(draw: Trace, name: str) -> Tensor:
    if name not in draw:
        raise ArgumentError(
            f"Predictive found site {name!r} in some executions of the model and not in others, so that its values "
            "cannot be stacked. Give the names of sites that every execution has as return_sites=."
        )
    value = draw.nodes[name].value
    if isinstance(value, (Tensor, int, float)):
        return torch.as_tensor(value)
    raise ArgumentError(
        f"Predictive was asked for {name!r}, whose value is {shown(value)}; only tensors can be stacked. Return a "
        "tensor from the model, or record it by virgil.deterministic."
    )


def _joined(name: str, runs: Sequence[Trace], counts: Sequence[int], single: Trace, draws: Vectorization) -> Tensor:
    """The values of a site in executions of so many draws each. Shape: ``(num_samples, *shape of a single one)``."""
    one = _value(single, name)
    return torch.cat(
        [draws.stacked(name, _value(run, name), one, count) for run, count in zip(runs, counts, strict=True)]
    )
