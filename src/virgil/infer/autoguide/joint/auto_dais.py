"""``AutoDAIS``: draws of a normal, moved towards the posterior along its gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import Delta, Normal, constraints
from virgil.errors import ArgumentError, shown
from virgil.infer.autoguide.core.drawn import DrawnQuantiles
from virgil.infer.autoguide.core.inside import indices_of
from virgil.infer.autoguide.core.scales import checked_init_scale
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.infer.autoguide.joint.log_joint import LogJoint
from virgil.infer.density.initialization import InitFn, init_to_median
from virgil.nn.call import isolated
from virgil.nn.parameter import emit_parameter
from virgil.params.constraint import Constraint
from virgil.poutine.trace import Trace

__all__ = ["AutoDAIS"]

_AUXILIARY = {"is_auxiliary": True}


class AutoDAIS(DrawnQuantiles, AutoContinuous):
    r"""Differentiable annealed importance sampling: normals, moved by Hamiltonian steps towards the posterior.

    A vector starts at :math:`u_0 \sim \mathcal{N}(\mathrm{loc}, \mathrm{scale}^2)` with a standard normal momentum
    :math:`v_0`. Each of K leapfrog steps follows the gradient of

    .. math:: \log \pi_k(u) = (1 - \beta_k) \log \mathcal{N}(u) + \beta_k \log p(x, f(u)) \lvert \det f'(u) \rvert,
        \qquad 0 < \beta_1 < \dots < \beta_K = 1

    and makes :math:`v_k'` of the momentum, which is renewed in part, :math:`v_k = \gamma v_k' + \sqrt{1 - \gamma^2}\,
    \xi_k`, before the next step. The bound

    .. math:: \log p(x, f(u_K)) \lvert \det f'(u_K) \rvert - \log \mathcal{N}(u_0) + \sum_{k=1}^{K} \bigl(\log
        \mathcal{N}(v_k') - \log \mathcal{N}(v_{k-1})\bigr)

    has an expectation of at most the evidence for any steps, so that all that is below can be learnt *(Geffner and
    Domke 2021, section 4; Zhang et al. 2021, section 3)*. A call costs K gradients of the model, and a step of SVI the
    derivative of these.

    The guide runs the model inside, on the mini-batch that the model takes afterwards. A variable that
    ``poutine.block`` hides, such as one that is summed out, is drawn anew for each gradient there: the bound stays
    valid, and is as good as these gradients are.

    Parameters: ``loc``, ``scale`` and ``step_size``, in units of the scale, shape ``(latent_dim,)``; ``increments`` of
    :math:`\beta` up to a factor, shape ``(num_steps,)``; ``persistence``, :math:`\gamma`. In the store
    ``"AutoDAIS.loc"`` and so on.

    Args:
        model: the generative program, with a density that is differentiable twice.
        num_steps: K, at least 1.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive.
        init_step_size: of the leapfrog steps, positive.
        init_persistence: of the momentum, between 0 and 1.

    Raises:
        ArgumentError: an option that is none of these; at the first call, a plate around a latent site of which the
            model takes a mini-batch.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoDAIS
        >>> def model():
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        ...     virgil.sample("y", dist.Normal(x, 1.0), obs=torch.tensor(2.0))
        >>> guide = AutoDAIS(model, num_steps=3)
        >>> list(guide())
        ['x']
        >>> list(guide.state_dict())
        ['loc', 'scale', 'step_size', 'increments', 'persistence']
    """

    parameter_names = ("loc", "scale", "step_size", "increments", "persistence")

    def __init__(
        self,
        model: Callable[..., Any],
        num_steps: int = 4,
        *,
        init_loc_fn: InitFn = init_to_median,
        init_scale: float | Tensor = 0.1,
        init_step_size: float = 0.1,
        init_persistence: float = 0.9,
    ) -> None:
        super().__init__(model, init_loc_fn, init_scale)
        if not isinstance(num_steps, int) or num_steps < 1:
            raise ArgumentError(f"AutoDAIS got num_steps={shown(num_steps)}; it takes a whole number, 1 or more.")
        if not 0.0 < init_persistence < 1.0:
            raise ArgumentError(
                f"AutoDAIS got init_persistence={shown(init_persistence)}; it takes a number between 0 and 1."
            )
        self.num_steps = num_steps
        self.init_step_size = checked_init_scale("AutoDAIS", init_step_size, "init_step_size")
        self.init_persistence = init_persistence

    # The first call

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        step_size = torch.as_tensor(self.init_step_size, dtype=loc.dtype, device=loc.device).expand_as(loc)
        return {
            "loc": (loc, constraints.real),
            "scale": (self._scale(loc), self.scale_constraint),
            "step_size": (step_size, self.scale_constraint),
            "increments": (loc.new_ones(self.num_steps), self.scale_constraint),
            "persistence": (loc.new_tensor(self.init_persistence), constraints.unit_interval),
        }

    # Each call

    def get_posterior(self, *args: Any, **kwargs: Any) -> td.Distribution:
        """None: the density of the vector is an integral over all momenta.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(
            "AutoDAIS has no get_posterior(): the density of its vector is an integral over the momenta of all steps. "
            "Draw from the guide, or take its quantiles()."
        )

    def sample_latent(self, *args: Any, **kwargs: Any) -> Tensor:
        """State the noise of all steps and the vector at which they end. Shape: ``(*outer plates, latent_dim)``."""
        self._ensure_setup(args, kwargs)
        parameters = self._read(emit_parameter)
        size = parameters["loc"].new_zeros((self.num_steps + 1) * self.latent_dim)
        fn = Normal(size, torch.ones_like(size)).to_event(1)
        noise = self._state(f"_{self._pyro_name}_noise", fn, (), dict(_AUXILIARY))
        indices = indices_of(self._create_plates(*args, **kwargs))
        log_joint = LogJoint(self.model, args, kwargs, self._unpack, indices)
        log_joint.prepare(cast(Trace, self.prototype_trace), parameters["loc"].detach())
        with isolated():
            vector, log_density = _annealed(noise.unflatten(-1, (-1, self.latent_dim)), parameters, log_joint)
        fn = Delta(vector, log_density, event_dim=1)
        return self._state(f"_{self._pyro_name}_latent", fn, (), dict(_AUXILIARY))


def _annealed(noise: Tensor, parameters: Mapping[str, Tensor], log_joint: LogJoint) -> tuple[Tensor, Tensor]:
    """The end of the steps, and the log-density that it adds to that of the noise.

    The steps are taken for ``w``, with ``u = loc + scale * w``, so that the start is standard normal.

    Args:
        noise: start, momentum, and what renews it. Shape: ``(*outer, steps + 1, latent_dim)``.
        parameters: of the guide.
        log_joint: of the model, at vectors.

    Returns:
        Shape: ``(*outer, latent_dim)`` and ``(*outer,)``.
    """
    loc, scale, step, persistence = (parameters[name] for name in ("loc", "scale", "step_size", "persistence"))
    increments = parameters["increments"]
    temperatures = increments.cumsum(0) / increments.sum()
    w, v, *renewing = noise.unbind(-2)
    log_density = -scale.log().sum()
    for k, temperature in enumerate(temperatures.unbind()):
        w = w + 0.5 * step * v
        slope = torch.func.grad(lambda at: log_joint(loc + scale * at))(w)
        v = v + step * (temperature * slope - (1 - temperature) * w)
        w = w + 0.5 * step * v
        log_density = log_density - _log_normal(v)
        if k < len(renewing):
            v = persistence * v + (1 - persistence.square()).sqrt() * renewing[k]
            log_density = log_density + _log_normal(v) - _log_normal(renewing[k])
    return loc + scale * w, log_density


def _log_normal(momentum: Tensor) -> Tensor:
    """The log-density of standard normals. Shape: ``(*outer, n)`` to ``(*outer,)``."""
    log_prob: Tensor = Normal(torch.zeros_like(momentum), 1.0).log_prob(momentum).sum(-1)
    return log_prob
