"""``python -m benchmarks.accuracy.reference``: the answers that the benchmark compares with, written to known.json.

Each posterior is sampled by NumPyro's no-U-turn sampler *(Hoffman and Gelman 2014)* on the density that Virgil states
for XLA, in float64: four chains, from their own starts, longer each time until the largest split R-hat is below 1.005
and the smallest effective sample size above 4,000. Closed forms and quadrature take the place of these figures where
there are any, and are compared with them. Needs the extra ``bench``.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import torch
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS
from torch import Tensor

from benchmarks.accuracy.known import FILE, Known, Moments, read, write
from benchmarks.accuracy.posteriors import POSTERIORS
from benchmarks.accuracy.posteriors.posterior import Draws, Posterior
from benchmarks.accuracy.quadrature import quadrature
from virgil.infer.density.compiled_density import CompiledDensity
from virgil.infer.density.posterior import Density
from virgil.infer.density.posterior_of import posterior_of

CHAINS, WARMUP, DRAWS, LONGEST = 4, 2_000, 5_000, 80_000
LARGEST_R_HAT, LEAST_EFFECTIVE = 1.005, 4_000.0


def long_run(density: Density, draws: int) -> tuple[Tensor, int]:
    """Vectors by chain, and the number of divergences. Shape: ``(chains, draws, dim)``."""
    log_density = CompiledDensity(density, "xla").in_jax()

    def potential(vector: Any) -> Any:
        return -log_density(vector)

    kernel = NUTS(potential_fn=potential, target_accept_prob=0.95, dense_mass=True)
    sampler = MCMC(
        kernel,
        num_warmup=WARMUP,
        num_samples=draws,
        num_chains=CHAINS,
        chain_method="sequential",
        progress_bar=False,
    )
    torch.manual_seed(0)
    starts = jax.numpy.asarray(density.initial(CHAINS).double().numpy())
    sampler.run(jax.random.PRNGKey(0), init_params=starts, extra_fields=("diverging",))
    found = torch.tensor(np.asarray(sampler.get_samples(group_by_chain=True)), dtype=torch.float64)
    return found, int(sampler.get_extra_fields()["diverging"].sum())


def moments(draws: Draws) -> tuple[dict[str, Moments], float, float]:
    """Moments by quantity, the largest R-hat and the smallest effective size. Shape: ``(chains, draws, entries)``."""
    found, largest, least = {}, 1.0, math.inf
    for name, values in draws.items():
        rows = []
        for entry in values.unbind(-1):
            mean, sd = entry.mean(), entry.std()
            if sd < 1e-9:  # an entry that is a constant
                rows.append((float(mean), 0.0, 0.0, 0.0))
                continue
            squares = (entry - mean).square()
            sizes = [float(effective_sample_size(each.numpy())) for each in (entry, squares)]
            largest = max([largest, *(float(split_gelman_rubin(each.numpy())) for each in (entry, squares))])
            least = min([least, *sizes])
            of_sd = squares.std() / math.sqrt(sizes[1]) / (2 * sd)
            rows.append((float(mean), float(sd), float(sd) / math.sqrt(sizes[0]), float(of_sd)))
        found[name] = Moments(*(list(column) for column in zip(*rows, strict=True)))
    return found, largest, least


def answer(posterior: Posterior) -> Known:
    """The answer of one posterior."""
    if posterior.known_as is not None:
        return replace(answer(POSTERIORS[posterior.known_as]), source=f"NUTS on {posterior.known_as!r}")
    density = posterior_of(posterior.model, posterior.arguments(torch.float64))
    draws = DRAWS
    while True:
        vectors, divergences = long_run(density, draws)
        quantities = posterior.quantities(density.values(vectors.flatten(0, 1)))
        by_chain = {name: each.reshape(CHAINS, draws, -1) for name, each in quantities.items()}
        found, r_hat, effective = moments(by_chain)
        if (r_hat < LARGEST_R_HAT and effective > LEAST_EFFECTIVE) or draws >= LONGEST:
            break
        draws *= 2
    known = Known("NUTS", found, r_hat, effective, CHAINS * draws, divergences)
    if posterior.exact is not None:
        exact = posterior.exact(*posterior.arguments(torch.float64))
        return _with("closed form", known, {name: _exact(mean, sd) for name, (mean, sd) in exact.items()})
    if posterior.quadrature:
        flat = vectors.flatten(0, 1)
        covariance = flat.T.cov().reshape(density.dim, density.dim)
        return _with("quadrature", known, quadrature(posterior, flat.mean(0), covariance))
    return known


def _exact(mean: Tensor, sd: Tensor) -> Moments:
    none = [0.0] * mean.numel()
    return Moments(mean.reshape(-1).tolist(), sd.reshape(-1).tolist(), none, none)


def _with(source: str, run: Known, exact: dict[str, Moments]) -> Known:
    """The answer by a better source, with the long run's disagreement."""
    largest = 0.0
    for name, each in exact.items():
        other = run.moments[name]
        for one, two, error in (
            *zip(each.mean, other.mean, other.mean_error, strict=True),
            *zip(each.sd, other.sd, other.sd_error, strict=True),
        ):
            largest = max(largest, abs(one - two) / error)
    return replace(run, source=source, moments=exact, disagreement=largest)


def main() -> None:
    """Compute the answers and write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.reference", description=__doc__)
    parser.add_argument("posteriors", nargs="*", help="names of posteriors; all without")
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    torch.set_default_dtype(torch.float64)
    for name in args.posteriors or POSTERIORS:
        found = answer(POSTERIORS[name])
        known = {**(read() if FILE.exists() else {}), name: found}
        write({each: known[each] for each in POSTERIORS if each in known})
        print(
            f"{name}: {found.source}, R-hat {found.r_hat:.4f}, effective size {found.effective:,.0f} of "
            f"{found.draws:,}, {found.divergences} divergences, disagreement {found.disagreement}",
            flush=True,
        )


if __name__ == "__main__":
    main()
