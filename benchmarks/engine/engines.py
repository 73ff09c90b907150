"""The rows: a program in a language, stepped in one of the ways that the language has.

Languages are imported where a row begins, because a row's time begins with its process and it must not pay for others.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from benchmarks.engine.problem import Problem

__all__ = ["ENGINES", "Engine", "Take"]

Take = Callable[[int, float], Sequence[float]]
"""Takes so many steps, or as many as it can until ``time.monotonic()`` says so; returns their losses."""


@dataclass(frozen=True)
class Engine:
    """A way to take steps.

    Attributes:
        label: what the table says.
        begin: makes a named program ready to step.
        caches: whether it keeps what it compiled on disk for the next process.
    """

    label: str
    begin: Callable[[str], Take]
    caches: bool = False


def _one_by_one(step: Callable[[], Any]) -> Take:
    def take(count: int, until: float) -> list[float]:
        losses: list[float] = []
        while len(losses) < count and time.monotonic() < until:
            losses.append(float(step()))
        return losses

    return take


def _torch(language: str, program: str) -> tuple[ModuleType, Problem]:
    ppl = importlib.import_module(language)
    for room in ("infer.autoguide", "optim"):
        importlib.import_module(f"{language}.{room}")
    ppl.enable_validation(False)
    ppl.set_rng_seed(0)
    programs = importlib.import_module("benchmarks.engine.torch_programs")
    return ppl, programs.PROGRAMS[program](ppl)


def _svi(ppl: ModuleType, problem: Problem, prefix: str = "", **options: Any) -> Any:
    if problem.nesting is None:
        loss = getattr(ppl.infer, f"{prefix}Trace_ELBO")(**options)
    else:
        loss = getattr(ppl.infer, f"{prefix}TraceEnum_ELBO")(max_plate_nesting=problem.nesting, **options)
    return ppl.infer.SVI(problem.model, problem.guide, ppl.optim.Adam({"lr": problem.rate}), loss=loss)


def _pyro(program: str) -> Take:
    ppl, problem = _torch("pyro", program)
    svi = _svi(ppl, problem)
    return _one_by_one(lambda: svi.step(*problem.args))


def _pyro_jit(program: str) -> Take:
    warnings.simplefilter("ignore")  # torch.jit's own deprecation, at every step
    ppl, problem = _torch("pyro", program)
    svi = _svi(ppl, problem, "Jit", ignore_jit_warnings=True)
    return _one_by_one(lambda: svi.step(*problem.args))


def _virgil(program: str) -> Take:
    ppl, problem = _torch("virgil", program)
    svi = _svi(ppl, problem)
    return _one_by_one(lambda: svi.step(*problem.args))


def _virgil_on(engine: str) -> Callable[[str], Take]:
    def begin(program: str) -> Take:
        ppl, problem = _torch("virgil", program)
        svi = _svi(ppl, problem)

        def take(count: int, until: float) -> Sequence[float]:
            losses: Sequence[float] = svi.run(count, *problem.args, engine=engine, progress=False).losses.tolist()
            return losses

        return take

    return begin


def _numpyro(program: str) -> Take:
    import jax  # noqa: PLC0415 - see above
    import numpyro  # noqa: PLC0415
    from numpyro.infer import SVI, Trace_ELBO, TraceEnum_ELBO  # noqa: PLC0415

    problem: Problem = importlib.import_module("benchmarks.engine.numpyro_programs").PROGRAMS[program]()
    loss = Trace_ELBO() if problem.nesting is None else TraceEnum_ELBO()
    svi = SVI(problem.model, problem.guide, numpyro.optim.Adam(problem.rate), loss)
    states: list[Any] = [None]

    def take(count: int, until: float) -> Sequence[float]:
        result = svi.run(jax.random.key(0), count, *problem.args, progress_bar=False, init_state=states[0])
        losses: Sequence[float] = result.losses.tolist()
        states[0] = result.state
        return losses

    return take


ENGINES = {
    "pyro": Engine("Pyro", _pyro),
    "pyro-jit": Engine("Pyro, Jit", _pyro_jit),
    "numpyro": Engine("NumPyro", _numpyro, caches=True),
    "eager": Engine("Virgil, eager", _virgil),
    "xla": Engine("Virgil, XLA", _virgil_on("xla"), caches=True),
    "inductor": Engine("Virgil, inductor", _virgil_on("inductor"), caches=True),
}
