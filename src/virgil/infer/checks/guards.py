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
        place: among the leaves of the arguments.
        support: the set of its values, the same at each step.
        site: the site.
        family: of its distribution.
        last: the tensor that was looked at last, and its version.
    """

    place: int
    support: Constraint
    site: str
    family: str
    last: tuple[Any, int]

    def check(self, leaves: list[Any]) -> None:
        """Look at a tensor that is not the last one.

        Raises:
            SupportError: it has values outside the support.
        """
        leaf = leaves[self.place] if self.place < len(leaves) else None
        if not isinstance(leaf, Tensor) or (self.last[0]() is leaf and self.last[1] == leaf._version):
            return
        problem = data_problem(self.site, self.family, self.support, leaf, "the observed value")
        if problem is not None:
            raise problem.exception()
        self.last = (weakref.ref(leaf), leaf._version)


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
        if self.data:
            leaves = tree_leaves((args, kwargs))
            for each in self.data:
                each.check(leaves)


def guards_of(subject: Subject) -> Guards:
    """The parameters and arguments of an execution that later steps may take outside."""
    return Guards(loose_parameters(subject), _data(subject))


def _data(subject: Subject) -> list[_Data]:
    leaves = tree_leaves((subject.args, subject.kwargs))
    places = {id(leaf): place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)}
    found: list[_Data] = []
    for site in subject.model.nodes.values():
        if site.kind == "sample" and site.observed and site.mask is None and isinstance(site.value, Tensor):
            base = site.value if site.value._base is None else site.value._base
            place, support = places.get(id(site.value), places.get(id(base))), static_support(site)
            if place is not None and support is not None and leaves[place].numel() == site.value.numel():
                leaf = leaves[place]
                seen = (weakref.ref(leaf), leaf._version)
                found.append(_Data(place, support, site.name, family_name(site.fn), seen))
    return found
