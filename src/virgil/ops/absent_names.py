"""The error about a name that a room does not have: what to use today, or the names that are like it."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from types import FrameType
from typing import Any

__all__ = ["FORMER", "INSTEAD", "absent", "refused", "refusing"]

_IMPORT_FROM = dis.opmap["IMPORT_FROM"]
_VALIDATION = 'Write virgil.settings.get("validate"), virgil.settings.context(validate=...) or virgil.enable_validation'
_WEIGHTS = "fit.check() weighs draws of the guide, and fit.check().draws() resamples them"

# By room and name: what to use today.
INSTEAD: dict[str, dict[str, str]] = {
    "virgil": {"log": "Use Python's logging"},
    "virgil.infer": {
        **dict.fromkeys(("CSIS", "MHResampler", "SMCFilter", "WeighedPredictive"), _WEIGHTS),
        **dict.fromkeys(("IMQSteinKernel", "RBFSteinKernel", "SVGD"), "Use SVI, or its run(restarts=)"),
        **dict.fromkeys(
            ("JitTraceGraph_ELBO", "TraceGraph_ELBO"),
            "Use Trace_ELBO, which multiplies the score of each variable by the terms that depend on it alone",
        ),
        **dict.fromkeys(
            ("EnergyDistance", "RenyiELBO", "ReweightedWakeSleep", "TraceTailAdaptive_ELBO", "Trace_MMD"),
            "Use Trace_ELBO, or a bound of your own by ELBO(bound=...)",
        ),
        "TraceTMC_ELBO": "Use TraceEnum_ELBO, which takes infer={'enumerate': 'parallel', 'num_samples': ...}",
        **dict.fromkeys(("enable_validation", "is_validation_enabled"), _VALIDATION),
    },
    "virgil.optim": {"HorovodOptimizer": "Run the script under torchrun with an optimiser of virgil.optim"},
    "virgil.poutine": {
        **dict.fromkeys(("enable_validation", "is_validation_enabled"), _VALIDATION),
        "unwrap": "Call the function that was wrapped",
    },
    "virgil.distributions": {
        "is_validation_enabled": "Use is_validating",
        "LKJCorrCholesky": "Use LKJCholesky",
    },
}


def absent(module: str, name: str, known: Iterable[str], caller: FrameType, instead: str | None = None) -> Exception:
    """The error about a name of a module.

    Args:
        module: the module.
        name: the name that is asked for.
        known: the names that are there.
        caller: the frame that asks.
        instead: a sentence on what to use, without its full stop. Default: that of ``INSTEAD``.
    """
    instead = instead or INSTEAD.get(module, {}).get(name)
    if instead is not None:
        words = f"{module} has no {name} yet. {instead}."
    else:
        known = list(known)
        close = [each for each in known if each.lower() == name.lower()] or get_close_matches(name, known, n=1)
        words = f"module {module!r} has no attribute {name!r}." + (f" Did you mean {close[0]!r}?" if close else "")
    return refused(words, module, name, caller)


def refused(words: str, module: str, name: str, caller: FrameType) -> Exception:
    """An error with these words about a name of a module.

    It is an ``AttributeError``, which ``hasattr`` expects, but an ``ImportError`` for ``from module import name``:
    there, Python replaces the words of other errors.
    """
    is_module = f"{module}.{name}" in sys.modules  # one that is being imported, which Python finds by itself
    if caller.f_code.co_code[caller.f_lasti] == _IMPORT_FROM and not is_module:
        return ImportError(words, name=module)
    return AttributeError(words)


FORMER: list[Callable[[str], Any]] = []
"""Functions that are asked for a module that a package has no more, by its path, before it is refused."""


def refusing(module: str, known: Iterable[str]) -> Callable[[str], Any]:
    """``__getattr__`` of a module that has these names."""

    def refuse(name: str) -> Any:
        caller = sys._getframe(1)
        for former in () if name.startswith("_") else FORMER:
            found = former(f"{module}.{name}")
            if found is not None:
                return found
        raise absent(module, name, known, caller)

    return refuse
