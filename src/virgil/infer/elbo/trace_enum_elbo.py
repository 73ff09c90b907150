"""``TraceEnum_ELBO``: discrete variables summed out exactly."""

from __future__ import annotations

from typing import Any

import torch

from virgil import settings
from virgil.errors import ArgumentError
from virgil.infer.density.chains import by_step
from virgil.infer.density.execution import Call, Program, completed
from virgil.infer.density.summed_out import model_variables
from virgil.infer.elbo.choices import Choices
from virgil.infer.elbo.discrete_posterior import Marginal, inferred, marginal, marks
from virgil.infer.elbo.objective import ELBO
from virgil.infer.elbo.program_structure import look_apart, structure_key
from virgil.infer.elbo.summing_out import BOTH
from virgil.ops.semiring import SAMPLE, SUM
from virgil.poutine.replay import Replay
from virgil.poutine.trace import trace

__all__ = ["TraceEnum_ELBO"]


class TraceEnum_ELBO(ELBO):
    r"""The evidence lower bound with marked discrete variables summed out exactly *(Obermeyer et al. 2019)*.

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)} \sum_e q(e \mid z) \Bigl[\log \sum_m p(x, m, e, z) - \log q(e, z)\Bigr]

    Variables :math:`m` that the model marks by ``infer={"enumerate": "parallel"}``, or by
    :func:`virgil.infer.config_enumerate`, and that the guide does not state are summed out inside the logarithm; a
    guide needs no statement for them. Variables :math:`e` that the guide marks are averaged over with its own
    probabilities, outside the logarithm, which gives a lower bound. It is ``ELBO(sum_out="both")``. It differs from
    :class:`Trace_ELBO` in that nothing discrete need be drawn, so that the gradient has no score-function noise.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import TraceEnum_ELBO, config_enumerate
        >>> @config_enumerate
        ... def model(data):
        ...     with virgil.plate("data", len(data)):
        ...         which = virgil.sample("which", dist.Categorical(torch.tensor([0.25, 0.75])))
        ...         virgil.sample("x", dist.Normal(torch.tensor([-1.0, 1.0])[which], 1.0), obs=data)
        >>> round(TraceEnum_ELBO().loss(model, lambda data: None, torch.tensor([0.0, 1.0])), 4)  # -log p(x)
        2.5814
    """

    choices = Choices(sum_out=BOTH)

    def compute_marginals(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> dict[str, Marginal]:
        """The exact posterior of each variable that the model sums out, given the data and one draw of the guide.

        Returns:
            By site, a distribution over its values. Batch shape: ``(*plates,)``. Empty where none is summed out.

        Raises:
            ArgumentError: several particles.
            NonFiniteError, SupportError: the data are impossible under every joint value.
        """
        if self.num_particles != 1:
            raise ArgumentError(
                f"compute_marginals() conditions on one draw of the guide, but num_particles={self.num_particles}. "
                "Use an objective with one particle."
            )
        call = Call(model, guide, args, kwargs)
        structure = self._structure(call)
        with torch.no_grad():
            pair = completed(self.choices.sum_out.run(call, -1 - structure.max_plate_nesting))
        key = structure_key(pair)
        if settings.get("validate") and key not in structure.checked:
            if structure.checked:
                look_apart(call, structure, self, self.choices.sum_out)
            structure.checked.add(key)
        variables = model_variables(pair)
        if not variables:
            return {}
        return {
            each: marginal(site, part)
            for name, probabilities in marks(pair, variables, SUM).items()
            for site in [pair.model.nodes[name]]
            for each, part in by_step(site, probabilities, 1)
        }

    def sample_posterior(self, model: Program, guide: Program, *args: Any, **kwargs: Any) -> Any:
        """Run the model with latent variables drawn from the guide, and those summed out from their exact posterior.

        Returns:
            What the model returns.
        """
        with torch.no_grad():
            drawn = trace(guide).get_trace(*args, **kwargs)
            return inferred(Replay(drawn)(model), None, SAMPLE, self.strict_enumeration_warning)(*args, **kwargs)
