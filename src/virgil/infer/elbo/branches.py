"""Executions for each joint choice of the values of a guide's sites that are enumerated sequentially."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from virgil.errors import PlateError
from virgil.infer.density.execution import Call, Pair
from virgil.poutine.enumeration import all_values, checked_num_samples, draws, enumerated_dim
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Enumeration, Site
from virgil.poutine.trace import Trace

__all__ = ["branches", "has_exact_weight", "is_chosen"]


def is_chosen(site: Site) -> bool:
    """True if the site has its value by choice, so that its probability is a weight of the execution."""
    return site.enumeration is not None and site.enumeration.dim is None


def has_exact_weight(site: Site) -> bool:
    """True if the site's values count by their probability, and not because they were drawn."""
    return is_chosen(site) or (enumerated_dim(site) is not None and draws(site) is None)


@dataclass(frozen=True, slots=True)
class _Choice:
    """The number of the value that a site takes next, out of how many."""

    name: str
    number: int
    count: int


class Choose(Handler):
    """Gives sites marked ``infer={"enumerate": "sequential"}`` the values chosen, and the first one beyond these.

    Args:
        choices: those to be made, in the order of the sites.
    """

    def __init__(self, choices: tuple[_Choice, ...]) -> None:
        self.planned = choices
        self.made: list[_Choice] = []

    def before(self, site: Site) -> Site:
        """Choose the site's value."""
        if not site.is_latent or site.value is not None or site.infer.get("enumerate") != "sequential":
            return site
        _check_plates(site)
        checked_num_samples(site.infer.get("num_samples"), "sequential", f"Site {site.name!r}")
        values = all_values(site, -1)
        place = len(self.made)
        number = self.planned[place].number if place < len(self.planned) else 0
        self.made.append(_Choice(site.name, number, len(values)))
        value = values[number].reshape(site.fn.event_shape)
        return site.replace(value=value, enumeration=Enumeration())


def _check_plates(site: Site) -> None:
    plates = [frame.name for frame in site.frames if frame.dim is not None]
    if plates:
        raise PlateError(
            f"Site {site.name!r} is marked to be enumerated sequentially inside plate {plates[0]!r}, whose slots would "
            "have to take every joint assignment of values in turn. Use infer={'enumerate': 'parallel'}, or iterate "
            f"the plate, for i in virgil.plate({plates[0]!r}, ...)."
        )


def branches(call: Call, run: Callable[[Call, int], Pair], first_dim: int) -> list[Pair]:
    """Run guide and model for each joint choice of the guide's sequential sites, depth first.

    Executions that agree up to some choice share what was drawn before it, so that their weights sum to one.

    Args:
        call: the programs and their arguments.
        run: runs them once.
        first_dim: the first dim for variables to be enumerated in parallel.
    """
    pairs: list[Pair] = []
    choices: tuple[_Choice, ...] | None = ()
    before = Trace()
    while choices is not None:
        handler = Choose(choices)
        chosen = Call(call.model, handler(call.guide), call.args, call.kwargs)
        with Replay(before) if before.nodes else nullcontext():  # outside of all, where dims are known
            pair = run(chosen, first_dim)
        pairs.append(pair)
        choices = _following(handler.made)
        before.nodes = {} if choices is None else _drawn_before(pair.guide, choices[-1].name)
    return pairs


def _following(made: list[_Choice]) -> tuple[_Choice, ...] | None:
    """The choices that come after these; ``None`` after the last."""
    for place in range(len(made) - 1, -1, -1):
        last = made[place]
        if last.number + 1 < last.count:
            return (*made[:place], _Choice(last.name, last.number + 1, last.count))
    return None


def _drawn_before(guide: Trace, name: str) -> dict[str, Site]:
    """The sites that a guide drew before another one, by name."""
    drawn: dict[str, Site] = {}
    for other, site in guide.nodes.items():
        if other == name:
            break
        if site.kind == "plate" or (site.is_latent and not has_exact_weight(site)):
            drawn[other] = site
    return drawn
