"""``reparam``: state variables by way of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, Protocol, TypedDict

from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.poutine.runtime import Handled, Handler, installed
from virgil.poutine.site import Site
from virgil.poutine.wrap import Program, wrapped

__all__ = [
    "Proposing",
    "ReparamMessage",
    "ReparamResult",
    "Reparameterise",
    "Reparameterised",
    "Reparameteriser",
    "Restatement",
    "is_restated",
    "reparam",
    "restatement",
]

_KEY = "restatement"


class ReparamMessage(TypedDict):
    """The variable as a reparameteriser sees it.

    Its name, its distribution, expanded to the plates that are known, its value, if it is observed or is to begin
    there, and the arguments of the program, where the handler was given the program and not entered by ``with``.
    """

    name: str
    fn: Any
    value: Tensor | None
    is_observed: bool | None
    args: NotRequired[tuple[Any, ...]]
    kwargs: NotRequired[dict[str, Any]]


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


@dataclass(frozen=True, slots=True)
class Restatement:
    """The note that a reparameteriser has stated a variable by way of others.

    Attributes:
        by: the class of the reparameteriser.
        via: the latent variables that it stated.
        is_function: whether the variable itself is no longer random, but computed from these.
    """

    by: str
    via: tuple[str, ...]
    is_function: bool


def restatement(site: Site) -> Restatement | None:
    """The note on a site that a reparameteriser has stated by way of others; ``None`` for other sites."""
    return site.extra.get(_KEY)


def is_restated(site: Site) -> bool:
    """True if a reparameteriser has made a function of other variables of a latent one."""
    note = restatement(site)
    return note is not None and note.is_function


class Proposing(Handler):
    """A handler that may know where a variable is to begin which a reparameteriser further in states otherwise."""

    def proposed(self, site: Site) -> Tensor | None:
        """The value at which the site is to begin; ``None`` if this handler does not say."""
        return None


class _Latents(Handler):
    """Notes the names of the latent variables that are stated."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def after(self, site: Site) -> Site:
        if site.is_latent and not site.infer.get("_do_not_trace"):
            self.names.append(site.name)
        return site


class Reparameterise(Handler):
    """Lets a reparameteriser state each variable that ``config`` names, where it stands.

    Attributes:
        config: reparameteriser by site name, or a function that chooses it.
        call: the arguments of the program, where it is known.
        at_work: the classes of the reparameterisers whose statements it treats. A function that chooses by family would
            choose the same class for ever.
    """

    takes_turns = True

    def __init__(
        self,
        config: Config,
        call: tuple[tuple[Any, ...], dict[str, Any]] = ((), {}),
        at_work: frozenset[type] = frozenset(),
    ) -> None:
        if not isinstance(config, Mapping) and not callable(config):
            raise ArgumentError(
                f"reparam() got config={shown(config)}; it takes a dict from site name to reparameteriser, or a "
                "function from a site to one or None."
            )
        self.config = config
        self.call = call
        self.at_work = at_work

    def __call__(self, fn: Program) -> Handled:
        """The program whose variables are stated by way of others."""
        return Reparameterised(self, fn)

    def before(self, site: Site) -> Site:
        """Let the site's reparameteriser state it."""
        if site.kind != "sample":
            return site
        chosen = self._chosen(site)
        if chosen is None:
            return site
        site = site.replace()
        site.broadcast()
        value = _proposed(site) if site.value is None else site.value
        args, kwargs = self.call
        message: ReparamMessage = {
            "name": site.name,
            "fn": site.fn,
            "value": value,
            "is_observed": site.observed,
            "args": args,
            "kwargs": kwargs,
        }
        again = Reparameterise(self.config, self.call, self.at_work | {type(chosen)})
        with _Latents() as stated, again:  # what it states may have a reparameteriser of its own
            result = chosen.apply(message)
        missing = [key for key in ("fn", "value", "is_observed") if key not in result]
        if missing:
            raise ArgumentError(
                f"At site {site.name!r}, {type(chosen).__name__}.apply() returned no {', '.join(missing)}. It returns "
                "a dict with fn, value and is_observed."
            )
        restated = site.replace(fn=result["fn"], value=result["value"], observed=result["is_observed"])
        if restated.fn is not site.fn:
            is_function = restated.observed and not site.observed
            note = Restatement(type(chosen).__name__, tuple(stated.names), is_function)
            restated.extra = {**restated.extra, _KEY: note}
        return restated

    def _chosen(self, site: Site) -> Reparameteriser | None:
        if isinstance(self.config, Mapping):
            return self.config.get(site.name)
        chosen = self.config(site)
        return None if type(chosen) in self.at_work else chosen


def _proposed(site: Site) -> Tensor | None:
    """The value at which a handler outside wants a variable to begin; the innermost that says so counts."""
    for handler in reversed(installed()):
        if isinstance(handler, Proposing):
            value = handler.proposed(site)
            if value is not None:
                return value
    return None


class Reparameterised(Handled):
    """A program under :class:`Reparameterise`, whose arguments its reparameterisers are told."""

    handler: Reparameterise

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program under the handler."""
        with Reparameterise(self.handler.config, (args, kwargs)):
            return self.fn(*args, **kwargs)


def reparam(fn: Program | None = None, config: Config | None = None) -> Any:
    """Run a program some of whose variables are functions of others *(Gorinova et al. 2020)*.

    A reparameteriser has ``apply(msg)``; :mod:`virgil.infer.reparam` has many. It makes statements of its own, which
    get the plates, scale and mask of the variable, and returns what becomes of the variable itself: mostly an
    observation of their function that counts nothing. What it states comes to this handler again, so that
    ``{"x": TransformReparam(), "x_base": LocScaleReparam()}`` restates both; a function is not followed where it
    chooses the same class once more.

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
