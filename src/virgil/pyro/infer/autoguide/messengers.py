"""The guides that run the model, as old programs derive from them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from virgil.infer import autoguide as house
from virgil.infer.autoguide.core.former_keys import SUFFIX
from virgil.poutine.site import Site
from virgil.pyro.infer.autoguide.guide import AutoGuide
from virgil.pyro.poutine.guide import GuideMessenger
from virgil.pyro.poutine.trace_struct import Trace

__all__ = [
    "AutoHierarchicalNormalMessenger",
    "AutoMessenger",
    "AutoMessengerMeta",
    "AutoNormalMessenger",
    "AutoRegressiveMessenger",
]


class AutoMessengerMeta(type(GuideMessenger)):  # type: ignore[misc]
    """The class of the guides that run the model."""


class AutoMessenger(AutoGuide, house.AutoMessenger):
    """:class:`virgil.infer.autoguide.AutoMessenger` with the methods of old programs.

    Its classes are messengers: ``issubclass(AutoNormalMessenger, Messenger)``. Parameters have no guide's name in
    front, ``"locs.mu"``, unless the guide is a part of another module. A call returns the values of observed and
    deterministic sites as well.

    Args:
        model: the model.
        amortized_plates: names of plates whose slots share their parameters.
    """

    @property
    def _init_scale(self) -> Any:
        """The initial scale in unconstrained space."""
        return self.init_scale

    @property
    def _init_weight(self) -> Any:
        """The initial weight of the prior's mean."""
        return self.init_weight

    @property
    def _hierarchical_sites(self) -> Any:
        """The names of the variables that follow their prior's mean."""
        return self.hierarchical_sites

    @property
    def _computing_median(self) -> bool:
        """True in a run in which each variable has its posterior's median."""
        return self._is_median

    def _adjust_plates(self, value: Tensor, event_dim: int) -> Tensor:
        """A tensor for the slots of this run as one for all slots, amortised plates left out."""
        return self._over_plates(value, event_dim)

    def _parameter_name(self, group: str, name: str) -> str:
        own = self._pyro_name
        return f"{group}.{name}" if own == type(self).__name__ else f"{own}.{group}.{name}"

    def _former_key(self, key: str) -> str:
        return key + SUFFIX if key.startswith(("locs.", "scales.", "weights.")) else key

    @staticmethod
    def _is_returned(site: Site) -> bool:
        return site.kind in ("sample", "deterministic")

    def get_traces(self) -> tuple[Trace, Trace]:
        """The trace of the model and that of the guide, of the last call."""
        traces = [Trace(), Trace()]
        for mine, found in zip(traces, super().get_traces(), strict=True):
            mine.nodes.update(found.nodes)
        return traces[0], traces[1]


class AutoNormalMessenger(AutoMessenger, house.AutoNormalMessenger):
    """:class:`virgil.infer.autoguide.AutoNormalMessenger` with the methods of old programs."""


class AutoHierarchicalNormalMessenger(AutoNormalMessenger, house.AutoHierarchicalNormalMessenger):
    """:class:`virgil.infer.autoguide.AutoHierarchicalNormalMessenger` with the methods of old programs."""


class AutoRegressiveMessenger(AutoMessenger, house.AutoRegressiveMessenger):
    """:class:`virgil.infer.autoguide.AutoRegressiveMessenger` with the methods of old programs."""
