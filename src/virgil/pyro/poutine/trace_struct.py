"""``Trace`` with what old programs do to it: they add sites by hand, join them by edges, and take score parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from virgil.distributions.core.score_parts import ScoreParts, own_score_parts
from virgil.errors import ArgumentError, DuplicateSiteError, shown
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace as HouseTrace
from virgil.pyro.poutine.packing import pack, symbols
from virgil.pyro.poutine.sites import site_of

__all__ = ["Trace", "allow_all_sites"]

_STOCHASTIC = frozenset({"sample", "plate"})


def allow_all_sites(name: str, site: Site) -> bool:
    """True."""
    return True


class Nodes(dict[str, Site]):
    """The sites of a trace by name. A mapping that is put in becomes a site."""

    def __setitem__(self, name: str, site: Site | Mapping[str, Any]) -> None:
        super().__setitem__(name, site_of(site, name))


class Trace(HouseTrace):
    """The sites of one execution, with edges between them.

    The choice of a plate's indices counts among the stochastic nodes.

    Args:
        graph_type: ``"flat"`` for no edges, ``"dense"`` for those from each site to all that may depend on it.
    """

    def __init__(self, graph_type: str = "flat") -> None:
        if graph_type not in ("flat", "dense"):
            raise ArgumentError(f'Trace() got graph_type={shown(graph_type)}; it takes "flat" or "dense".')
        super().__init__()
        self.nodes = Nodes()
        self.graph_type = graph_type
        self._later: dict[str, set[str]] = {}
        self.plate_to_symbol: dict[str, str] = {}
        self.symbol_to_dim: dict[str, int] = {}

    @classmethod
    def of(cls, trace: HouseTrace, graph_type: str = "flat") -> Trace:
        """A trace of the same sites."""
        new = cls(graph_type)
        new.nodes.update(trace.nodes)
        return new

    def add_node(self, site_name: str, **kwargs: Any) -> None:
        """Add a site.

        Args:
            site_name: its name.
            **kwargs: what it is, by the keys of messages.

        Raises:
            DuplicateSiteError: a site of this name is there, and not both are parameters.
        """
        site = site_of({"name": site_name, **kwargs})
        known = self.nodes.get(site_name)
        if known is not None and known is not site and not known.kind == site.kind == "param":
            kinds = site["type"] if site["type"] == known["type"] else f"{site['type']} and {known['type']}"
            raise DuplicateSiteError(
                f"Multiple {kinds} sites named {site_name!r} were added to a trace. Names must be unique: remove the "
                "first one by remove_node(), or write a counter into the name.",
                site=site_name,
            )
        self.nodes[site_name] = site

    def copy(self) -> Trace:
        """A trace with copies of the same sites, and the same edges."""
        new = Trace(self.graph_type)
        new.nodes.update((name, site.copy()) for name, site in self.nodes.items())
        new._later = {name: set(later) for name, later in self._later.items()}
        return new

    # Edges

    @property
    def edges(self) -> Iterator[tuple[str, str]]:
        """The pairs of an earlier and a later site that are joined."""
        return ((site, each) for site in self.nodes for each in self._later.get(site, ()))

    def add_edge(self, site1: str, site2: str) -> None:
        """Join two sites; one that is not there yet is added without a value."""
        for name in (site1, site2):
            if name not in self.nodes:
                self.add_node(name)
        self._later.setdefault(site1, set()).add(site2)

    def remove_node(self, site_name: str) -> None:
        """Take a site away, and the edges to and from it."""
        del self.nodes[site_name]
        self._later.pop(site_name, None)
        for later in self._later.values():
            later.discard(site_name)

    def successors(self, site_name: str) -> set[str]:
        """The sites to which an edge goes from this one."""
        return set(self._later.get(site_name, ()))

    def predecessors(self, site_name: str) -> set[str]:
        """The sites from which an edge comes to this one."""
        return {name for name, later in self._later.items() if site_name in later}

    def topological_sort(self, reverse: bool = False) -> list[str]:
        """All names, each before those to which its edges lead, or after them if reversed."""
        order: list[str] = []
        seen: set[str] = set()

        def visit(name: str) -> None:
            if name not in seen:
                seen.add(name)
                for later in sorted(self._later.get(name, ()), key=list(self.nodes).index, reverse=True):
                    visit(later)
                order.append(name)

        for name in reversed(self.nodes):
            visit(name)
        return order if reverse else order[::-1]

    # Which sites are of which kind

    def iter_stochastic_nodes(self) -> Iterator[tuple[str, Site]]:
        """Name and site of every latent random variable, and of every choice of a plate's indices."""
        return ((name, site) for name, site in self.nodes.items() if site.kind in _STOCHASTIC and not site.observed)

    @property
    def stochastic_nodes(self) -> list[str]:
        """Names of the latent random variables and of the plates that chose their indices."""
        return [name for name, _ in self.iter_stochastic_nodes()]

    @property
    def observation_nodes(self) -> list[str]:
        """Names of the observed sites, among them values that follow from others and indices that were given."""
        return [name for name, site in self.nodes.items() if site["type"] == "sample" and site.observed]

    # Log-probabilities

    def compute_log_prob(self, site_filter: Callable[[str, Site], bool] | None = allow_all_sites) -> None:
        """Compute and keep the log-probabilities of the sample sites."""
        super().compute_log_prob(site_filter)

    def compute_score_parts(self) -> None:
        """Put the parts of a gradient estimator under ``"score_parts"`` of each sample site."""
        for site in self.nodes.values():
            if site["type"] == "sample" and "score_parts" not in site:
                site["score_parts"] = _score_parts(site)

    def symbolize_dims(self, plate_to_symbol: dict[str, str] | None = None) -> None:
        """Give each dim of a plate, and of an enumerated variable, a letter, the same in all sites.

        Args:
            plate_to_symbol: letters that are chosen already, by plate.
        """
        self.plate_to_symbol, self.symbol_to_dim = symbols(self.nodes.values(), plate_to_symbol or {})

    def pack_tensors(self, plate_to_symbol: dict[str, str] | None = None) -> None:
        """Put log-probabilities without their dims of one entry under ``"packed"`` of each sample site.

        The letters of the dims that are left stand in an attribute of each tensor.

        Args:
            plate_to_symbol: letters that are chosen already, by plate.
        """
        self.symbolize_dims(plate_to_symbol)
        for site in self.nodes.values():
            if site["type"] == "sample":
                site["packed"] = pack(site, self.symbol_to_dim)


def _score_parts(site: Site) -> ScoreParts:
    """The parts of a finished site. Those of a plate's indices and of a value that follows from others are zero."""
    if site.kind != "sample":
        return ScoreParts(torch.zeros(()), 0, 0)
    own = getattr(site.fn, "score_parts", None)
    parts = own_score_parts(site.fn, site.value) if own is None else own(site.value)
    return parts.scale_and_mask(site["scale"], site.mask)._replace(log_prob=site.log_prob)
