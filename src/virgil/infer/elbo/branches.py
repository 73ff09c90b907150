"""Executions for each joint choice of the values of a guide's sites that are enumerated sequentially."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from torch import Tensor

from virgil.infer.density.execution import Call, Pair
from virgil.poutine.enumeration import all_values, checked_num_samples, draws, enumerated_dim
from virgil.poutine.frame import plates_shape
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler
from virgil.poutine.site import Enumeration, Site
from virgil.poutine.trace import Trace

__all__ = ["Choice", "branches", "chosen", "has_exact_weight", "is_chosen", "passes"]


def is_chosen(site: Site) -> bool:
    """True if the site has its value by choice, so that its probability is a weight of the execution."""
    return site.enumeration is not None and site.enumeration.dim is None


def has_exact_weight(site: Site) -> bool:
    """True if the site's values count by their probability, and not because they were drawn."""
    return is_chosen(site) or (enumerated_dim(site) is not None and draws(site) is None)


@dataclass(frozen=True, slots=True)
class Choice:
    """The number of the value that a site takes, out of how many.

    Attributes:
        name: the site's.
        number: of the value in all slots, or in each. Shape: ``(*plates,)``.
        count: how many values there are.
    """

    name: str
    number: int | Tensor
    count: int


class Choose(Handler):
    """Gives sites marked ``infer={"enumerate": "sequential"}`` the values chosen, and the first one beyond these.

    Args:
        choices: those to be made, in the order of the sites.
    """

    def __init__(self, choices: tuple[Choice, ...]) -> None:
        self.planned = choices
        self.made: list[Choice] = []

    def before(self, site: Site) -> Site:
        """Choose the site's value, which is the same in all slots of its plates unless the choice says otherwise."""
        if not site.is_latent or site.value is not None or site.infer.get("enumerate") != "sequential":
            return site
        checked_num_samples(site.infer.get("num_samples"), "sequential", f"Site {site.name!r}")
        values = all_values(site, -1)
        place = len(self.made)
        number = self.planned[place].number if place < len(self.planned) else 0
        self.made.append(Choice(site.name, number, len(values)))
        slots = plates_shape(site.name, (), site.frames)
        value = values[number].expand(slots + site.fn.event_shape)
        return site.replace(value=value, enumeration=Enumeration(choices=len(values)))


def branches(call: Call, run: Callable[[Call, int], Pair], first_dim: int) -> list[Pair]:
    """Run guide and model for each joint choice of the guide's sequential sites, depth first.

    Args:
        call: the programs and their arguments.
        run: runs them once.
        first_dim: the first dim for variables to be enumerated in parallel.
    """
    return [pair for pair, _ in passes(call, run, first_dim)]


def passes(call: Call, run: Callable[[Call, int], Pair], first_dim: int) -> Iterator[tuple[Pair, list[Choice]]]:
    """The executions of :func:`branches`, each with the choices made in it.

    Executions that agree up to some choice share what was drawn before it, so that their weights sum to one. All slots
    of a plate have the same choice, since each of them counts by its own probability of it.
    """
    choices: tuple[Choice, ...] | None = ()
    drawn: dict[str, Site] = {}
    while choices is not None:
        pair, made = chosen(call, run, first_dim, choices, drawn)
        yield pair, made
        choices = _following(made)
        drawn = {} if choices is None else _drawn_before(pair.guide, choices[-1].name)


def chosen(
    call: Call, run: Callable[[Call, int], Pair], first_dim: int, choices: tuple[Choice, ...], drawn: dict[str, Site]
) -> tuple[Pair, list[Choice]]:
    """The execution with these choices, and all that were made.

    Args:
        call: the programs and their arguments.
        run: runs them once.
        first_dim: the first dim for variables to be enumerated in parallel.
        choices: those to be made, in the order of the sites.
        drawn: sites whose values it has, by name.
    """
    handler, given = Choose(choices), Trace()
    given.nodes = drawn
    with Replay(given) if drawn else nullcontext():  # outside of all, where dims are known
        pair = run(Call(call.model, handler(call.guide), call.args, call.kwargs), first_dim)
    return pair, handler.made


def _following(made: Sequence[Choice]) -> tuple[Choice, ...] | None:
    """The choices that come after these; ``None`` after the last."""
    for place in range(len(made) - 1, -1, -1):
        last = made[place]
        if isinstance(last.number, int) and last.number + 1 < last.count:
            return (*made[:place], Choice(last.name, last.number + 1, last.count))
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
