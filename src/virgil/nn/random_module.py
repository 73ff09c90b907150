"""``random_module``: a network whose parameters are drawn, as programs made one before there was ``PyroModule``."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from virgil.errors import ArgumentError, did_you_mean, shown
from virgil.nn.parameter import state_parameter
from virgil.primitives import sample

__all__ = ["random_module"]


def random_module(name: str, nn_module: nn.Module, prior: Any) -> Callable[[], nn.Module]:
    """A function that draws networks: copies of ``nn_module`` whose parameters have priors.

    Deprecated: write a :class:`~virgil.nn.PyroModule` whose attributes are ``PyroSample``, or make one of a network by
    :func:`~virgil.nn.to_pyro_module_`.

    Args:
        name: put before the parameters' names; that of the statement is ``name + "$$$" + its own name``.
        nn_module: the network.
        prior: a dict from a parameter's own name to its distribution; a function from the name to one; or one
            distribution for all. A parameter that gets none, or ``None``, stays one and is learnt.

    Raises:
        ArgumentError: ``prior`` has a name that the network lacks.
    """
    message = "random_module is the former way to a random network. Use virgil.nn.PyroModule and to_pyro_module_."
    warnings.warn(message, DeprecationWarning, stacklevel=2)
    if not isinstance(nn_module, nn.Module):
        raise ArgumentError(f"random_module({name!r}) got {shown(nn_module)}; it takes a torch.nn.Module.")
    leaves = dict(nn_module.named_parameters())
    for key in prior if isinstance(prior, Mapping) else ():
        if key not in leaves:
            raise ArgumentError(
                f"random_module({name!r}) got a prior for {key!r}, which is no parameter of the network. "
                f"{did_you_mean(key, leaves)}"
            )

    def draw() -> nn.Module:
        values: dict[int, Any] = {id(buffer): buffer for buffer in nn_module.buffers()}
        for own_name, leaf in leaves.items():
            fn, full_name = _prior_of(prior, own_name), f"{name}$$${own_name}"
            values[id(leaf)] = state_parameter(full_name, leaf) if fn is None else sample(full_name, fn)
        return copy.deepcopy(nn_module, values)  # what is in the memo already is not copied but used

    return draw


def _prior_of(prior: Any, name: str) -> Any:
    if isinstance(prior, Mapping):
        return prior.get(name)
    return prior if hasattr(prior, "log_prob") else prior(name)
