"""Run the guide, then the model against it; a pair says which variables the guide leaves to the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from virgil.infer.density.dependence import Dependence
from virgil.infer.density.failure import note_failure
from virgil.poutine.enumeration import Enumerate, enumerated_dim, leftmost
from virgil.poutine.frame import Frame
from virgil.poutine.plate import PlateContext
from virgil.poutine.replay import Replay
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, Tracer
from virgil.poutine.wrap import Program

__all__ = [
    "Call",
    "Executions",
    "PARTICLES",
    "Pair",
    "Program",
    "as_stated",
    "completed",
    "is_unstated",
    "no_guide",
    "particle_plate",
    "run_pair",
    "unstated",
]


Executions = list[tuple[str, Trace]]  # each with its role, "guide" or "model"

PARTICLES = "num_particles_vectorized"


@dataclass(frozen=True, slots=True)
class Call:
    """A model, a guide, and the arguments that both are called with."""

    model: Program
    guide: Program
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pair:
    """One execution of a guide and of a model that takes its latent values from it.

    Attributes:
        guide: the guide's statements.
        model: the model's.
        dependence: the latent variables that each density depends on; ``None`` where it is not known.
    """

    guide: Trace
    model: Trace
    dependence: Dependence | None = None


Failed = Callable[[Pair, str], None]


def run_pair(
    call: Call,
    failed: Failed | None = None,
    enumerate_from: int | None = None,
    apart: bool = False,
    guide: bool = True,
    model: bool = True,
) -> Pair:
    """Trace the guide, then the model replayed against it. An exception carries a note that says where.

    Args:
        call: what to run.
        failed: looks at how far the two came, after an exception in the one that it is told of, and may raise a better
            one.
        enumerate_from: the first dim for variables to be enumerated; ``None`` to enumerate none.
        apart: whether enumerated variables share dims as little as possible, to find out whether they may.
        guide: whether the guide's marked variables are enumerated; else they are drawn.
        model: whether those of the model are that the guide does not state.
    """
    guide_tracer, model_tracer = Tracer(), Tracer()
    running = "guide"
    try:
        enumerating = call.guide
        if enumerate_from is not None and guide:
            enumerating = Enumerate(enumerate_from, apart=apart)(call.guide)
        guide_tracer.run(enumerating, call.args, call.kwargs)
        running = "model"
        enumerating = Replay(guide_tracer.trace)(call.model)
        if enumerate_from is not None:
            enumerating = _beside(guide_tracer.trace, enumerate_from, apart, not model)(enumerating)
        model_tracer.run(enumerating, call.args, call.kwargs)
    except Exception as error:
        note_failure(
            error, f"the {running} was running", guide_tracer.trace if running == "guide" else model_tracer.trace
        )
        if failed is not None:
            failed(Pair(guide_tracer.trace, model_tracer.trace), running)
        raise
    return Pair(guide_tracer.trace, model_tracer.trace)


def _beside(guide: Trace, first_dim: int, apart: bool, known_only: bool) -> Enumerate:
    """Enumerates a model's variables left of those that the guide has enumerated."""
    known = {name: site for name, site in guide.nodes.items() if enumerated_dim(site) is not None}
    first = min([first_dim, *(leftmost(site) - 1 for site in known.values())])
    return Enumerate(first, known, apart, sums=True, known_only=known_only)


def particle_plate(dim: int, num_particles: int) -> PlateContext:
    """The outermost plate, in which every slot is a whole execution."""
    return PlateContext(Frame(PARTICLES, dim, num_particles, particle=True))


def no_guide(*args: Any, **kwargs: Any) -> None:
    """The guide of a model whose latent variables are given, or drawn from their own distributions."""


def unstated(pair: Pair) -> dict[str, Site]:
    """The latent sites that the model draws by itself, by name; those that it sums out are not among them."""
    guide = pair.guide.nodes
    return {
        name: site
        for name, site in pair.model.nodes.items()
        if name not in guide and site.is_latent and site.enumeration is None
    }


def is_unstated(guide: Site, model: Site) -> bool:
    """True if a guide's site is the model's own, which :func:`completed` has put there."""
    return guide is model


def completed(pair: Pair) -> Pair:
    r"""The execution as one of a guide that states, after its own variables, those that the model draws by itself.

    Of such a variable :math:`z` the guide's distribution is the model's own, :math:`q(z \mid \cdot) = p(z \mid
    \cdot)`, so that :math:`\log p(z) - \log q(z) = 0`. A draw that has no pathwise derivative is scored like any other
    of the guide.
    """
    drawn = unstated(pair)
    if not drawn:
        return pair
    guide = Trace()
    guide.nodes = {**pair.guide.nodes, **drawn}
    return replace(pair, guide=guide, dependence=None)


def as_stated(pair: Pair) -> Pair:
    """The execution as the programs state it: what :func:`completed` has added to the guide is taken away."""
    model = pair.model.nodes
    if all(site is not model.get(name) for name, site in pair.guide.nodes.items()):
        return pair
    guide = Trace()
    guide.nodes = {name: site for name, site in pair.guide.nodes.items() if site is not model.get(name)}
    return replace(pair, guide=guide)
