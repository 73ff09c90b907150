"""``trace``: the handler that records the sites of a program, and ``Trace``, the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, overload

import torch
from torch import Tensor

from virgil.errors import DuplicateSiteError, ShapeError
from virgil.poutine.runtime import Handled, Handler
from virgil.poutine.shapes import shape_table
from virgil.poutine.site import Site

__all__ = ["Trace", "Traced", "Tracer", "trace"]

Self = TypeVar("Self", bound="Tracer")
SiteFilter = Callable[[str, Site], bool]
_HEAD = "Shapes up to there:"
_RECORDED = frozenset({"sample", "param", "plate", "deterministic"})


class Trace:
    """The sites of one execution, in the order in which they happened.

    Attributes:
        nodes: site by name. The arguments and the returned value of a traced program stand under ``"_INPUT"`` and
            ``"_RETURN"``, unless it records parameters alone.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Site] = {}

    def add(self, site: Site) -> None:
        """Record a finished site.

        Raises:
            DuplicateSiteError: another site of this name is there. A parameter may be read any number of times.
        """
        known = self.nodes.get(site.name)
        if known is site:  # a tracer entered inside itself sees each site twice
            return
        if known is not None and not (site.kind == known.kind == "param"):
            if known.kind == site.kind:
                what = f"a second {site.kind} site came"
            else:
                what = f"a {site.kind} site came where a {known.kind} site of this name already is"
            raise DuplicateSiteError(
                f"Site {site.name!r} is declared twice in one execution: {what}. Names must be unique; "
                f"in a loop, write the counter into the name, as in f'{site.name}_{{i}}'.",
                site=site.name,
            )
        self.nodes[site.name] = site

    def copy(self) -> Trace:
        """A trace with copies of the same sites; values are shared."""
        new = Trace()
        new.nodes = {name: site.replace() for name, site in self.nodes.items()}
        return new

    def detach_(self) -> None:
        """Cut values from the graph that made them, in place."""
        for site in self.nodes.values():
            if isinstance(site.value, Tensor):
                site.value = site.value.detach()
                site.forget_log_prob()

    def __contains__(self, name: object) -> bool:
        return name in self.nodes

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, name: str) -> Site:
        return self.nodes[name]

    # Which sites are of which kind

    def iter_stochastic_nodes(self) -> Iterator[tuple[str, Site]]:
        """Name and site of every latent random variable."""
        return ((name, site) for name, site in self.nodes.items() if site.is_latent)

    @property
    def stochastic_nodes(self) -> list[str]:
        """Names of the latent random variables."""
        return [name for name, site in self.nodes.items() if site.is_latent]

    @property
    def observation_nodes(self) -> list[str]:
        """Names of the observed sites."""
        return [name for name, site in self.nodes.items() if site.kind == "sample" and site.observed]

    @property
    def param_nodes(self) -> list[str]:
        """Names of the parameters that were read."""
        return [name for name, site in self.nodes.items() if site.kind == "param"]

    @property
    def reparameterized_nodes(self) -> list[str]:
        """Names of the latent variables whose distribution has a pathwise derivative."""
        return [name for name, site in self.iter_stochastic_nodes() if site.fn.has_rsample]

    @property
    def nonreparam_stochastic_nodes(self) -> list[str]:
        """Names of the latent variables whose distribution has none."""
        return [name for name, site in self.iter_stochastic_nodes() if not site.fn.has_rsample]

    # Log-probabilities, in nats

    def _sample_sites(self, site_filter: SiteFilter | None) -> Iterator[Site]:
        for name, site in self.nodes.items():
            if site.kind == "sample" and (site_filter is None or site_filter(name, site)):
                yield site

    def compute_log_prob(self, site_filter: SiteFilter | None = None) -> None:
        """Compute and keep the log-probabilities of the sample sites. They are computed when asked for in any case."""
        for site in self._sample_sites(site_filter):
            _ = site.log_prob

    def log_prob_sum(self, site_filter: SiteFilter | None = None) -> Tensor:
        """The joint log-density of the sample sites, scaled, masked and weighted. A scalar, nats."""
        total = torch.zeros(())
        for site in self._sample_sites(site_filter):
            total = total + site.log_prob_sum
        return total

    def format_shapes(self, title: str = "Trace Shapes:", last_site: str | None = None) -> str:
        """The table of shapes of distributions, values and log-probabilities; batch dims left of ``|``, event right.

        Args:
            title: the first line.
            last_site: stop after the site of this name.
        """
        return shape_table(self.nodes.values(), title, last_site)

    def __repr__(self) -> str:
        return f"Trace({', '.join(self.nodes)})"


