"""Which engine runs a program."""

from __future__ import annotations

import importlib.util
from typing import Literal

import torch

from virgil.engine.program import Program
from virgil.engine.runner import Runner
from virgil.errors import ArgumentError, did_you_mean

__all__ = ["ENGINES", "Engine", "check_engine", "default_engine", "pays", "runner_of"]

Engine = Literal["auto", "eager", "xla", "inductor"]
ENGINES = ("auto", "eager", "xla", "inductor")

# What a step costs eagerly, and what it costs to capture and compile it: seconds, per operator and in all.
_EAGER, _ELEMENT, _BASE, _COMPILE = 5e-6, 3e-10, 1.5, 8e-3


def check_engine(engine: str) -> None:
    """Whether there is such an engine, here.

    Raises:
        ArgumentError: there is none, or what it needs is not installed.
    """
    if engine not in ENGINES:
        raise ArgumentError(f"There is no engine {engine!r}. {did_you_mean(engine, ENGINES)}")
    if engine == "xla" and not _has_jax():
        raise ArgumentError("engine='xla' needs JAX. Install it by: pip install 'virgil-ppl[xla]'")


def default_engine(device: torch.device) -> tuple[str, str]:
    """The engine that ``"auto"`` stands for on a device, and why."""
    if device.type == "cuda":
        return "inductor", "the parameters are on a GPU"
    if device.type == "cpu" and _has_jax():
        return "xla", "JAX is installed"
    return "eager", "JAX is not installed (pip install 'virgil-ppl[xla]')"


def pays(num_steps: int, num_operators: int, num_elements: int) -> bool:
    """Whether that many steps repay capturing and compiling one, by the size of it alone.

    No clock is asked, so that the choice, and with it the stream of random numbers, is the same each time.
    """
    eager = num_steps * (num_operators * _EAGER + num_elements * _ELEMENT)
    return eager > _BASE + num_operators * _COMPILE


def runner_of(engine: str, program: Program) -> Runner:
    """The program on an engine.

    Raises:
        OperatorError: the engine lacks an operator of the program.
    """
    if engine == "xla":
        from virgil.engine.xla.run import XlaRunner  # noqa: PLC0415 - the door to an optional dependency

        return XlaRunner(program)
    from virgil.engine.inductor import InductorRunner  # noqa: PLC0415 - loads torch's compiler, which takes seconds

    return InductorRunner(program)


def _has_jax() -> bool:
    return importlib.util.find_spec("jax") is not None
