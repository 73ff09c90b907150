"""``python -m benchmarks.eager``: time the programs, print the tables and write them into benchmarks/README.md."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import dataclass
from types import ModuleType

import torch

from benchmarks.eager.programs import Program, eight_schools, logistic_regression, vae
from benchmarks.harness.interleave import Contender, Ratio, Timing, interleave
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write

DISTRIBUTIONS = {"virgil": "virgil-ppl", "pyro": "pyro-ppl"}


@dataclass(frozen=True)
class Case:
    """A program, how long its blocks are, and the ratio that is the goal."""

    name: str
    program: Program
    steps: int
    goal: float


CASES = [
    Case("eight schools", eight_schools, 50, 0.6),
    Case("logistic regression", logistic_regression, 50, 0.6),
    Case("vae", vae, 10, 1.0),
]


def language(name: str) -> ModuleType:
    """A language by its import name, with the rooms that the programs enter."""
    importlib.import_module(f"{name}.infer.autoguide")
    importlib.import_module(f"{name}.optim")
    return importlib.import_module(name)


def compare(case: Case, languages: list[ModuleType], *, validate: bool, rounds: int) -> list[Timing]:
    """Interleave one program in every language, all with validation on or all with it off."""
    contenders = []
    for ppl in languages:
        ppl.clear_param_store()
        # one mode for all: peers keep part of this switch in torch itself
        ppl.enable_validation(validate)
        torch.manual_seed(0)
        contenders.append(Contender(ppl.__name__, case.program(ppl)))
    return interleave(contenders, rounds=rounds, steps=case.steps, warmup=case.steps)


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eager", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="interleaved blocks of each language")
    parser.add_argument("--only", choices=[case.name for case in CASES], help="run one program")
    parser.add_argument("--ours", default="virgil", help="import name of the language whose time is divided")
    parser.add_argument("--peer", default="pyro", help="import name of the language that divides it")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    torch.set_num_threads(1)
    before = load()
    ours, peer = language(args.ours), language(args.peer)
    times = Table(
        f"One eager SVI step, ms: median over {args.rounds} blocks",
        ["program", "validation", peer.__name__, ours.__name__, "ratio", "quartiles by round", "goal"],
    )
    losses = Table(
        "Loss over the last quarter of the blocks: mean ± standard error, and the difference in standard errors",
        ["program", "validation", peer.__name__, ours.__name__, "difference"],
    )
    for case in CASES:
        if args.only not in (None, case.name):
            continue
        for validate in (False, True):
            first, second = compare(case, [ours, peer], validate=validate, rounds=args.rounds)
            label = [case.name, "on" if validate else "off"]
            times.rows.append([*label, *_times(first, second, case.goal)])
            losses.rows.append([*label, *_losses(first, second)])
    times.show()
    losses.show()
    installed = [DISTRIBUTIONS.get(name, name) for name in dict.fromkeys([args.ours, args.peer])]
    notes = describe(["torch", *installed], "benchmarks.eager", before)
    print("\n".join(notes))
    if not args.no_write:
        write("eager", "\n\n".join([times.markdown(), losses.markdown(), "  \n".join(notes)]))


def _times(ours: Timing, peer: Timing, goal: float) -> list[str]:
    ratio = Ratio.of(ours, peer)
    return [
        f"{1e3 * peer.median:.2f}",
        f"{1e3 * ours.median:.2f}",
        f"{ratio.value:.2f}",
        " ".join(f"{value:.2f}" for value in ratio.quartiles),
        f"≤ {goal:.1f}",
    ]


def _losses(ours: Timing, peer: Timing) -> list[str]:
    (a, a_error), (b, b_error) = ours.last_loss(), peer.last_loss()
    error = (a_error**2 + b_error**2) ** 0.5
    return [f"{b:.3f} ± {b_error:.3f}", f"{a:.3f} ± {a_error:.3f}", f"{(a - b) / error:+.1f}"]


if __name__ == "__main__":
    main()
