"""Torch's optimisers and learning-rate schedulers, for parameters that a program makes while it runs.

``Adam({"lr": 0.01})`` makes one; ``Optimizer(torch.optim.Adam, {"lr": 0.01})`` is the same. Options may be a function
from a parameter's name to a dict. ``as_optimizer`` takes torch's own classes and instances as well; SVI calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from virgil.ops import absent_names
from virgil.optim.adapters import as_optimizer
from virgil.optim.gradients import zero_grads
from virgil.optim.optimizer import Optimizer
from virgil.optim.optimizers_by_name import (
    ASGD,
    LBFGS,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    AdagradRMSProp,
    Adam,
    Adamax,
    AdamW,
    ClippedAdam,
    DCTAdam,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
    SparseAdam,
)
from virgil.optim.scheduler import LRScheduler
from virgil.optim.schedulers_by_name import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)

PyroOptim = Optimizer  # the names of old programs
PyroLRScheduler = LRScheduler

__all__ = [
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "AdagradRMSProp",
    "Adam",
    "AdamW",
    "Adamax",
    "ChainedScheduler",
    "ClippedAdam",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "DCTAdam",
    "ExponentialLR",
    "LBFGS",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "Muon",
    "NAdam",
    "OneCycleLR",
    "Optimizer",
    "PolynomialLR",
    "PyroLRScheduler",
    "PyroOptim",
    "RAdam",
    "RMSprop",
    "ReduceLROnPlateau",
    "Rprop",
    "SGD",
    "SequentialLR",
    "SparseAdam",
    "StepLR",
    "as_optimizer",
    "zero_grads",
]

if not TYPE_CHECKING:  # a type checker would take every name for one that is there
    __getattr__ = absent_names.refusing(__name__, __all__)
