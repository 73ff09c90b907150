"""Torch's optimisers by name, with options in a dict or by keywords: ``Adam({"lr": 0.01})``, ``Adam(lr=0.01)``."""

from __future__ import annotations

import inspect
from typing import Any, Protocol

import torch

from virgil.errors import ArgumentError
from virgil.optim.adagrad_rmsprop import AdagradRMSProp as TorchAdagradRMSProp
from virgil.optim.clipped_adam import ClippedAdam as TorchClippedAdam
from virgil.optim.dct_adam import DCTAdam as TorchDCTAdam
from virgil.optim.optimizer import Optimizer
from virgil.optim.options import OptimArgs, check_class, given_options

__all__ = [
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "AdagradRMSProp",
    "Adam",
    "AdamW",
    "Adamax",
    "ClippedAdam",
    "DCTAdam",
    "LBFGS",
    "Muon",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
    "SparseAdam",
]


class Named(Protocol):
    """A function that makes an optimiser of one class from its options."""

    def __call__(
        self, optim_args: OptimArgs | None = None, clip_args: OptimArgs | None = None, **options: Any
    ) -> Optimizer:
        """Make the optimiser. The options are a dict, a function from a parameter's name to a dict, or keywords."""
        ...


def _named(kind: type[torch.optim.Optimizer]) -> Named:
    def make(optim_args: OptimArgs | None = None, clip_args: OptimArgs | None = None, **options: Any) -> Optimizer:
        return Optimizer(kind, given_options(kind.__name__, optim_args, options), clip_args)

    options = [str(each) for name, each in inspect.signature(kind).parameters.items() if name != "params"]
    make.__name__ = make.__qualname__ = kind.__name__
    make.__doc__ = (
        f"``{kind.__module__}.{kind.__name__}`` by name; see :class:`virgil.optim.Optimizer`.\n\n"
        f"    Options: {', '.join(option.split(':')[0] for option in options)}.\n    "
    )
    return make


def LBFGS(optim_args: Any = None, clip_args: Any = None, **options: Any) -> Optimizer:
    """Raise an error: LBFGS needs a closure, which a step does not have.

    Raises:
        ArgumentError: always; it says what to use.
    """
    check_class(torch.optim.LBFGS)
    raise ArgumentError("LBFGS needs a closure.")


ASGD = _named(torch.optim.ASGD)
SGD = _named(torch.optim.SGD)
Adadelta = _named(torch.optim.Adadelta)
Adafactor = _named(torch.optim.Adafactor)
Adagrad = _named(torch.optim.Adagrad)
AdagradRMSProp = _named(TorchAdagradRMSProp)
Adam = _named(torch.optim.Adam)
AdamW = _named(torch.optim.AdamW)
Adamax = _named(torch.optim.Adamax)
ClippedAdam = _named(TorchClippedAdam)
DCTAdam = _named(TorchDCTAdam)
Muon = _named(torch.optim.Muon)
NAdam = _named(torch.optim.NAdam)
RAdam = _named(torch.optim.RAdam)
RMSprop = _named(torch.optim.RMSprop)
Rprop = _named(torch.optim.Rprop)
SparseAdam = _named(torch.optim.SparseAdam)
