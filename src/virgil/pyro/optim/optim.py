"""``PyroOptim``: an optimiser as old programs hold it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from virgil.optim.adagrad_rmsprop import AdagradRMSProp as TorchAdagradRMSProp
from virgil.optim.clipped_adam import ClippedAdam as TorchClippedAdam
from virgil.optim.dct_adam import DCTAdam as TorchDCTAdam
from virgil.optim.facade import Facade
from virgil.optim.options import given_options
from virgil.params.tensor_file import refusing
from virgil.pyro.optim.by_parameter import ByParameter
from virgil.pyro.optim.file import read_memory, write_memory
from virgil.pyro.optim.memory import get_memory, is_by_parameter, set_memory
from virgil.pyro.optim.views import views

__all__ = ["AdagradRMSProp", "ClippedAdam", "DCTAdam", "PyroOptim", "is_scheduler"]


class PyroOptim(Facade):
    """A torch optimiser for parameters that a program makes while it runs.

    A class derived from it may have a ``__call__`` of its own: SVI takes its steps by that.

    Args:
        optim_constructor: a class of ``torch.optim``, or one like them.
        optim_args: its options, or a function to them from a parameter's name, or from the name of its module and the
            name inside of it.
        clip_args: ``{"clip_norm": x, "clip_value": y}`` to clip each parameter's gradient before a step, or a function
            as ``optim_args`` may be.

    Attributes:
        pt_optim_constructor: the class.
        pt_optim_args: the options as they were given.
        pt_clip_args: likewise the limits of gradients.

    Raises:
        ArgumentError: an option is unknown or has a wrong value.
    """

    optimizer: ByParameter
    steps_itself: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.steps_itself = cls.__call__ is not PyroOptim.__call__

    def __init__(self, optim_constructor: Any, optim_args: Any, clip_args: Any = None) -> None:
        if isinstance(optim_constructor, partial) and not callable(optim_args):
            optim_args = {**optim_constructor.keywords, **optim_args}
            optim_constructor = optim_constructor.func
        self.pt_optim_constructor = optim_constructor
        self.pt_optim_args = optim_args
        self.pt_clip_args = {} if clip_args is None else clip_args
        self.optimizer = ByParameter(self, optim_constructor, optim_args, clip_args)

    @property
    def optim_objs(self) -> Mapping[Tensor, Any]:
        """By leaf the optimiser of each parameter; its scheduler where there is one.

        These are views: ``optim_objs[leaf].param_groups[0]["lr"] = 0.1`` changes the rate of one parameter.
        """
        return views(self.optimizer)

    def __call__(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Take one step with these leaves, which have gradients. New ones join."""
        self.optimizer.step_with(params)

    def get_state(self) -> dict[str, Any]:
        """A copy of all that is remembered: by the name of a parameter the state of torch's optimiser of it."""
        return get_memory(self.optimizer)

    def set_state(self, state_dict: dict[str, Any]) -> None:
        """Take up a state, with the options that it holds. The part of a parameter that is yet to come waits for it.

        Raises:
            ParamError: the state is no state, another optimiser's, or of parameters with other shapes.
        """
        if is_by_parameter(state_dict):
            set_memory(self.optimizer, state_dict)
        else:
            self.optimizer.set_state(state_dict)  # type: ignore[arg-type]  # it refuses what is no state

    def save(self, filename: str | PathLike[str]) -> None:
        """Write the state to a safetensors file; a file of this name is replaced in one piece."""
        write_memory(filename, self.get_state())

    def load(self, filename: str | PathLike[str], map_location: Any = None) -> None:
        """Take up the state of a file. Nothing in the file is executed.

        Args:
            filename: a file that ``save`` wrote, or into which ``virgil convert`` turned an old one.
            map_location: where the state waits for parameters that are yet to come, as in ``torch.load``. What is
                remembered of a parameter is where the parameter is.

        Raises:
            FileFormatError: the file is damaged or foreign, or its state does not fit.
        """
        state = read_memory(filename, map_location)
        with refusing(filename):
            self.set_state(state)


def ClippedAdam(optim_args: Any = None, clip_args: Any = None, **options: Any) -> PyroOptim:
    """:class:`virgil.optim.clipped_adam.ClippedAdam` for parameters by name."""
    return PyroOptim(TorchClippedAdam, given_options("ClippedAdam", optim_args, options), clip_args)


def AdagradRMSProp(optim_args: Any = None, clip_args: Any = None, **options: Any) -> PyroOptim:
    """:class:`virgil.optim.adagrad_rmsprop.AdagradRMSProp` for parameters by name."""
    return PyroOptim(TorchAdagradRMSProp, given_options("AdagradRMSProp", optim_args, options), clip_args)


def DCTAdam(optim_args: Any = None, clip_args: Any = None, **options: Any) -> PyroOptim:
    """:class:`virgil.optim.dct_adam.DCTAdam` for parameters by name."""
    return PyroOptim(TorchDCTAdam, given_options("DCTAdam", optim_args, options), clip_args)


def is_scheduler(optimizer: Any) -> bool:
    """True for a scheduler of torch's, which steps after its optimiser."""
    return isinstance(optimizer, torch.optim.lr_scheduler.LRScheduler)
