"""``Rest``: a model without the latent sites that another part of its guide states."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from virgil.infer.density.bijection import is_discrete
from virgil.poutine.block import Block
from virgil.poutine.site import Site

__all__ = ["Rest", "is_summed_out"]


def is_summed_out(site: Site) -> bool:
    """True for a discrete latent site that is marked for enumeration, which a guide may leave to the objective."""
    return site.is_latent and bool(site.infer.get("enumerate")) and is_discrete(site.fn)


class Rest:
    """A model whose latent sites of the given names are hidden, and with them those that are summed out.

    Args:
        model: the generative program.
        stated: names of the latent sites that are hidden; more may be told later.
    """

    def __init__(self, model: Callable[..., Any], stated: Iterable[str] = ()) -> None:
        self.model = model
        self.stated = frozenset(stated)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the model."""
        with Block(self._hides):
            return self.model(*args, **kwargs)

    def _hides(self, site: Site) -> bool:
        return site.is_latent and (site.name in self.stated or is_summed_out(site))
