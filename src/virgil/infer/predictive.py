"""``Predictive``: draws from the prior or the posterior predictive distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from virgil.errors import ArgumentError, did_you_mean
from virgil.infer.checks.names import unknown_names
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.nesting import nesting
from virgil.infer.warn import show_warning
from virgil.poutine.frame import Frame
from virgil.poutine.plate import PlateContext
from virgil.poutine.runtime import Handler, Outer, states_nothing
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, trace

__all__ = ["Predictive", "stacked"]

_PLATE = "_num_predictive_samples"
Samples = Mapping[str, Tensor]


class _Given(Handler):
    """Gives latent sites the values of one draw; ``cut`` brings a value into the shape that the site expects."""

    def __init__(self, values: Samples, cut: Callable[[Site, Tensor], Tensor] | None = None) -> None:
        self.values = values
        self.cut = cut

    @states_nothing
    def handle(self, site: Site, outer: Outer) -> Site:
        value = self.values.get(site.name) if site.is_latent or (site.kind == "plate" and not site.observed) else None
        if value is None:
            return outer(site)
        return outer(site.with_value(value if self.cut is None else self.cut(site, value)))


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
        parallel: run all draws at once, with a dim of their own left of all plates; the model must broadcast.

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
        if self.parallel:
            return self._parallel(args, kwargs)
        draws = [self._one(args, kwargs, draw) for draw in range(self.num_samples)]
        self._look_for_names(draws)
        names = self._returned(draws[0])
        return {name: torch.stack([_value(each, name) for each in draws]) for name in names}

    def _one(self, args: tuple[Any, ...], kwargs: dict[str, Any], draw: int) -> Trace:
        values = {name: samples[draw] for name, samples in self.posterior_samples.items()}
        return self._traced(args, kwargs, _Given(values))

    def _traced(self, args: tuple[Any, ...], kwargs: dict[str, Any], given: _Given) -> Trace:
        if self.guide is not None:
            drawn = trace(self.guide).get_trace(*args, **kwargs).nodes
            given = _Given({name: site.value for name, site in drawn.items() if site.is_latent or site.kind == "plate"})
        return trace(given(self.model)).get_trace(*args, **kwargs)

    def _parallel(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Tensor]:
        with dry_run():
            single = self._one(args, kwargs, 0)
        dims = nesting(single)
        if self.guide is not None:
            with dry_run():
                dims = max(dims, nesting(trace(self.guide).get_trace(*args, **kwargs)))
        count = self.num_samples

        def cut(site: Site, value: Tensor) -> Tensor:
            """Put the draws at the plate's dim, left of all others."""
            batch_dim = value.dim() - 1 - len(site.fn.event_shape)
            return value.reshape(count, *(1,) * (dims - batch_dim), *value.shape[1:])

        given = _Given(self.posterior_samples, cut)
        with PlateContext(Frame(_PLATE, -dims - 1, count, particle=True)):
            joint = self._traced(args, kwargs, given)
        self._look_for_names([joint])
        return {
            name: stacked(name, _value(joint, name), _value(single, name), count) for name in self._returned(single)
        }

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
        raise ArgumentError(f"Predictive got num_samples={num_samples!r}; it takes a whole number, 1 or more.")
    if given is not None and given != num_samples:
        raise ArgumentError(
            f"Predictive got num_samples={num_samples}, but posterior_samples holds {given} draws. Leave num_samples "
            f"out."
        )
    return num_samples


def _value(draw: Trace, name: str) -> Tensor:
    value = draw.nodes[name].value
    if isinstance(value, (Tensor, int, float)):
        return torch.as_tensor(value)
    raise ArgumentError(
        f"Predictive was asked for {name!r}, whose value is {value!r}; only tensors can be stacked. Return a tensor "
        "from the model, or record it by virgil.deterministic."
    )


def stacked(name: str, value: Tensor, single: Tensor, count: int) -> Tensor:
    """A value of the joint run as ``(count, *shape in a single run)``; one that the draws do not touch is repeated."""
    if value.numel() == count * single.numel():
        return value.reshape(count, *single.shape)
    if value.shape == single.shape:
        return value.expand(count, *value.shape)
    raise ArgumentError(
        f"With parallel=True, site {name!r} has shape {tuple(value.shape)} for {count} draws, where one draw has "
        f"{tuple(single.shape)}: the model does not broadcast over a dim on the left. Index from the right in the "
        "model, or leave parallel out."
    )