class Tracer(Handler):
    """Records every finished site in ``trace``, which starts anew each time the handler is entered.

    Sites marked ``infer={"_do_not_trace": True}`` are not recorded: what they draw is noise, whose density counts
    nowhere.
    """

    def __init__(self, param_only: bool = False) -> None:
        self.trace = self.empty_trace()
        self.recorded = frozenset({"param"}) if param_only else _RECORDED

    def empty_trace(self) -> Trace:
        """The record of an execution that has not begun."""
        return Trace()

    def __enter__(self: Self) -> Self:
        self.trace = self.empty_trace()
        super().__enter__()
        return self

    def after(self, site: Site) -> Site:
        """Record the site, which those outside have finished."""
        if site.kind in self.recorded and not (site.infer and site.infer.get("_do_not_trace")):
            self.trace.add(site)
        return site

    def run(self, program: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a program, and record its arguments and its result as well, unless only parameters are recorded."""
        with self:
            trace, is_whole = self.trace, self.recorded is _RECORDED
            if is_whole:
                trace.nodes["_INPUT"] = Site("args", "_INPUT", args=args, kwargs=kwargs)
            try:
                result = program(*args, **kwargs)
            except ShapeError as error:
                if _HEAD not in error.args[0]:  # of a program inside this one
                    table = trace.format_shapes(title="")
                    error.args = (f"{error.args[0]}\n\n{_HEAD}\n{table}" if table else error.args[0], *error.args[1:])
                raise
            if is_whole:
                trace.nodes["_RETURN"] = Site("return", "_RETURN", value=result)
        return result

    def get_trace(self) -> Trace:
        """A copy of what has been recorded."""
        return self.trace.copy()

    def __call__(self, fn: Callable[..., Any]) -> Traced:
        """The program that records its last execution."""
        return Traced(self, fn)


class Traced(Handled):
    """A program that records its last execution in ``trace``."""

    handler: Tracer

    @property
    def trace(self) -> Trace:
        """The trace of the last call."""
        return self.handler.trace

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program and record it."""
        return self.handler.run(self.fn, args, kwargs)

    def get_trace(self, *args: Any, **kwargs: Any) -> Trace:
        """Run the program and return the trace of this run; safe to call from several threads."""
        tracer = Tracer()
        tracer.recorded = self.handler.recorded
        tracer.run(self.fn, args, kwargs)
        self.handler.trace = tracer.trace
        return tracer.trace


@overload
def trace(fn: None = None, graph_type: str | None = None, param_only: bool = False) -> Tracer: ...
@overload
def trace(fn: Callable[..., Any], graph_type: str | None = None, param_only: bool = False) -> Traced: ...
def trace(
    fn: Callable[..., Any] | None = None, graph_type: str | None = None, param_only: bool = False
) -> Tracer | Traced:
    """Record the sites of a program, but for those that it marks ``infer={"_do_not_trace": True}``.

    Args:
        fn: the program; without one, the handler itself is returned, to be used in ``with``.
        graph_type: accepted for the sake of existing programs; every trace is ordered.
        param_only: record parameters alone, without the program's arguments and result.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> def model():
        ...     return virgil.sample("x", dist.Normal(0.0, 1.0))
        >>> tr = virgil.poutine.trace(model).get_trace()
        >>> tr.stochastic_nodes
        ['x']
        >>> bool(tr.nodes["x"]["value"] == tr.nodes["_RETURN"]["value"])
        True
    """
    tracer = Tracer(param_only)
    return tracer if fn is None else tracer(fn)
