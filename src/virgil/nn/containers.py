"""Lists of modules and recurrent networks as programs."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn

from virgil.nn.call import calls
from virgil.nn.tree import full_name_of, place

__all__ = ["Container", "Recurrent"]


class Container(nn.Module):
    """Modules by position, which keep their dotted names in a slice and get new ones where they move."""

    networks: ClassVar[tuple[type[nn.Module], ...]] = (nn.Sequential, nn.ModuleList)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return super().__getitem__(index)  # type: ignore[misc]
        chosen = list(self._modules.values())[index]
        return nn.Sequential(*chosen) if isinstance(self, nn.Sequential) else nn.ModuleList(chosen)  # type: ignore[arg-type]

    def insert(self, index: int, module: nn.Module) -> Any:
        """Put a module before another one."""
        result = super().insert(index, module)  # type: ignore[misc]
        self._pyro_place_all()
        return result

    def __delitem__(self, index: int | slice) -> None:
        super().__delitem__(index)  # type: ignore[misc]
        self._pyro_place_all()

    def _pyro_place_all(self) -> None:
        for name, module in self._modules.items():
            if module is not None:
                place(module, full_name_of(self, name), vars(self)["_pyro_family"])


class Recurrent(nn.Module):
    """A recurrent network, whose weights torch keeps in a list as well: here they are read as attributes."""

    networks: ClassVar[tuple[type[nn.Module], ...]] = (nn.RNNBase,)

    @property
    def _flat_weights(self) -> list[Tensor | None]:
        names: list[str] = self.__dict__.get("_flat_weights_names", [])
        if self.__dict__["_pyro_family"] in calls.open:
            return [getattr(self, name) for name in names]
        return [self._parameters.get(name) for name in names]

    @_flat_weights.setter
    def _flat_weights(self, weights: list[Tensor | None]) -> None:
        """Nothing is kept: the attributes are what counts."""
