"""``python -m benchmarks.digits``: what single precision loses in the densities of families, here and in Pyro.

A row of ``tests/laws/families`` is taken as it is, and with its concentrations, rates and counts a thousand times as
large. The error is the largest of 1,000 draws, against the density of the same numbers in double precision, which the
laws hold to 1e-10; it is relative where the density's logarithm is above one, else absolute.
"""

from __future__ import annotations

import argparse
import warnings

import pyro
import torch

import virgil
from benchmarks.distributions import Make, Params, in_language, repeated, works
from benchmarks.harness.machine import describe, load
from benchmarks.harness.table import Table, write
from tests.laws.families import ROWS

LARGER = 1_000.0
GROWS = ("alpha", "concentration", "concentration0", "concentration1", "df", "df1", "df2", "rate", "total_count")
NAMES = (
    "Gamma", "InverseGamma", "Chi2", "Beta", "Dirichlet", "StudentT", "FisherSnedecor", "Poisson", "Binomial",
    "NegativeBinomial", "BetaBinomial", "GammaPoisson", "DirichletMultinomial", "Multinomial", "VonMises", "Weibull",
    "Pareto", "Kumaraswamy", "Geometric", "ContinuousBernoulli", "SoftAsymmetricLaplace", "ProjectedNormal", "Stable",
    "LKJ", "LKJCholesky", "CoalescentTimes",
)  # fmt: skip


def grown(params: Params) -> Params:
    """The parameters, those that narrow the family or count a thousand times as large."""
    return {name: each * LARGER if name in GROWS else each for name, each in params.items()}


def errors(name: str, params: Params) -> list[str]:
    """The largest errors of Pyro's and of Virgil's densities; nothing where a language lacks the family."""
    ours, theirs = ROWS[name].make, in_language(ROWS[name], pyro)
    torch.manual_seed(0)
    if theirs is None or not works(lambda: ours(**params).sample()):
        return ["", ""]
    value = ours(**params).sample((1_000,))
    exact = ours(**{key: each.double() for key, each in params.items()}).log_prob(value.double())
    return [f"{_error(make, params, value, exact):.0e}" for make in (theirs, ours)]


def _error(make: Make, params: Params, value: torch.Tensor, exact: torch.Tensor) -> float:
    try:
        found = make(**params).log_prob(value).double()
    except Exception:  # whatever a peer says where it lacks a feature
        return torch.nan
    inside = exact.isfinite()
    return float(((found - exact).abs() / exact.abs().clamp_min(1.0))[inside].max())


def main() -> None:
    """Print the table and write it into benchmarks/README.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.digits", description=__doc__)
    parser.add_argument("--families", nargs="*", default=NAMES, help="names of rows")
    parser.add_argument("--no-write", action="store_true", help="leave benchmarks/README.md as it is")
    args = parser.parse_args()

    warnings.simplefilter("ignore")
    before = load()
    pyro.enable_validation(False)
    virgil.enable_validation(False)
    table = Table(
        "Largest error of a log-density in single precision",
        ["family", "as in the laws: pyro", "virgil", "a thousand times: pyro", "virgil"],
    )
    for name in args.families:
        single = repeated(ROWS[name].params, 2)
        table.rows.append([name, *errors(name, single), *errors(name, grown(single))])
        print(*table.rows[-1], flush=True)
    notes = describe(["torch", "virgil-ppl", "pyro-ppl"], "benchmarks.digits", before)
    if not args.no_write:
        write("digits", "\n\n".join([table.markdown(), "  \n".join(notes)]))


if __name__ == "__main__":
    main()
