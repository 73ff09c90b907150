"""``python -m benchmarks.enumeration``: time and memory, printed and written into benchmarks/README.md."""

from __future__ import annotations

import argparse
import warnings

import torch

from benchmarks.eager.__main__ import language
from benchmarks.enumeration.cases import CASES, Case
from benchmarks.enumeration.peak import added_memory
from benchmarks.harness.interleave import Contender, Ratio, interleave
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write

MIB = 2**20


def row(name: str, case: Case, rounds: int) -> list[str]:
    """Time interleaved in this process, memory in processes of their own."""
    ours, peer = language("virgil"), language("pyro")
    for ppl in (ours, peer):
        ppl.clear_param_store()
        ppl.enable_validation(False)
    contenders = [Contender("virgil", (case.ours or case.program)(ours)), Contender("pyro", case.program(peer))]
    first, second = interleave(contenders, rounds=rounds, steps=case.steps, warmup=case.steps)
    ratio = Ratio.of(first, second)
    used, theirs = added_memory("virgil", name), added_memory("pyro", name)
    start, other = first.losses[0][0], second.losses[0][0]
    return [
        name,
        f"{1e3 * second.median:.2f}",
        f"{1e3 * first.median:.2f}",
        f"{ratio.value:.3f}",
        f"≤ {case.time:g}",
        f"{theirs / MIB:.0f}",
        f"{used / MIB:.0f}",
        f"{used / theirs:.2f}" if theirs else "-",
        f"{other:.4g} / {start:.4g}",
    ]


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.enumeration", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="interleaved blocks of each language")
    parser.add_argument("--only", choices=list(CASES), help="run one program")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the peer's own deprecations
    before = load()
    table = Table(
        f"One step with discrete variables summed out, ms: median over {args.rounds} blocks; memory, MiB: what steps "
        "need beyond what is there before, goal ≤ 1.0 of the peer's; losses of the first step",
        ["program", "pyro", "virgil", "ratio", "goal", "pyro MiB", "virgil MiB", "ratio", "losses"],
    )
    for name, case in CASES.items():
        if args.only in (None, name):
            table.rows.append(row(name, case, args.rounds))
    table.show()
    notes = describe(["torch", "virgil-ppl", "pyro-ppl"], "benchmarks.enumeration", before)
    print("\n".join(notes))
    if not args.no_write:
        write("enumeration", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
