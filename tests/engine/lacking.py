"""Torch that lacks some operators, for a process of its own: ``python -m tests.engine.lacking tables``, or ``runs``."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torch._decomp
from torch import Tensor

TABLES = {
    "virgil.engine.xla.registry": ("LOWERINGS", "ABSENT"),
    "virgil.engine.operators.decompositions": ("RECORDED", "FUNCTIONAL"),
    "virgil.engine.operators.core_aten": ("PLAIN",),
}
OTHERS = [  # modules that name operators and have no table for others to see
    "virgil.engine.inductor.in_place",
    "virgil.engine.recording.record",
    "virgil.engine.operators.writes",
    "virgil.engine.rolled.linear",
    "virgil.engine.rolled.operations",
    "virgil.engine.rolled.totals",
    "virgil.engine.xla.rolled.numbers",
    "virgil.engine.xla.rolled.sums",
]


class _Lacking:
    """A namespace of torch's operators without some of them."""

    def __init__(self, namespace: Any, names: set[str]) -> None:
        self._namespace = namespace
        self._names = names

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            raise AttributeError(f"'_OpNamespace' 'aten' object has no attribute '{name}'")
        return getattr(self._namespace, name)


@contextmanager
def lacking(names: set[str]) -> Iterator[None]:
    """A block in which ``torch.ops.aten`` lacks these operators, and modules of the engine are imported anew."""
    whole = torch.ops.aten
    for each in [each for each in sys.modules if each.startswith("virgil.engine")]:
        del sys.modules[each]
    torch.ops.aten = _Lacking(whole, names)  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.ops.aten = whole


def _import(lacks: set[str]) -> None:
    """Import all that names operators where torch lacks these."""
    with lacking(lacks):
        for each in (*OTHERS, *TABLES, "virgil.engine.xla.lowerings"):
            importlib.import_module(each)


def _tables(lacks: set[str]) -> dict[str, set[str]]:
    """The names of the operators in each table."""
    _import(lacks)
    return {each: set(map(str, getattr(sys.modules[name], each))) for name in TABLES for each in TABLES[name]}


def tables() -> None:
    """Every table is made without any third of its operators, and without all, and holds the others."""
    whole = _tables(set())
    named = {each.split(".")[1] for table in whole.values() for each in table if each.startswith("aten.")}
    named -= {"add"}  # by which the type of operators is known
    names = sorted(named)
    for lacks in ({"linalg_qr"}, set(names[::3]), set(names[1::3]), set(names[2::3]), named):

        def is_lacked(operator: str, lacks: set[str] = lacks) -> bool:
            return operator.startswith("aten.") and operator.split(".")[1] in lacks

        found = _tables(lacks)
        for name in ("LOWERINGS", "RECORDED", "FUNCTIONAL", "PLAIN"):
            expected = {each for each in whole[name] if not is_lacked(each)}
            assert found[name] == expected, (name, found[name] ^ expected)
        lowered = whole["LOWERINGS"] | whole["ABSENT"]
        assert found["ABSENT"] == whole["ABSENT"] | set(filter(is_lacked, lowered))


def runs() -> None:
    """Without ``cosh`` and others, a program that has none runs on XLA; one that has it says so, or is eager."""
    _import({"cosh", "linalg_qr", "median", "max_pool2d_with_indices", "special_bessel_j0"})
    assert _fitted(torch.exp, "auto").engine == "xla"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        fit = _fitted(torch.cosh, "auto")
    assert fit.engine == "eager"
    assert "aten.cosh.default has no lowering to XLA" in fit.engine_reason
    assert [each for each in caught if fit.engine_reason in str(each.message)]
    with pytest.raises(NotImplementedError, match=r"aten\.cosh\.default has no lowering to XLA"):
        _fitted(torch.cosh, "xla")


def _fitted(fn: Callable[[Tensor], Tensor], engine: str) -> Any:
    import virgil
    import virgil.distributions as dist
    from virgil.infer import SVI, JitTrace_ELBO
    from virgil.infer.autoguide import AutoNormal

    def model(data: Tensor) -> None:
        z = virgil.sample("z", dist.Normal(0.0, 1.0))
        with virgil.plate("data", len(data)):
            virgil.sample("x", dist.Normal(0.0, fn(z)), obs=data)

    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    svi = SVI(model, AutoNormal(model), virgil.optim.Adam({"lr": 0.01}), JitTrace_ELBO())
    fit = svi.run(20, torch.linspace(-1, 1, 5), engine=engine, progress=False)
    assert bool(fit.losses.isfinite().all())
    return fit


if __name__ == "__main__":
    {"tables": tables, "runs": runs}[sys.argv[1]]()
