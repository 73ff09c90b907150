"""``AutoGuideList``, whose parts know it, and ``AutoCallable``."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Self

from virgil.infer import autoguide as house
from virgil.pyro.infer.autoguide.guide import AutoGuide

__all__ = ["AutoCallable", "AutoGuideList"]


class AutoCallable(AutoGuide, house.AutoCallable):
    """:class:`virgil.infer.autoguide.AutoCallable` with the methods of old programs."""


class AutoGuideList(AutoGuide, house.AutoGuideList):
    """:class:`virgil.infer.autoguide.AutoGuideList` whose parts have a reference to it, ``master``."""

    def append(self, part: Callable[..., Any]) -> Self:
        """Add a part: a guide, or a function that states some of the latent sites."""
        if not isinstance(part, house.AutoGuide):
            part = AutoCallable(self.model, part)
        super().append(part)
        self._adopt_parts()
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._adopt_parts()

    def _adopt_parts(self) -> None:
        for _, part in self._parts():
            part.__dict__["master"] = weakref.ref(self)
