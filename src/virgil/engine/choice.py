"""The choice of the engine that runs a program."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from virgil.engine.loading import load, starting
from virgil.engine.recording.program import CapturedStep, StepFn
from virgil.engine.runner import Restarts, Runner
from virgil.errors import ArgumentError, did_you_mean

__all__ = ["ENGINES", "Engine", "check_engine", "compiled", "default_engine", "pays", "restarted"]

Engine = Literal["auto", "eager", "xla", "inductor"]
ENGINES = ("auto", "eager", "xla", "inductor")

# What a step costs eagerly, and what it costs to capture and compile it: seconds, per operator and in all.
_EAGER, _ELEMENT, _BASE, _CAPTURE, _COMPILE = 5e-6, 3e-10, 1.2, 4e-4, 5e-3
_MANY = 1500  # operators, beyond which most are a loop's, of which XLA compiles one round


def check_engine(engine: str) -> None:
    """Refuse an engine that does not exist, or is not installed here.

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


def pays(engine: str, num_steps: int, num_operators: int, num_elements: int) -> bool:
    """True if that many steps repay capturing and compiling one for an engine, by the size of it alone.

    No clock is asked, so that the choice, and with it the stream of random numbers, is the same each time.
    """
    eager = num_steps * (num_operators * _EAGER + num_elements * _ELEMENT)
    num_compiled = min(num_operators, _MANY) if engine == "xla" else num_operators
    return eager > _BASE + num_operators * _CAPTURE + num_compiled * _COMPILE


def compiled(engine: str, step: StepFn, state: Sequence[Tensor], inputs: Sequence[Tensor]) -> Runner:
    """A step, captured, on an engine.

    Raises:
        EngineError: the engine cannot be loaded or started.
        CaptureError: the step cannot be captured.
        OperatorError: the engine lacks an operator of the step.
    """
    loaded = load(engine)
    program = loaded.capture(step, state, inputs)
    with starting(engine):
        return loaded.run(program)


def restarted(program: CapturedStep) -> Restarts:
    """A captured program, from several states at once; on XLA.

    Raises:
        EngineError: the engine cannot be started.
        OperatorError: the engine lacks an operator of the step.
    """
    with starting("xla"):
        from virgil.engine.xla.restarts import XlaRestarts  # noqa: PLC0415 - JAX takes a second to load

        return XlaRestarts(program)


def _has_jax() -> bool:
    """True if JAX is installed, even if it cannot be loaded."""
    try:
        return importlib.util.find_spec("jax") is not None
    except ValueError:  # a module that nobody knows where it comes from
        return True
