"""Virgil: a probabilistic programming language for PyTorch. Its heart is stochastic variational inference.

A model and a guide are Python functions made of the statements below. ``virgil.infer`` fits the guide to the model,
``virgil.distributions`` holds what they draw from, ``virgil.poutine`` the handlers that change what statements mean.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from virgil import distributions, errors, infer, nn, ops, optim, params, poutine, settings
from virgil.distributions.core.validation import enable_validation, validation_enabled
from virgil.explain import explain, render_model
from virgil.infer.ladder.ladder import fit
from virgil.nn.random_module import random_module
from virgil.ops import absent_names
from virgil.ops.random_state import get_rng_state, set_rng_seed, set_rng_state
from virgil.params import ParamStore, clear_param_store, get_param_store
from virgil.poutine.condition import condition
from virgil.poutine.do import do
from virgil.poutine.markov import markov
from virgil.poutine.plate import plate
from virgil.poutine.vectorized_markov import vectorized_markov
from virgil.primitives import (
    barrier,
    deterministic,
    factor,
    iarange,
    irange,
    module,
    param,
    plate_stack,
    sample,
    subsample,
)

__version__ = version("virgil-ppl")

__all__ = [
    "ParamStore",
    "__version__",
    "barrier",
    "clear_param_store",
    "condition",
    "deterministic",
    "distributions",
    "do",
    "enable_validation",
    "errors",
    "explain",
    "factor",
    "fit",
    "get_param_store",
    "get_rng_state",
    "iarange",
    "infer",
    "irange",
    "markov",
    "module",
    "nn",
    "ops",
    "optim",
    "param",
    "params",
    "plate",
    "plate_stack",
    "poutine",
    "random_module",
    "render_model",
    "sample",
    "set_rng_seed",
    "set_rng_state",
    "settings",
    "subsample",
    "validation_enabled",
    "vectorized_markov",
]


def _former_module(path: str) -> Any:
    # loaded when a name is missing: the table of old paths takes longer than the rest of this file
    return import_module("virgil.pyro.old_module").former_module(path)


absent_names.FORMER.append(_former_module)

if not TYPE_CHECKING:  # a type checker would take every name for one that is there
    __getattr__ = absent_names.refusing(__name__, __all__)
