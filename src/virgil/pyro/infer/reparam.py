"""The classes that old programs derive reparameterisers, and the choice of them, from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from virgil.poutine import reparam
from virgil.poutine.reparam import Reparameteriser, ReparamMessage, ReparamResult
from virgil.poutine.site import Site

__all__ = ["Reparam", "ReparamMessage", "ReparamResult", "Strategy"]


class Reparam(ABC):
    """States other variables in the place of one.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> class Shifted(Reparam):
        ...     def apply(self, msg):
        ...         base = virgil.sample(msg["name"] + "_base", dist.Normal(0.0, 1.0))
        ...         value = base + msg["fn"].loc
        ...         return {"fn": dist.Delta(value).mask(False), "value": value, "is_observed": True}
        >>> model = lambda: virgil.sample("x", dist.Normal(3.0, 1.0))
        >>> virgil.poutine.trace(virgil.poutine.reparam(model, config={"x": Shifted()})).get_trace().stochastic_nodes
        ['x_base']
    """

    @abstractmethod
    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """Make the statements, and say what becomes of the variable."""


class Strategy(ABC):
    """Chooses the reparameteriser of each variable, once. A strategy is a decorator of programs too.

    Attributes:
        config: by site name, what has been chosen.
    """

    def __init__(self) -> None:
        self.config: dict[str, Reparameteriser | None] = {}

    @abstractmethod
    def configure(self, msg: Site) -> Reparameteriser | None:
        """The reparameteriser of a variable that has not been met before; ``None`` leaves it as it is."""

    def __call__(self, msg_or_fn: Site | Callable[..., Any]) -> Any:
        """The choice for a site, or a program whose variables are stated as chosen."""
        if not isinstance(msg_or_fn, Site):
            return reparam(msg_or_fn, config=self)
        name = msg_or_fn.name
        if name not in self.config:
            self.config[name] = self.configure(msg_or_fn)
        return self.config[name]
