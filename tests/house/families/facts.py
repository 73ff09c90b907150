"""Support, parameters and closed forms of a family, found from its class and an instance."""

from __future__ import annotations

import inspect
import re
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.distributions import kl as torchs

from tests.house.families.constraint_words import in_words
from tests.house.families.wings import WINGS, families, instance
from virgil.distributions import kl_divergence

__all__ = ["closed_forms", "divergences", "parameters", "support"]

# bounds that are functions of several parameters
_SUPPORTS = {"HyperGeometric": "integers from max(0, n + K - N) to min(n, K)"}
_ALTERNATIVES = {
    ("correlation", "weighted_correlation"),
    ("covariance_matrix", "precision_matrix"),
    ("gate", "gate_logits"),
    ("precision_matrix", "scale_tril"),
    ("probs", "logits"),
}


def support(family: type[Any], fn: Any) -> str:
    """The set of values, in words; of a family made from another one, the argument on which it depends."""
    if family.__name__ in _SUPPORTS:
        return _SUPPORTS[family.__name__]
    inner = [name for name in _arguments(family) if re.search("dist|component|^transforms$", name)]
    if inner and isinstance(inspect.getattr_static(family, "support"), property):
        return f"depends on `{inner[-1]}`"
    return "depends on `support`" if "support" in _arguments(family) else in_words(fn.support, fn)


def parameters(family: type[Any], fn: Any) -> str:
    """The arguments in their order, with the sets in which they must lie."""
    sets = fn.arg_constraints if fn is not None else {}
    text, before = "", ""
    for name in _arguments(family):
        text += " or " if (before, name) in _ALTERNATIVES else ", " if text else ""
        words = in_words(sets[name], fn) if name in sets else ""
        text += f"`{name}` {'in ' if words.startswith('[') else ''}{words}".strip()
        before = name
    return text or "none"


def closed_forms(fn: Any) -> list[str]:
    """Names of the methods and attributes that give an answer."""
    found = ["`rsample`"] if fn.has_rsample else []
    middle = torch.full(fn.batch_shape, 0.5, dtype=torch.double)
    asked = {
        "mean": lambda: fn.mean,
        "variance": lambda: fn.variance,
        "mode": lambda: fn.mode() if callable(fn.mode) else fn.mode,
        "entropy": lambda: fn.entropy(),
        "cdf": lambda: fn.cdf(fn.sample()),
        "icdf": lambda: fn.icdf(middle),
    }
    found += [f"`{name}`" for name, ask in asked.items() if _answers(ask)]
    return found + (["`enumerate_support`"] if fn.has_enumerate_support else [])


def divergences() -> dict[str, list[str]]:
    """For each family those q for which ``kl_divergence(p, q)`` has a formula and may be finite."""
    made = {each: fn for wing in WINGS for each in families(wing) if (fn := instance(each)) is not None}
    plain = {each: fn for each, fn in made.items() if not _is_wrapper(each)}
    return {
        p.__name__: [q.__name__ for q, second in plain.items() if _has_divergence(p, q, first, second)]
        for p, first in plain.items()
    }


def _is_wrapper(family: type[Any]) -> bool:
    return family.__module__ == "virgil.distributions.core.shape_algebra"


def _arguments(family: type[Any]) -> list[str]:
    left_out = {"self", "validate_args", "args", "kwargs"}
    return [name for name in inspect.signature(family.__init__).parameters if name not in left_out]


def _answers(ask: Any) -> bool:
    try:
        value: Tensor = ask()
    except NotImplementedError:
        return False
    return bool(value.isfinite().any())


def _has_divergence(p: type[Any], q: type[Any], first: Any, second: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # torch's, of two entries that fit as well
        formula = torchs._dispatch_kl(p, q)
    if formula is NotImplemented or re.search("infinit", formula.__name__):
        return False
    if formula.__module__ == "virgil.distributions.kl":  # for points, masks and independent entries of any family
        return False
    try:
        kl_divergence(first, second)
    except NotImplementedError:
        return False
    return True
