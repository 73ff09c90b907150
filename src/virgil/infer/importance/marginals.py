"""``Marginals`` and ``EmpiricalMarginal``: distributions of sites over weighted executions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from virgil.distributions.composed.empirical import Empirical
from virgil.errors import ArgumentError, a_kind, did_you_mean, shown
from virgil.ops.sizes import Sizes
from virgil.poutine.trace import Trace

__all__ = ["EmpiricalMarginal", "Executions", "Marginals"]

_RETURN = "_RETURN"


class Executions(Protocol):
    """Weighted executions, of one chain or of many."""

    exec_traces: list[Trace]
    chain_ids: list[int]
    num_chains: int

    def weights(self) -> Tensor:
        """The logarithms of the weights, nats."""


class EmpiricalMarginal(Empirical):
    """The distribution of a site over weighted executions, as an `Empirical`.

    Shape: with one chain, batch ``()`` and the site's shape as event; with many, batch ``(num_chains,)``. Several
    sites of one shape stand along a dim of their own, left of it.

    Args:
        trace_posterior: the executions, such as an `Importance` that has been run.
        sites: the name of a site, or a list of names. Default: the model's return value.

    Raises:
        ArgumentError: there are no executions, no such site, or the sites have different shapes or no tensors.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import EmpiricalMarginal, Importance
        >>> def model():
        ...     z = virgil.sample("z", dist.Normal(0.0, 1.0))
        ...     virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(2.0))
        >>> virgil.set_rng_seed(0)
        >>> posterior = Importance(model, num_samples=2000).run()
        >>> abs(EmpiricalMarginal(posterior, sites="z").mean.item() - 1.0) < 0.15
        True
    """

    def __init__(
        self,
        trace_posterior: Executions,
        sites: str | Sequence[str] | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not hasattr(trace_posterior, "exec_traces"):
            raise ArgumentError(
                f"{type(self).__name__} got {a_kind(type(trace_posterior))} as its first argument; it takes a "
                "TracePosterior, such as Importance(model, guide, num_samples=1000).run(...)."
            )
        weights = trace_posterior.weights()
        values = _values(trace_posterior.exec_traces, sites)
        if trace_posterior.num_chains > 1:
            chains = torch.tensor(trace_posterior.chain_ids)
            rows = [(chains == chain).nonzero().squeeze(-1) for chain in range(trace_posterior.num_chains)]
            if len({len(row) for row in rows}) > 1:
                raise ArgumentError(
                    f"{type(self).__name__} got chains of {', '.join(str(len(row)) for row in rows)} executions; all "
                    "must have the same number."
                )
            values, weights = (torch.stack([each[row] for row in rows]) for each in (values, weights))
        super().__init__(values, weights.to(values.device), validate_args=validate_args)

    def expand(self, batch_shape: Sizes, _instance: Any = None) -> Self:
        expanded: Self = super().expand(batch_shape, self.__new__(type(self)) if _instance is None else _instance)
        return expanded


def _values(traces: Sequence[Trace], sites: str | Sequence[str] | None) -> Tensor:
    """The values of one site, or of several in a row. Shape: ``(executions, *shape)``."""
    if sites is None or isinstance(sites, str):
        return torch.stack([_value(trace, sites or _RETURN) for trace in traces])
    if not sites:
        raise ArgumentError("EmpiricalMarginal got sites=[]; it takes a site's name, or a list of at least one.")
    rows = [[_value(trace, name) for name in sites] for trace in traces]
    shapes = {name: tuple(value.shape) for name, value in zip(sites, rows[0], strict=True)}
    if len(set(shapes.values())) > 1:
        raise ArgumentError(
            f"EmpiricalMarginal got sites of different shapes, {shapes}; they cannot stand in one tensor. "
            "TracePosterior.marginal(sites) keeps each by itself."
        )
    return torch.stack([torch.stack(row) for row in rows])


def _value(trace: Trace, name: str) -> Tensor:
    if name not in trace.nodes:
        raise ArgumentError(
            f"EmpiricalMarginal found no site {name!r} in an execution.{did_you_mean(name, trace.nodes)} A site must "
            "be in every execution."
        )
    value = trace.nodes[name]["value"]
    if not isinstance(value, (Tensor, int, float)):
        what = "The model returns" if name == _RETURN else f"Site {name!r} has the value"
        raise ArgumentError(f"{what} {shown(value)}; EmpiricalMarginal takes tensors and numbers. Give sites=.")
    return torch.as_tensor(value).detach()


class Marginals:
    """The distributions of sites over weighted executions, each by itself.

    Args:
        trace_posterior: the executions.
        sites: the name of a site, or a list of names. Default: the model's return value.
        validate_args: that of the distributions.

    Attributes:
        empirical: by site, its `EmpiricalMarginal`.
    """

    def __init__(
        self,
        trace_posterior: Executions,
        sites: str | Sequence[str] | None = None,
        validate_args: bool | None = None,
    ) -> None:
        names = [_RETURN] if sites is None else [sites] if isinstance(sites, str) else list(sites)
        self._empirical = OrderedDict(
            (name, EmpiricalMarginal(trace_posterior, sites=name, validate_args=validate_args)) for name in names
        )

    @property
    def empirical(self) -> OrderedDict[str, EmpiricalMarginal]:
        """By site, its `EmpiricalMarginal`."""
        return self._empirical

    def support(self, flatten: bool = False) -> OrderedDict[str, Tensor]:
        """By site, its values in the executions. Shape: ``(executions, *site)``, or a row for each of many chains.

        Args:
            flatten: whether the executions of all chains stand in one row.
        """
        supports: OrderedDict[str, Tensor] = OrderedDict()
        for name, marginal in self._empirical.items():
            values = marginal.enumerate_support()
            if marginal.batch_shape:
                values = values.transpose(0, 1)
                values = values.flatten(0, 1) if flatten else values
            supports[name] = values
        return supports
