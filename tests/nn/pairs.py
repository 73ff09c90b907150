"""Builds each of the module programs, and what it is as functions."""

from functools import partial

import virgil
from tests.nn.programs import PROGRAMS, Values, X, Y
from virgil.infer import SVI

ARGS = (X, Y)


def of_modules(name, seed=0):
    """The module, and the model and guide of a program."""
    virgil.set_rng_seed(seed)
    program = PROGRAMS[name]
    module = program.module()
    return module, *around(name, module)


def around(name, module):
    """Model and guide, for a module."""
    program = PROGRAMS[name]
    model = program.wrap(program.of(module))
    return model, program.guide(model)


def of_functions(name, module, guide):
    """The model and guide as functions, where the module and the module's guide begin."""
    program = PROGRAMS[name]
    model = program.wrap(partial(program.function, Values(module)))
    if program.function_guide is None:
        return model, program.guide(model)
    return model, partial(program.function_guide, Values(guide))


def svi_of(name, model, guide):
    return SVI(model, guide, virgil.optim.Adam({"lr": 0.1}), PROGRAMS[name].objective())
