"""``Strategy``: a rule that chooses the reparameteriser of each variable."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from virgil.poutine.reparam import Reparameteriser, reparam
from virgil.poutine.site import Site

__all__ = ["Strategy"]


class Strategy(ABC):
    """Chooses the reparameteriser of each variable, once. A strategy is a decorator of programs too.

    Attributes:
        config: by site name, what has been chosen; a ``config=`` of :func:`virgil.poutine.reparam`.
    """

    def __init__(self) -> None:
        self.config: dict[str, Reparameteriser | None] = {}
        self._latent: dict[str, Reparameteriser | None] = {}
        self._observed: dict[str, Reparameteriser | None] = {}

    @abstractmethod
    def configure(self, msg: Site) -> Reparameteriser | None:
        """The reparameteriser of a variable that has not been met before; ``None`` leaves it as it is."""

    def __call__(self, msg_or_fn: Site | Callable[..., Any]) -> Any:
        """The choice for a site, or a program whose variables are stated as chosen."""
        if not isinstance(msg_or_fn, Site):
            return reparam(msg_or_fn, config=self)
        site, name = msg_or_fn, msg_or_fn.name
        chosen = self._observed if site.observed else self._latent
        if name not in chosen:
            chosen[name] = self.configure(site)
            self.config.setdefault(name, chosen[name])
        return chosen[name]
