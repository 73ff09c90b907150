"""``Trace``: the record of one execution."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from virgil.errors import DuplicateSiteError
from virgil.poutine.shapes import shape_table
from virgil.poutine.site import Site

__all__ = ["Trace"]

SiteFilter = Callable[[str, Site], bool]


class Trace:
    """The sites of one execution, in the order in which they happened.

    Attributes:
        nodes: site by name. The arguments and the returned value of a traced program stand under ``"_INPUT"`` and
            ``"_RETURN"``.
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
