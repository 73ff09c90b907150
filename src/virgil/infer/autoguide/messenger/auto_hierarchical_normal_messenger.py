"""``AutoHierarchicalNormalMessenger``: normals whose means move with the priors'."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import Tensor

from virgil.errors import ArgumentError
from virgil.infer.autoguide.core.scales import checked_init_scale
from virgil.infer.autoguide.messenger.auto_messenger import AT_THE_MEAN, positive_parameters
from virgil.infer.autoguide.messenger.auto_normal_messenger import AutoNormalMessenger
from virgil.infer.density.initialization import InitFn

__all__ = ["AutoHierarchicalNormalMessenger"]


class AutoHierarchicalNormalMessenger(AutoNormalMessenger):
    r"""Normals in unconstrained space whose mean moves with the prior's mean, which follows from the variables before.

    .. math:: u_i \mid u_{<i} \sim \mathcal{N}\bigl(\mathrm{loc}_i + \mathrm{weight}_i \, f_i^{-1}(m_i(z_{<i})),
        \;\mathrm{scale}_i\bigr)

    with :math:`m_i` the mean of the prior of variable :math:`i` and :math:`f_i` the bijection onto its support. So the
    posteriors of a hierarchy's members follow their parents.

    Parameters: ``locs``, ``scales`` and ``weights``, by site; see :class:`AutoNormalMessenger`.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive.
        amortized_plates: names of plates whose slots share their parameters.
        init_weight: initial weight of the prior's mean, positive, as weights stay.
        hierarchical_sites: names of the variables that follow their prior's mean; the others are as in
            :class:`AutoNormalMessenger`. Default: all.

    Raises:
        ArgumentError: at a call, where the prior of a variable that is to follow its mean has none that is finite and
            inside the support.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoHierarchicalNormalMessenger
        >>> def model():
        ...     mean = virgil.sample("mean", dist.Normal(0.0, 10.0))
        ...     with virgil.plate("groups", 3):
        ...         virgil.sample("effect", dist.Normal(mean, 0.1))
        >>> guide = AutoHierarchicalNormalMessenger(model, hierarchical_sites=["effect"])
        >>> _ = guide()
        >>> list(guide.state_dict())
        ['locs.mean', 'locs.effect', 'scales.mean', 'scales.effect', 'weights.effect']
    """

    weight_type = "element-wise"

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        init_loc_fn: InitFn = AT_THE_MEAN,
        init_scale: float | Tensor = 0.1,
        amortized_plates: Sequence[str] = (),
        init_weight: float = 1.0,
        hierarchical_sites: Collection[str] | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn, init_scale=init_scale, amortized_plates=amortized_plates)
        self.init_weight = float(checked_init_scale(type(self).__name__, init_weight, "init_weight"))
        self.hierarchical_sites = hierarchical_sites
        self.weights = positive_parameters()

    def get_posterior(self, name: str, prior: Any) -> Any:
        """The image of a normal whose mean moves with the prior's."""
        if not self._follows(name):
            return super().get_posterior(name, prior)
        loc, scale, weight = self._get_params(name, prior)
        return self._normal(name, prior, loc + self._prior_loc(name, prior) * weight, scale)

    def _follows(self, name: str) -> bool:
        return self.hierarchical_sites is None or name in self.hierarchical_sites

    def _prior_loc(self, name: str, prior: Any) -> Tensor:
        """The prior's mean in unconstrained space."""
        try:
            mean: Tensor = prior.mean
        except (NotImplementedError, AttributeError):
            raise ArgumentError(self._no_mean(name, prior, "none is known")) from None
        return self._bijection(name, prior).inverse(mean)

    @staticmethod
    def _no_mean(name: str, prior: Any, why: str) -> str:
        return (
            f"Site {name!r} is to follow the mean of its prior, {type(prior).__name__}, of which {why}. Leave it out "
            "of hierarchical_sites=, a list of the names that follow theirs."
        )

    def _get_params(self, name: str, prior: Any) -> tuple[Tensor, ...]:
        """Location, scale and, for a variable that follows its prior's mean, weight, in the slots of this run."""
        if not self._follows(name):
            return super()._get_params(name, prior)
        loc, scale = super()._get_params(name, prior)

        def weights() -> Tensor:
            return torch.full_like(self._initial_unconstrained(name, prior), self.init_weight)

        event_dim = self._bijection(name, prior).unconstrained_event_dim
        return loc, scale, self._parameter("weights", name, event_dim, weights)

    def _initial_loc(self, name: str, prior: Any) -> Tensor:
        start = super()._initial_loc(name, prior)
        if not self._follows(name):
            return start
        moved = self._prior_loc(name, prior) * self.init_weight
        if not bool(moved.isfinite().all()):
            raise ArgumentError(self._no_mean(name, prior, "it is not finite, or not inside the support"))
        return start - moved
