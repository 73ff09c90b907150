"""The rung of Markov chains: NUTS in variables in which the posterior is nearly round."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from virgil.infer.density.compiled_density import CompiledDensity
from virgil.infer.ladder.answer import Answer
from virgil.infer.ladder.budget import Budget
from virgil.infer.ladder.target import Target
from virgil.infer.ladder.weighed import Errors, Weighed, errors_of_chains
from virgil.infer.mcmc import NUTS
from virgil.infer.mcmc.layout import Layout
from virgil.infer.mcmc.mcmc_kernel import Params
from virgil.infer.mcmc.target import Target as ChainTarget
from virgil.infer.trust.stats import array_stats
from virgil.infer.trust.verdict import Verdict
from virgil.ops.population_monte_carlo import Population, tempered

__all__ = ["drawn_by_chains"]

_CHAINS = 4
_FIRST = 250  # draws of a chain, before they are looked at; then as many again, and so on
_R_HAT = 1.01  # Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021, section 2
_DIVERGED = 1e-3  # share of the draws
_ACCEPTS = (0.8, 0.98)  # what steps are adapted to: the second where steps of the first diverge
_LEARNT = 0.05  # of the mixture's draws, for the variables' matrix


class RoundNUTS(NUTS):
    """NUTS in variables ``u``, of which ``centre + factor @ u`` are the posterior's.

    Args:
        density: of the posterior.
        centre: Shape: ``(dim,)``.
        factor: lower triangular. Shape: ``(dim, dim)``.
        accept: the acceptance that steps are adapted to.
    """

    def __init__(self, density: CompiledDensity, centre: Tensor, factor: Tensor, accept: float) -> None:
        super().__init__(potential_fn=_potential, target_accept_prob=accept)
        self._density, self._centre, self._factor = density, centre, factor

    def _make_target(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ChainTarget:
        def slope(vector: Tensor) -> tuple[Tensor, Tensor]:
            value, found = self._density.gradient(self.placed(vector).to(self._density.density.dtype))
            return -value, -(found.double() @ self._factor)

        return ChainTarget(Layout({"u": self._centre.shape}), slope, _potential, {}, lambda params: params, None)

    def placed(self, vectors: Tensor) -> Tensor:
        """The posterior's vectors. Shape: ``(*, dim)``."""
        return self._centre + vectors @ self._factor.mT


class _Chain:
    """One chain after its warm-up, which goes on as long as it is asked to."""

    def __init__(self, kernel: RoundNUTS, start: Tensor, warmup: int) -> None:
        self.kernel = kernel
        self.rows: list[Tensor] = []
        kernel.initial_params = {"u": start}
        kernel.setup(warmup)
        self._params: Params = {"u": start}
        for _ in range(warmup):
            self._params = kernel.sample(self._params)
        kernel.end_warmup()

    def go_on(self, draws: int) -> None:
        """Draw so many more."""
        for _ in range(draws):
            self._params = self.kernel.sample(self._params)
            self.rows.append(self._params["u"].detach())

    @property
    def divergences(self) -> int:
        """How many draws ended a trajectory that left its level of energy."""
        return len(self.kernel.diagnostics()["divergences"])


def drawn_by_chains(target: Target, best: Population, budget: Budget, engine: str, seed: int) -> Answer:
    """Draw chains that begin at draws of the best mixture, until their errors hold or the budget ends."""
    density = CompiledDensity(target.surface.density, engine)
    weights = tempered(best.log_weights, max(4.0 * target.surface.dim, _LEARNT * len(best.rows)))
    centre, factor = _moments(best, weights)
    generator = torch.Generator().manual_seed(seed)
    begun = best.rows[torch.multinomial(weights, _CHAINS, replacement=True, generator=generator)]
    begun = torch.linalg.solve_triangular(factor, (begun - centre).mT, upper=False).mT
    for accept in _ACCEPTS:
        chains = [_Chain(RoundNUTS(density, centre, factor, accept), start, budget.warmup) for start in begun]
        answer = _drawn(target, chains, budget)
        if answer.is_final or not budget.is_open or not any(chain.divergences for chain in chains):
            break
    return answer


def _drawn(target: Target, chains: list[_Chain], budget: Budget) -> Answer:
    while True:
        for chain in chains:
            chain.go_on(max(_FIRST, len(chain.rows)))
        rows = torch.stack([torch.stack(chain.rows) for chain in chains])
        values = target.values(chains[0].kernel.placed(rows.flatten(0, 1)))
        by_chain = {name: value.reshape(len(chains), -1, *value.shape[1:]) for name, value in values.items()}
        errors, effective = errors_of_chains(by_chain)
        verdict, is_final = _judged(by_chain, errors, sum(chain.divergences for chain in chains))
        if is_final or not budget.is_open or 2 * rows.shape[1] > budget.chain_draws:
            num = rows.shape[0] * rows.shape[1]
            even = torch.full((num,), -math.log(num), dtype=torch.float64)
            return Answer(Weighed(values, even, errors, effective), None, verdict, is_final)


def _judged(values: Mapping[str, Tensor], errors: Errors, divergences: int) -> tuple[Verdict, bool]:
    chains, draws = next(iter(values.values())).shape[:2]
    apart, where = _r_hat(values)
    figures = f"{chains} chains of {draws:,} draws, R-hat {apart:.3f} ({where!r}), {divergences} divergences"
    if divergences > _DIVERGED * chains * draws:
        advice = "State variables with latent scales by poutine.reparam with LocScaleReparam."
        return Verdict("nothing", f"Do not trust: {figures}: the draws may leave out a part.", advice), False
    if not apart <= _R_HAT:
        return Verdict("nothing", f"Do not trust: {figures}: the chains have not settled.", "Give more time."), False
    if errors.means_hold and errors.spreads_hold:
        return Verdict("all", f"Trust means, spreads and tails: {figures}, and {errors.sentence}."), True
    if errors.means_hold:
        return Verdict("means", f"Trust means, not spreads: {figures}, and {errors.sentence}.", "Give more time."), False
    return Verdict("nothing", f"Do not trust yet: {figures}, and {errors.sentence}.", "Give more time."), False


def _r_hat(values: Mapping[str, Tensor]) -> tuple[float, str]:
    """The largest R-hat of all entries that vary, and whose it is."""
    found = {}
    for name, value in values.items():
        rows = value.detach().double().reshape(*value.shape[:2], -1).cpu()
        rows = rows[..., rows.std((0, 1)) > 0]
        if rows.shape[2]:
            each = torch.as_tensor(array_stats().rhat(rows.numpy(), chain_axis=0, draw_axis=1))
            found[name] = math.inf if bool(each.isnan().any()) else float(each.max())
    where = max(found, key=lambda name: found[name])
    return found[where], where


def _moments(best: Population, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the weighted draws and a factor of their covariance, drawn towards that of the mixture's component."""
    dim = best.mixture.dim
    centre = weights @ best.rows
    away, worth = best.rows - centre, 1 / weights.square().sum()
    widest = best.mixture.scale_trils[int(best.mixture.shares.argmax())]
    matrix = (worth * (away * weights.unsqueeze(1)).mT @ away + dim * widest @ widest.mT) / (worth + dim)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    return centre, widest if int(failed) else factor


def _potential(params: Params) -> Tensor:
    raise NotImplementedError("The energy is a function of the vector.")
