"""``python -m benchmarks.distributions``: densities, draws and gradients of every family that Pyro has too.

Families and their parameters are those of the tables in ``tests/laws/families``; the two batch entries of a row are
repeated to the size of the batch, in single precision. A family that Pyro has without batches is compared with one
entry alone. Where only one side has a pathwise draw, the other's plain one is measured. A gradient is that of the
log-density with respect to all parameters, the forward pass included. Each measurement makes the distribution and its
value anew, as a statement in a program does.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any

import pyro
import pyro.distributions
import torch
from torch import Tensor

import virgil
import virgil.distributions
from benchmarks.harness.interleave import Contender, Ratio, interleave
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write
from tests.laws.families import ROWS, Row

BATCHES = (10, 100_000)
GOAL, GOAL_OF_SERIES = 1.05, 0.7
BLOCK = 0.02  # seconds that a block of steps takes at least
STEPS = 1_000  # the most in a block
MOST = 4.0  # seconds that a comparison takes, from which it has fewer rounds, two at least

Make = Callable[..., Any]
Params = dict[str, Tensor]


def in_language(row: Row, language: ModuleType) -> Make | None:
    """How a row makes its family, with the distributions of another language; ``None`` where they lack the name."""
    dist = language.distributions
    if isinstance(row.make, FunctionType):
        names = row.make.__code__.co_names
        if any(hasattr(virgil.distributions, name) and not hasattr(dist, name) for name in names):
            return None
        return FunctionType(row.make.__code__, {**row.make.__globals__, "dist": dist}, closure=row.make.__closure__)
    return getattr(dist, row.make.__name__, None)  # type: ignore[attr-defined]


def repeated(params: Params, size: int | None) -> Params:
    """The parameters of so many batch entries; of one, without a batch, for ``None``."""
    if size is None:
        return {name: _single(value[0]) for name, value in params.items()}
    places = torch.arange(size) % 2
    return {name: _single(value[places]) for name, value in params.items()}


def _single(value: Tensor) -> Tensor:
    return value.float().contiguous() if value.is_floating_point() else value.contiguous()


def works(step: Callable[[], object]) -> bool:
    """Return ``True`` if a language can do this."""
    try:
        step()
    except Exception:  # whatever a peer says where it lacks a feature
        return False
    return True


def steps_of(make: Make, params: Params, value: Tensor) -> dict[str, Callable[[], float]]:
    """What is measured of one family, in one language."""
    leaves = {
        name: each.clone().requires_grad_() if each.is_floating_point() else each for name, each in params.items()
    }
    wanted = [each for each in leaves.values() if each.requires_grad]

    def density() -> float:
        make(**params).log_prob(value.clone())
        return 0.0

    def draw() -> float:
        fn = make(**params)
        (fn.rsample if fn.has_rsample else fn.sample)()
        return 0.0

    def gradient() -> float:
        total = make(**leaves).log_prob(value.clone()).sum()
        if total.requires_grad:
            torch.autograd.grad(total, wanted, allow_unused=True)
        return 0.0

    return {"log_prob": density, "draw": draw, "gradient": gradient}


def compared(theirs: Callable[[], float], ours: Callable[[], float], rounds: int) -> list[str]:
    """Microseconds of both, and the ratio; nothing where the peer cannot do it."""
    begin = time.perf_counter()
    if not works(theirs):
        return ["", "", ""]
    peers = time.perf_counter() - begin
    ours()
    begin = time.perf_counter()
    ours()
    own = time.perf_counter() - begin
    steps = max(1, min(STEPS, int(BLOCK / own)))
    rounds = max(2, min(rounds, int(MOST / (steps * (peers + own)))))
    contenders = [Contender("pyro", theirs), Contender("virgil", ours)]
    peer, mine = interleave(contenders, rounds=rounds, steps=steps, warmup=min(steps, 5))
    return [f"{each.median * 1e6:.0f}" for each in (peer, mine)] + [f"{Ratio.of(mine, peer).value:.2f}"]


def row_of(name: str, size: int, rounds: int) -> list[str] | None:
    """The row of one family; ``None`` where Pyro does not have it with these arguments."""
    row = ROWS[name]
    theirs = in_language(row, pyro)
    if theirs is None or not row.params:
        return None
    for found in (size, None):
        params = repeated(row.params, found)
        if not works(lambda: row.make(**params).sample()):  # noqa: B023 a constant with a batch of its own, like a mask
            continue
        value = row.make(**params).sample()
        peer, mine = steps_of(theirs, params, value), steps_of(row.make, params, value)
        if works(peer["log_prob"]):
            cells = [cell for what in mine for cell in compared(peer[what], mine[what], rounds)]
            return [name if found else f"{name}, one", *cells, f"≤ {GOAL}"]
    return None


def series(language: ModuleType, duration: int) -> tuple[Make, Params]:
    """A linear Gaussian series of three hidden and two observed numbers."""
    dist = language.distributions

    def make(moves: Tensor, observed: Tensor, noise: Tensor) -> Any:
        start, step = dist.Normal(torch.zeros(3), 1.0).to_event(1), dist.Normal(torch.zeros(3), noise).to_event(1)
        return dist.GaussianHMM(
            start, moves, step, observed, dist.Normal(torch.zeros(2), 0.5).to_event(1), duration=duration
        )

    generator = torch.Generator().manual_seed(0)
    moves = 0.9 * torch.eye(3) + 0.05 * torch.randn(3, 3, generator=generator)
    return make, {"moves": moves, "observed": torch.randn(3, 2, generator=generator), "noise": torch.full((3,), 0.3)}


def series_row(duration: int, rounds: int) -> list[str]:
    """The row of the linear Gaussian series."""
    (theirs, params), (ours, _) = series(pyro, duration), series(virgil, duration)
    value = ours(**params).sample()
    peer, mine = steps_of(theirs, params, value), steps_of(ours, params, value)
    cells = [cell for what in mine for cell in compared(peer[what], mine[what], rounds)]
    return [f"GaussianHMM, T={duration:,}, one", *cells, f"≤ {GOAL_OF_SERIES}"]


def tables(names: list[str], with_series: bool, rounds: int, batches: Sequence[int]) -> list[Table]:
    """A table for each size of the batch. Families that Pyro lacks are left out."""
    columns = ["family"]
    for what in ("log_prob", "draw", "gradient"):
        columns += [f"{what}: pyro", "virgil", "ratio"]
    found = []
    for size in batches:
        table = Table(
            f"Families, batch of {size:,}, µs: median over {rounds} blocks; validation off", [*columns, "goal"]
        )
        for name in names:
            row = row_of(name, size, rounds)
            if row is not None:
                print(size, *row, flush=True)  # a table of all takes long to come
                table.rows.append(row)
        if with_series and size == batches[0]:
            table.rows.append(series_row(1_000, rounds))
        found.append(table)
    return found


def main() -> None:
    """Print the tables and write them into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributions", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="interleaved blocks of each")
    parser.add_argument("--families", nargs="*", help="names of rows; all of them, and a series, if not given")
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES, help="how many entries")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    warnings.simplefilter("ignore")
    before = load()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pyro.enable_validation(False)
    virgil.enable_validation(False)
    found = tables(args.families or list(ROWS), not args.families, args.rounds, args.batches)
    for table in found:
        table.show()
    notes = describe(["torch", "virgil-ppl", "pyro-ppl"], "benchmarks.distributions", before)
    print("\n".join(notes))
    if not args.no_write:
        write("distributions", "\n\n".join([*(table.markdown() for table in found), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
