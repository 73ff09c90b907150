"""``Guards``: the values that may leave their sets after the first step, and a look at them that costs next to nothing.

A structure is checked once. After that, values can go wrong in two places only: parameters that their constraints let
leave, and data that are others at each step. Everything else is drawn inside its support by its distribution.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from virgil.infer.checks.containment import family_name, static_support
from virgil.infer.checks.finding import Subject
from virgil.infer.checks.ranges import Loose, loose_parameters
from virgil.infer.checks.support import data_problem
from virgil.ops.trees import tree_leaves
from virgil.params.constraint import Constraint

__all__ = ["Guards", "guards_of"]


@dataclass
class _Data:
    """An argument of the programs that a site observes as it comes.

    Attributes:
        argument: the argument's position or name.
        place: among the leaves of the argument; ``None`` where it is the tensor itself.
        support: the set of its values, the same at each step.
        site: the site.
        family: of its distribution.
        last: the tensor that was looked at last, and its version.
    """

    argument: int | str
    place: int | None
    support: Constraint
    site: str
    family: str
    last: tuple[Any, int]

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look at a tensor that is not the last one.

        Raises:
            SupportError: it has values outside the support.
        """
        leaf = self._leaf(args, kwargs)
        if not isinstance(leaf, Tensor) or (self.last[0]() is leaf and self.last[1] == leaf._version):
            return
        problem = data_problem(self.site, self.family, self.support, leaf, "the observed value")
        if problem is not None:
            raise problem.exception()
        self.last = (weakref.ref(leaf), leaf._version)

    def _leaf(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(self.argument, str):
            argument = kwargs.get(self.argument)
        else:
            argument = args[self.argument] if self.argument < len(args) else None
        if self.place is None:
            return argument
        leaves = tree_leaves(argument)
        return leaves[self.place] if self.place < len(leaves) else None


@dataclass
class Guards:
    """The parameters and arguments whose values are looked at in every step.

    Attributes:
        parameters: those that may leave the set where they are needed.
        data: arguments that sites observe as they come, under supports that do not change.
    """

    parameters: list[Loose] = field(default_factory=list)
    data: list[_Data] = field(default_factory=list)

    @property
    def has_parameters(self) -> bool:
        """True if some parameter may leave."""
        return bool(self.parameters)

    def check_parameters(self) -> None:
        """Look at the parameters as they are.

        Raises:
            SupportError: one has left.
        """
        for each in self.parameters:
            error = each.error()
            if error is not None:
                raise error

    def check_data(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look at the arguments of a step, unless they are those of the last one.

        Raises:
            SupportError: a site observes a value outside its support.
        """
        for each in self.data:
            each.check(args, kwargs)


def guards_of(subject: Subject) -> Guards:
    """The parameters and arguments of an execution that later steps may take outside."""
    return Guards(loose_parameters(subject), _data(subject))


def _data(subject: Subject) -> list[_Data]:
    places = _places(subject)
    found: list[_Data] = []
    for site in subject.model.nodes.values():
        if site.kind == "sample" and site.observed and site.mask is None and isinstance(site.value, Tensor):
            base = site.value if site.value._base is None else site.value._base
            place, support = places.get(id(site.value), places.get(id(base))), static_support(site)
            if place is not None and support is not None and place[2].numel() == site.value.numel():
                argument, position, leaf = place
                seen = (weakref.ref(leaf), leaf._version)
                found.append(_Data(argument, position, support, site.name, family_name(site.fn), seen))
    return found


def _places(subject: Subject) -> dict[int, tuple[int | str, int | None, Tensor]]:
    """By the id of a tensor among the arguments, where it is, and the tensor."""
    places: dict[int, tuple[int | str, int | None, Tensor]] = {}
    arguments: list[tuple[int | str, Any]] = [*enumerate(subject.args), *subject.kwargs.items()]
    for name, argument in arguments:
        for position, leaf in enumerate(tree_leaves(argument)):
            if isinstance(leaf, Tensor):
                places[id(leaf)] = name, None if leaf is argument else position, leaf
    return places
