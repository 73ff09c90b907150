"""Networks that are programs: ``PyroModule``, and what its attributes may be.

``PyroParam`` is a constrained parameter, ``PyroSample`` a random variable; ``pyro_method`` is for methods that are
called instead of the module itself. ``DenseNN`` and its kin give the parameters of a distribution.
"""

from virgil.networks import (
    AutoRegressiveNN,
    ConditionalAutoRegressiveNN,
    ConditionalDenseNN,
    DenseNN,
    MaskedLinear,
    create_mask,
)
from virgil.nn.attributes import PyroParam, PyroSample
from virgil.nn.call import pyro_method
from virgil.nn.module import PyroModule, PyroModuleList, clear, to_pyro_module_
from virgil.nn.random_module import random_module

__all__ = [
    "AutoRegressiveNN",
    "ConditionalAutoRegressiveNN",
    "ConditionalDenseNN",
    "DenseNN",
    "MaskedLinear",
    "PyroModule",
    "PyroModuleList",
    "PyroParam",
    "PyroSample",
    "clear",
    "create_mask",
    "pyro_method",
    "random_module",
    "to_pyro_module_",
]
