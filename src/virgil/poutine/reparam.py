"""``reparam``: state variables by way of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypedDict

from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = ["ReparamMessage", "ReparamResult", "Reparameterise", "Reparameteriser", "reparam"]


class ReparamMessage(TypedDict):
    """The variable as a reparameteriser sees it: its name, its distribution, and its value if that is known."""

    name: str
    fn: Any
    value: Tensor | None
    is_observed: bool | None


class ReparamResult(TypedDict):
    """The statement that takes its place under its name: a distribution, and a value with what it is, or none."""

    fn: Any
    value: Tensor | None
    is_observed: bool


class Reparameteriser(Protocol):
    """States other variables in the place of one."""

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """Make the statements, and say what becomes of the variable."""


Config = Mapping[str, Reparameteriser] | Callable[[Site], Reparameteriser | None]


class Reparameterise(Handler):
    """Lets a reparameteriser state each variable that ``config`` names, where it stands."""

    takes_turns = True

    def __init__(self, config: Config) -> None:
        if not isinstance(config, Mapping) and not callable(config):
            raise ArgumentError(
                f"reparam() got config={shown(config)}; it takes a dict from site name to reparameteriser, or a "
                "function from a site to one or None."
            )
        self.config = config

    def before(self, site: Site) -> Site:
        """Let the site's reparameteriser state it."""
        if site.kind != "sample":
            return site
        config = self.config
        chosen = config.get(site.name) if isinstance(config, Mapping) else config(site)
        if chosen is None:
            return site
        site = site.replace()
        site.broadcast()
        fn, is_observed = site.fn, site.observed
        result = chosen.apply({"name": site.name, "fn": fn, "value": site.value, "is_observed": is_observed})
        missing = [key for key in ("fn", "value", "is_observed") if key not in result]
        if missing:
            raise ArgumentError(
                f"At site {site.name!r}, {type(chosen).__name__}.apply() returned no {', '.join(missing)}. It returns "
                "a dict with fn, value and is_observed."
            )
        return site.replace(fn=result["fn"], value=result["value"], observed=result["is_observed"])


def reparam(fn: Program | None = None, config: Config | None = None) -> Any:
    """Run a program some of whose variables are functions of others *(Gorinova et al. 2020)*.

    A reparameteriser has ``apply(msg)``. It makes statements of its own, which get the plates, scale and mask of the
    variable, and returns what becomes of the variable itself: mostly an observation of their function that counts
    nothing.

    Args:
        fn: the program; without one, the handler is returned.
        config: reparameteriser by site name, or a function from a site to one, or to ``None``.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> class Decentered:
        ...     def apply(self, msg):
        ...         base = virgil.sample(msg["name"] + "_base", dist.Normal(0.0, 1.0))
        ...         value = msg["fn"].loc + msg["fn"].scale * base
        ...         return {"fn": dist.Delta(value).mask(False), "value": value, "is_observed": True}
        >>> def model():
        ...     return virgil.sample("x", dist.Normal(3.0, 2.0))
        >>> program = virgil.poutine.reparam(model, config={"x": Decentered()})
        >>> virgil.poutine.trace(program).get_trace().stochastic_nodes
        ['x_base']
    """
    if config is None:
        raise ArgumentError("reparam() needs config=, a dict from site name to reparameteriser.")
    return wrapped(Reparameterise(config), fn)
