"""Draws of a fit: of the posterior and the prior, and of the data that each predicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from virgil.distributions.core.validation import unchecked
from virgil.errors import ArgumentError, shown
from virgil.infer.density.draws_at_once import Joint
from virgil.infer.density.execution import PARTICLES, Pair, Program
from virgil.infer.density.summed_out import model_variables
from virgil.infer.elbo.discrete_posterior import inferred
from virgil.infer.export.dims import whole_value
from virgil.infer.export.pointwise import Pointwise, is_datum, pointwise
from virgil.infer.run.outcome import Outcome
from virgil.infer.trust.draws import Arguments, fitted, origin_of_fit
from virgil.infer.trust.draws import joint as joint_of_fit
from virgil.ops.semiring import SAMPLE
from virgil.poutine.frame import Frame
from virgil.poutine.plate import PlateContext
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace, trace

__all__ = ["Samples", "marginal_draws", "marginals", "samples"]

_TOGETHER, _ALONE = 10_000, 1000  # draws, where one execution takes many of them and where it takes one

Draws = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Samples:
    """Draws, by group and site. Shape: ``(num, *shape of the site)`` each.

    Attributes:
        posterior: latent and deterministic sites under the guide; what is summed out, from its exact posterior.
        posterior_predictive: observed sites, drawn anew.
        prior: latent and deterministic sites under the model; empty where the model cannot be sampled.
        prior_predictive: observed sites, drawn with them.
        log_likelihood: of the observations, each by itself.
        log_p: ``log p(x, z)``, nats, with what the objective sums out summed out. Shape: ``(num,)``.
        log_q: ``log q(z)``, nats. Shape: ``(num,)``.
    """

    posterior: Draws
    posterior_predictive: Draws
    prior: Draws
    prior_predictive: Draws
    log_likelihood: dict[str, Pointwise]
    log_p: Tensor
    log_q: Tensor


class _Anew(Handler):
    """Draws the observations, as far as their distributions can be drawn from."""

    def handle(self, site: Site, outer: Outer) -> Site:
        """Take the data away."""
        if not is_datum(site):
            return outer(site)
        try:
            return outer(site.replace(value=None, observed=False))
        except NotImplementedError:
            return outer(site)


@dataclass(frozen=True)
class _Execution:
    """One execution's worth of draws."""

    joint: Joint
    count: int

    def run(self, given: dict[str, Site], *, infers: bool = False, anew: bool = False) -> Trace:
        """The model's trace with latent values from ``given``.

        Args:
            given: sites by name.
            infers: whether marked discrete sites are drawn from their exact posterior.
            anew: whether observations are drawn.
        """
        call, values = self.joint.call, Trace()
        values.nodes = given
        program: Program = self._inside(Replay(values)(call.model))
        if infers:
            program = inferred(program, None, SAMPLE)
        if anew:
            program = _Anew()(program)

        def execute() -> Pair:
            return Pair(Trace(), trace(program).get_trace(*call.args, **call.kwargs))

        with unchecked():
            if not self.joint.draws.mapped:
                return execute().model
            return replace(self.joint.draws, whole=False).run(execute, self.count, densities=False).model

    def _inside(self, program: Program) -> Program:
        """The program in a plate of the draws, where all are made along a dim."""
        if not self.joint.at_once or self.joint.draws.mapped:
            return program
        return PlateContext(Frame(PARTICLES, self.joint.dim, self.count, particle=True))(program)

    def values(self, drawn: Trace, wanted: Callable[[Site], bool]) -> Draws:
        """The values of the sites that are wanted of one draw."""
        single = self.joint.single.model.nodes
        names = [name for name, site in single.items() if wanted(site) and drawn.nodes]
        missing = [name for name in names if name not in drawn]
        if missing:
            raise ArgumentError(
                f"Site {missing[0]!r} is in one execution of the model and not in another, so that draws cannot be put "
                "together. Draw by Predictive, one site at a time."
            )
        return {
            name: self.joint.draws.stacked(name, drawn.nodes[name].value, whole_value(single[name]), self.count)
            for name in names
        }


