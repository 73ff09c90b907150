"""Programs under torch without its private names, in a process of its own: ``python -m tests.engine.nameless WHAT``."""

from __future__ import annotations

import builtins
import json
import sys
import warnings
from collections.abc import Callable
from typing import Any


def without_what_has_a_fallback() -> None:
    """Take private names from torch, whose own modules have been imported with them."""
    import torch
    import torch._dynamo  # which functionalization loads
    import torch.export
    import torch.fx
    import torch.nn.attention
    from torch.utils import _python_dispatch as dispatch

    torch.export.default_decompositions()
    for name in [each for each in vars(torch) if each.startswith("_foreach_")]:
        delattr(torch, name)
    delattr(torch, "_fused_adam_")
    delattr(torch.autograd, "_profiler_enabled")
    delattr(dispatch, "autograd_would_have_decomposed")
    _hide_from_virgil("torch.utils._pytree")


def _hide_from_virgil(module: str) -> None:
    """Let no module of Virgil's import this one, which torch's own import when they need it."""
    whole = builtins.__import__

    def hiding(name: str, globals: Any = None, *rest: Any) -> Any:
        if name == module and (globals or {}).get("__name__", "").startswith("virgil."):
            raise ImportError(f"No module named {name!r}")
        return whole(name, globals, *rest)

    builtins.__import__ = hiding


def without_modes() -> None:
    """Take from torch the mode that sees operators."""
    from torch.utils import _python_dispatch as dispatch

    delattr(dispatch, "TorchDispatchMode")


def with_all() -> None:
    """Leave torch as it is."""


def fitted(engine: str) -> Any:
    """A fit of a model with a network, by an optimiser that uses many of torch's kernels."""
    import torch

    import virgil
    import virgil.distributions as dist
    from virgil.infer import SVI, JitTrace_ELBO
    from virgil.infer.autoguide import AutoNormal

    def model(data: torch.Tensor) -> None:
        z = virgil.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        rate = virgil.sample("rate", dist.Gamma(2.0, 1.0))
        mean = torch.nn.functional.linear(z, torch.eye(3, 2, dtype=z.dtype)).softmax(-1)
        with virgil.poutine.scale(scale=torch.tensor(2.0)), virgil.plate("data", len(data)):
            virgil.sample("x", dist.Normal(mean, rate).to_event(1), obs=data)

    virgil.clear_param_store()
    virgil.set_rng_seed(0)
    optim = virgil.optim.ClippedAdam({"lr": 0.01, "clip_norm": 0.5}, {"clip_norm": 10.0})
    svi = SVI(model, AutoNormal(model), optim, JitTrace_ELBO())
    data = torch.linspace(-1, 1, 12).reshape(4, 3)
    return svi.run(20, data, engine=engine, progress=False, average=5)


def main() -> None:
    """Print for each engine the losses, or the error, and the reason that ``"auto"`` gives."""
    removes: dict[str, Callable[[], None]] = {
        each.__name__: each for each in (with_all, without_what_has_a_fallback, without_modes)
    }
    removes[sys.argv[1]]()
    warnings.simplefilter("ignore")
    found: dict[str, Any] = {}
    for engine in ("eager", "xla", "auto"):
        try:
            fit = fitted(engine)
            found[engine] = {"engine": fit.engine, "reason": fit.engine_reason, "losses": fit.losses.tolist()}
        except RuntimeError as error:
            found[engine] = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
