"""``Judgement``: how far to trust draws of chains, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from virgil.infer.mcmc.samples import diagnostics

__all__ = ["Judgement", "judged"]

_R_HAT = 1.01  # Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021, section 2
_EFFECTIVE = 100  # draws a chain, the same, section 2
_ENERGY = 0.3  # Betancourt 2016, section 6: fewer say that the momentum does not reach the energies' range
_DEEPEST = 10


@dataclass(frozen=True)
class Judgement:
    """How far to trust draws.

    Attributes:
        is_trusted: whether nothing is at fault.
        findings: sentences, the worst first; one if nothing is at fault.
    """

    is_trusted: bool
    findings: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.findings)


def judged(samples: Mapping[str, Tensor], kernels: Sequence[Mapping[str, Any]]) -> Judgement:
    """Judge draws by their divergences, R-hat, effective numbers, energies and tree depths.

    Args:
        samples: draws by name. Shape: ``(chains, draws, *shape)``.
        kernels: each chain's figures of its kernel.
    """
    chains, draws = next(iter(samples.values())).shape[:2]
    findings = [*_divergences(kernels, chains * draws), *_mixing(samples), *_energies(kernels), *_depths(kernels)]
    if findings:
        return Judgement(False, tuple(findings))
    return Judgement(True, (f"Nothing speaks against these {chains * draws} draws of {_chains(chains)}.",))


def _chains(count: int) -> str:
    return "one chain" if count == 1 else f"{count} chains"


def _divergences(kernels: Sequence[Mapping[str, Any]], draws: int) -> list[str]:
    count = sum(len(each.get("divergences", ())) for each in kernels)
    if not count:
        return []
    return [
        f"{count} of {draws} steps diverged: the posterior has a region that these steps are too long for, and the "
        "draws may leave it out. Raise target_accept_prob to 0.95 or 0.99, and state variables with latent scales "
        "by poutine.reparam with LocScaleReparam."
    ]


def _mixing(samples: Mapping[str, Tensor]) -> list[str]:
    found = diagnostics(samples)
    chains = next(iter(samples.values())).shape[0]
    sentences = []
    apart = {name: _most(each["r_hat"]) for name, each in found.items()}
    worst = max(apart, key=lambda name: apart[name])
    if apart[worst] > _R_HAT:
        sentences.append(
            f"The chains disagree, or have not settled, at {worst!r}: split R-hat is {apart[worst]:.3f}, and "
            f"{_R_HAT} is the most to trust. Take more warmup_steps and more draws; if it stays, the posterior has "
            "several modes, or two variables that only their sum or product is known of."
        )
    few = {name: -_most(-each["n_eff"]) for name, each in found.items()}
    least = min(few, key=lambda name: few[name])
    if few[least] < _EFFECTIVE * chains:
        sentences.append(
            f"The draws of {least!r} are worth {max(few[least], 0.0):.0f} independent ones; for quantiles "
            f"{_EFFECTIVE} a chain is the least. Take more draws."
        )
    return sentences


def _most(values: Tensor) -> float:
    finite = values[values.isfinite()]
    return float(finite.max()) if finite.numel() else float("-inf")


def _energies(kernels: Sequence[Mapping[str, Any]]) -> list[str]:
    for number, each in enumerate(kernels):
        energies = torch.tensor(each.get("energy", ()), dtype=torch.float64)
        if len(energies) < 3 or float(energies.var()) == 0:
            continue
        share = float(energies.diff().square().mean() / energies.var())
        if share < _ENERGY:
            return [
                f"Chain {number} moves slowly from one energy to another: its E-BFMI is {share:.2f}, and {_ENERGY} is "
                "the least to trust. The posterior has heavy tails or a funnel: state its scales by LocScaleReparam."
            ]
    return []


def _depths(kernels: Sequence[Mapping[str, Any]]) -> list[str]:
    depths = [depth for each in kernels for depth in each.get("tree depth", ())]
    deepest = sum(depth >= _DEEPEST for depth in depths)
    if deepest <= 0.01 * len(depths):
        return []
    return [
        f"{deepest} of {len(depths)} trajectories were cut off at {_DEEPEST} doublings: the steps are right, and slow. "
        "Scale the data, give full_mass=True, or raise max_tree_depth."
    ]
