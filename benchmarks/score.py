"""``python -m benchmarks.score``: the noise of score-function gradients, by what stands beside a plate of variables."""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write
from tests.exact.score_programs import PROGRAMS, gradients
from virgil.infer import ELBO
from virgil.infer.elbo.bound import Bound
from virgil.infer.elbo.gradient import pathwise_or_score
from virgil.infer.elbo.particles import Particles
from virgil.infer.elbo.terms import SAMPLED

SLOTS = [2, 20, 200]
BY_ORDER = replace(SAMPLED, name="sampled, by order", of_densities=False)


def with_own_score(particles: Particles, bound: Bound) -> Tensor:
    """The usual rule, and the derivative of each scored variable's own ``-log q``, which has mean zero."""
    (pair,) = particles.pairs
    drawn = [site for site in pair.guide.nodes.values() if site.is_latent and not site.fn.has_rsample]
    own = sum((site.unscaled_log_prob.sum() for site in drawn), torch.zeros(()))
    return pathwise_or_score(particles, bound) - (own - own.detach())


def main() -> None:
    """Print the table and write it into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.score", description=__doc__)
    parser.add_argument("--draws", type=int, default=20_000, help="independent draws of each estimator")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    before = load()
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    table = Table(
        f"Standard deviation of one draw of the derivative by one slot's logit; measured: over {args.draws:,} draws",
        ["beside the plate", "slots", "by order", "by dependence, own score kept", "virgil", "closed form"],
    )
    for name, program in PROGRAMS.items():
        for slots in SLOTS:
            objectives = [ELBO(terms=BY_ORDER, gradient=with_own_score), ELBO(gradient=with_own_score), ELBO()]
            mean, variance = program.moments(slots)
            noise = [
                (gradients(program, args.draws, slots, each) - mean).square().mean().sqrt().item()
                for each in objectives
            ]
            table.rows.append([name, str(slots), *(f"{each:.2f}" for each in noise), f"{variance**0.5:.2f}"])
    table.show()
    notes = describe(["torch", "virgil-ppl"], "benchmarks.score", before)
    print("\n".join(notes))
    if not args.no_write:
        write("score", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