def samples(joint: Joint, num: int) -> Samples:
    """Draw from a fit; for use at its parameters, without gradients.

    Raises:
        ArgumentError: the model has other sites from draw to draw.
    """
    joint = _inferable(joint)
    chunks = [_chunk(joint, min(joint.chunk, num - start)) for start in range(0, num, joint.chunk)]
    groups = {each.name: [getattr(chunk, each.name) for chunk in chunks] for each in fields(Samples)}
    log_p, log_q = torch.cat(groups.pop("log_p")), torch.cat(groups.pop("log_q"))
    likelihoods = groups.pop("log_likelihood")
    likelihood = {
        name: Pointwise(torch.cat([each[name].logs for each in likelihoods]), first.plates)
        for name, first in likelihoods[0].items()
    }
    joined = {group: _joined(parts) for group, parts in groups.items()}
    return Samples(**joined, log_likelihood=likelihood, log_p=log_p, log_q=log_q)


def _inferable(joint: Joint) -> Joint:
    """The same with one draw an execution, if variables are summed out whose posterior ``vmap`` cannot draw from."""
    return joint.one_by_one() if joint.draws.mapped and joint.enumerates else joint


def marginals(joint: Joint, num: int) -> tuple[Draws, Draws]:
    """Draws of the latent sites alone, under the guide and under the prior, as :func:`samples` has them."""
    joint = _inferable(joint)
    parts: list[tuple[Draws, Draws]] = []
    for start in range(0, num, joint.chunk):
        execution = _Execution(joint, min(joint.chunk, num - start))
        posterior, prior = _latent(execution, joint.run(execution.count))
        parts.append((execution.values(posterior, _is_latent), execution.values(prior, _is_latent)))
    return _joined([each for each, _ in parts]), _joined([each for _, each in parts])


def marginal_draws(
    outcome: Outcome, given: Arguments | None, num: int | None = None, seed: int | None = None
) -> tuple[Draws, Draws]:
    """Draws of the latent sites of a fit, under its guide and under the prior; leaves no mark.

    Args:
        outcome: the fit.
        given: arguments of model and guide. Default: those of the run's last step.
        num: how many draws. Default: 10,000, or 1,000 where the programs take one an execution.
        seed: of the draws. Default: where the generator stands; it is left there.

    Raises:
        ArgumentError: the fit does not know what it was fitted from, or ``num`` is out of range.
    """
    if num is not None and (not isinstance(num, int) or isinstance(num, bool) or num < 1):
        raise ArgumentError(f"plot_posterior() got num_samples={shown(num)}; it takes a whole number, 1 or more.")
    origin = origin_of_fit(outcome)
    with fitted(origin, seed):
        at = joint_of_fit(origin, given)
        return marginals(at, num or (_TOGETHER if at.at_once else _ALONE))


def _joined(parts: list[Draws]) -> Draws:
    return {name: torch.cat([each[name] for each in parts]) for name in parts[0]}


def _latent(execution: _Execution, pair: Pair) -> tuple[Trace, Trace]:
    """The model at the guide's draws, and at its own; the latter without sites where its prior is improper."""
    plates = {name: site for name, site in pair.model.nodes.items() if site.kind == "plate"}
    infers = execution.joint.enumerates and bool(model_variables(pair))
    posterior = execution.run(pair.guide.nodes | plates, infers=infers)
    try:
        return posterior, execution.run(plates, anew=True)
    except NotImplementedError:
        return posterior, Trace()


def _chunk(joint: Joint, count: int) -> Samples:
    pair, execution = joint.run(count), _Execution(joint, count)
    posterior, prior = _latent(execution, pair)
    return Samples(
        posterior=execution.values(posterior, _is_unknown),
        posterior_predictive=execution.values(execution.run(posterior.nodes, anew=True), is_datum),
        prior=execution.values(prior, _is_unknown),
        prior_predictive=execution.values(prior, is_datum),
        log_likelihood=pointwise(joint, pair, count),
        log_p=joint.log_p(pair, count),
        log_q=joint.log_q(pair, count),
    )


def _is_latent(site: Site) -> bool:
    return site.is_latent


def _is_unknown(site: Site) -> bool:
    return site.is_latent or site.kind == "deterministic"
