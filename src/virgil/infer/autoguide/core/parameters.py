"""The parameters of a guide: a module's own, by site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import transform_to

from virgil.distributions import constraints
from virgil.errors import ParamError
from virgil.infer.autoguide.core.former_keys import shorten
from virgil.nn import PyroModule
from virgil.params.constraint import Constraint, find_transform

__all__ = ["ConstrainedParameters", "SiteParameters"]


class ConstrainedParameters(PyroModule):
    """A module whose parameters are unconstrained; as an attribute each reads as its constrained value.

    The leaf itself is in ``parameters()``, ``named_parameters()`` and ``state_dict()``, as with any module.
    """

    def __init__(self) -> None:
        super().__init__()
        self.constraints: dict[str, Constraint] = {}
        self.constraint: Constraint = constraints.real

    def add(self, name: str, value: Tensor, constraint: Constraint | None = None) -> None:
        """Make a parameter that begins at the constrained ``value``, unless one was loaded: that one stays.

        Raises:
            ParamError: the one that was loaded has another shape.
        """
        constraint = self.constraints[name] = self.constraint if constraint is None else constraint
        transform = find_transform(name, constraint)
        leaf = value if transform is None else transform_to(constraint).inv(value)
        loaded = self._parameters.get(name)
        if loaded is None:
            self._parameters[name] = nn.Parameter(leaf.detach().clone(memory_format=torch.contiguous_format))
        elif loaded.shape != leaf.shape:
            raise ParamError(
                f"The guide's parameter for {name!r} was loaded with shape {tuple(loaded.shape)}, but the model needs "
                f"{tuple(leaf.shape)}. Load a state that was saved for this model, or make a new guide."
            )

    def __getattr__(self, name: str) -> Any:
        leaf = self.__dict__.get("_parameters", {}).get(name)
        if leaf is None:
            return super().__getattr__(name)
        transform = find_transform(name, self.__dict__["constraints"].get(name, self.__dict__["constraint"]))
        return leaf if transform is None else transform(leaf)

    def _adopt(self, state: Mapping[str, Tensor]) -> None:
        """Make parameters for the tensors of a state that is about to be loaded."""
        for name, value in state.items():
            if name not in self._parameters:
                self._parameters[name] = nn.Parameter(torch.empty_like(value))


class SiteParameters(ConstrainedParameters):
    """Parameters by the names of sites.

    A name may have dots and may be that of a module's method, since it is a key and no attribute.

    Args:
        constraint: of those that :meth:`add` is given without one.
    """

    def __init__(self, constraint: Constraint = constraints.real) -> None:
        super().__init__()
        self.constraint = constraint

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            prefix = f"{name}."
            if any(key.startswith(prefix) for key in self.__dict__.get("_parameters", {})):
                return _Dotted(self, prefix)
            raise

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        shorten(state_dict, prefix, self._parameters)
        given = {key[len(prefix) :]: value for key, value in state_dict.items() if key.startswith(prefix)}
        if not self._parameters:
            self._adopt(given)
        for name, leaf in self._parameters.items():
            value = given.pop(name, None)
            if value is None:
                missing_keys.append(prefix + name)
            elif leaf is None or value.shape != leaf.shape:
                shape = None if leaf is None else tuple(leaf.shape)
                error_msgs.append(f"size mismatch for {prefix}{name}: {tuple(value.shape)} in the state, {shape} here.")
            elif local_metadata.get("assign_to_params_buffers", False):
                self._parameters[name] = nn.Parameter(value, requires_grad=leaf.requires_grad)
            else:
                with torch.no_grad():
                    leaf.copy_(value)
        unexpected_keys += [prefix + name for name in given]


class _Dotted:
    """The parameters whose names begin with a prefix, so that ``guide.locs.a.b`` finds ``"a.b"``."""

    def __init__(self, parameters: SiteParameters, prefix: str) -> None:
        self._source = parameters
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, self._prefix + name)
