"""Load and start a compiled engine: whatever goes wrong in it is an ``EngineError`` that names the reason."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor

from virgil.engine.recording.program import CapturedStep, StepFn
from virgil.engine.runner import Runner
from virgil.errors import CaptureError, EngineError, VirgilError

__all__ = ["Loaded", "is_of_engine", "load", "reason", "starting"]

_CURES = {
    "xla": "Bring JAX up to date (pip install --upgrade 'virgil-ppl[xla]'), or use engine='eager'.",
    "inductor": "Use engine='xla' or engine='eager'.",
}


@dataclass(frozen=True)
class Loaded:
    """The parts of an engine.

    Attributes:
        capture: makes a program of a step.
        run: makes a runner of a program.
    """

    capture: Callable[[StepFn, Sequence[Tensor], Sequence[Tensor]], CapturedStep]
    run: Callable[[CapturedStep], Runner]


def load(engine: str) -> Loaded:
    """The parts of a compiled engine.

    Torch's tracing and both compilers take a second or more to load, so they are loaded here and by nothing else.

    Raises:
        EngineError: the engine cannot be loaded.
    """
    found = _loaded(engine)
    if isinstance(found, Exception):
        raise _error(engine, "cannot be loaded", found) from found
    return found


@contextmanager
def starting(engine: str) -> Iterator[None]:
    """A block in which an engine compiles or runs a program, and nothing of the user's does.

    Raises:
        EngineError: the engine raises anything that is not Virgil's own error.
    """
    try:
        yield
    except VirgilError:
        raise
    except Exception as error:  # compilers have no common class for what they cannot do
        raise _error(engine, "cannot run the step", error) from error


@functools.cache
def _loaded(engine: str) -> Loaded | Exception:
    """The parts, or why there are none: modules that have been loaded by half are not loaded again."""
    try:
        from virgil.engine.recording.capture import capture  # noqa: PLC0415 - compilers are loaded here

        if engine == "xla":
            from virgil.engine.xla.run import XlaRunner  # noqa: PLC0415 - as above

            return Loaded(capture, XlaRunner)
        from virgil.engine.inductor.run import InductorRunner  # noqa: PLC0415 - as above

        return Loaded(capture, InductorRunner)
    except Exception as error:  # an installation can be broken in any way
        return error


def is_of_engine(error: Exception) -> bool:
    """True if the eager step may go well where capturing, compiling or running one gave this error.

    Virgil's other errors are about programs, and an eager step would raise them again.
    """
    return isinstance(error, CaptureError) or not isinstance(error, VirgilError)


def reason(error: Exception) -> str:
    """An error in a line, which Virgil's own are already."""
    if isinstance(error, VirgilError):
        return str(error)
    first = (str(error).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _error(engine: str, what: str, error: Exception) -> EngineError:
    return EngineError(f"engine={engine!r} {what}: {reason(error).rstrip('.')}. {_CURES[engine]}")
