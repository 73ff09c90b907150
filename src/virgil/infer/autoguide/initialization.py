"""Where a guide begins: the functions of :mod:`virgil.infer.density.initialization`, at the path that programs know."""

from virgil.infer.density.init_messenger import InitMessenger
from virgil.infer.density.initialization import (
    init_to_feasible,
    init_to_generated,
    init_to_mean,
    init_to_median,
    init_to_sample,
    init_to_uniform,
    init_to_value,
)

__all__ = [
    "InitMessenger",
    "init_to_feasible",
    "init_to_generated",
    "init_to_mean",
    "init_to_median",
    "init_to_sample",
    "init_to_uniform",
    "init_to_value",
]
