"""``python -m benchmarks.modules``: what a forward pass of a Bayesian network costs, beside Pyro.

"in torch" is the same work without a language: the draws by the distributions' own ``rsample``, and the layers by
``torch.nn.functional``. What a language adds is what is beyond it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pyro
import pyro.distributions
import pyro.infer.autoguide
import pyro.nn
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

import virgil
import virgil.infer.autoguide
from benchmarks.harness.interleave import Contender, Ratio, interleave
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write

LAYERS = ((8, 32), (32, 32), (32, 1))
GOAL = 0.6


def network(language: ModuleType) -> nn.Module:
    """Three layers whose weights and biases are random, and observations."""
    dist, program = language.distributions, language.nn

    class Network(program.PyroModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            for place, (inner, outer) in enumerate(LAYERS):
                layer = program.PyroModule[nn.Linear](inner, outer)
                layer.weight = program.PyroSample(dist.Normal(0.0, 1.0).expand([outer, inner]).to_event(2))
                layer.bias = program.PyroSample(dist.Normal(0.0, 1.0).expand([outer]).to_event(1))
                setattr(self, f"fc{place}", layer)

        def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
            mean = self.fc2(torch.tanh(self.fc1(torch.tanh(self.fc0(x)))))[:, 0]
            if y is not None:
                with language.plate("data", len(x)):
                    language.sample("y", dist.Normal(mean, 1.0), obs=y)
            return mean

    return Network()


def in_torch(x: Tensor) -> Callable[[], float]:
    """The same draws and layers, without a language."""
    normal = virgil.distributions.Normal(0.0, 1.0)
    priors = [
        normal.expand(shape).to_event(len(shape)) for inner, outer in LAYERS for shape in ([outer, inner], [outer])
    ]

    def step() -> float:
        weights = [prior.rsample() for prior in priors]
        hidden = torch.tanh(linear(x, *weights[0:2]))
        linear(torch.tanh(linear(hidden, *weights[2:4])), *weights[4:6])
        return 0.0

    return step


def ways(language: ModuleType, x: Tensor, y: Tensor) -> dict[str, Callable[[], float]]:
    """What is measured, in one language."""
    program: Any = network(language)
    guide = language.infer.autoguide.AutoNormal(program)
    svi = language.infer.SVI(program, guide, language.optim.Adam({"lr": 0.001}), language.infer.Trace_ELBO())
    tracer = language.poutine.trace(program)

    def forward() -> float:
        program(x)
        return 0.0

    def traced() -> float:
        tracer.get_trace(x, y)
        return 0.0

    return {"forward pass": forward, "forward pass, traced": traced, "SVI step": lambda: svi.step(x, y)}


def main() -> None:
    """Print the table and write it into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.modules", description=__doc__)
    parser.add_argument("--rounds", type=int, default=24, help="interleaved blocks of each")
    parser.add_argument("--steps", type=int, default=100, help="in a block")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    torch.set_num_threads(1)
    pyro.enable_validation(False)
    virgil.enable_validation(False)
    x, y = torch.randn(20, LAYERS[0][0]), torch.randn(20)
    peer, ours = ways(pyro, x, y), ways(virgil, x, y)
    table = Table(
        f"A Bayesian network of three layers, µs: median over {args.rounds} blocks; validation off",
        ["what", "in torch", "pyro", "virgil", "ratio", "quartiles by round", "beyond torch, ratio", "goal"],
    )
    for what in ours:
        contenders = [Contender("torch", in_torch(x)), Contender("pyro", peer[what]), Contender("virgil", ours[what])]
        bare, theirs, mine = interleave(contenders, rounds=args.rounds, steps=args.steps, warmup=20)
        ratio = Ratio.of(mine, theirs)
        row = [what, *(f"{each.median * 1e6:.0f}" for each in (bare, theirs, mine)), f"{ratio.value:.2f}"]
        row.append(" ".join(f"{each:.2f}" for each in ratio.quartiles))
        row.append(f"{(mine.median - bare.median) / (theirs.median - bare.median):.2f}")
        table.rows.append([*row, f"≤ {GOAL}"])
    table.show()
    notes = describe(["torch", "virgil-ppl", "pyro-ppl"], "benchmarks.modules", before)
    print("\n".join(notes))
    if not args.no_write:
        write("modules", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
