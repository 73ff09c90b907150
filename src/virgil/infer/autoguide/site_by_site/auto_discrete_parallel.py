"""``AutoDiscreteParallel``: independent discrete distributions, whose values are summed out side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.distributions import constraints as torch_constraints

from virgil.distributions import Bernoulli, Categorical, OneHotCategorical, constraints
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import MismatchError
from virgil.infer.autoguide.core.former_keys import shorten
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.latent import Latent, at_full_size, latent_of
from virgil.infer.autoguide.core.parameters import ConstrainedParameters
from virgil.infer.autoguide.core.plates import GuidePlates
from virgil.infer.density.bijection import Bijection
from virgil.nn.parameter import emit_parameter, read_parameter
from virgil.params import get_param_store
from virgil.params.constraint import Constraint
from virgil.poutine.site import Site

__all__ = ["AutoDiscreteParallel"]


@dataclass(frozen=True)
class _Family:
    """A family of discrete distributions with one parameter, its probabilities."""

    kind: type[TorchDistributionMixin]
    constraint: Constraint
    event_dim: int  # of the parameter

    def of(self, probs: Tensor) -> TorchDistributionMixin:
        """The distribution that has these probabilities."""
        kind: Any = self.kind
        fn: TorchDistributionMixin = kind(probs=probs)
        return fn


_FAMILIES = (
    _Family(Bernoulli, constraints.unit_interval, 0),
    _Family(Categorical, constraints.simplex, 1),
    _Family(OneHotCategorical, constraints.simplex, 1),
)


class AutoDiscreteParallel(AutoGuide, ConstrainedParameters):
    """A mean-field guide of discrete variables: each has probabilities of its own, in the family of its prior.

    Its sites are marked to be enumerated in parallel, so that an objective that sums out, such as ``TraceEnum_ELBO``,
    averages over all their values; another one draws them. Continuous sites want a guide beside it: hide them by
    ``poutine.block`` and put both guides into an ``AutoGuideList``. Inside a subsampled plate each slot of the whole
    plate has probabilities of its own.

    Parameters: one for each site, ``z_probs`` for ``z``, which begins at the prior's probabilities. In the store
    ``"AutoDiscreteParallel.z_probs"``. Shape: ``(*plates at full size)``, with one more dim for a ``Categorical``.

    Args:
        model: the generative program, whose latent sites are ``Bernoulli``, ``Categorical`` or ``OneHotCategorical``.
        create_plates: see :class:`AutoGuide`.

    Raises:
        MismatchError: at the first call, for a site of another family.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoDiscreteParallel
        >>> def model():
        ...     with virgil.plate("data", 3):
        ...         virgil.sample("z", dist.Categorical(torch.tensor([0.1, 0.2, 0.7])))
        >>> guide = AutoDiscreteParallel(model)
        >>> guide.median()["z"]
        tensor([2, 2, 2])
        >>> guide.z_probs.shape
        torch.Size([3, 3])
    """

    def __init__(self, model: Callable[..., Any], *, create_plates: Callable[..., Any] | None = None) -> None:
        super().__init__(model, create_plates=create_plates)
        self._families: dict[str, _Family] = {}
        self._infer: dict[str, dict[str, Any]] = {}
        self._priors: dict[str, Tensor] = {}

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        shorten(state_dict, prefix, self._parameters)
        named = {key[len(prefix) :]: each for key, each in state_dict.items() if key.startswith(prefix)}
        self._adopt({name: each for name, each in named.items() if name.endswith("_probs")})
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _find_latent(self, site: Site, value: Tensor) -> Latent:
        family = next((each for each in _FAMILIES if isinstance(site.fn, each.kind)), None)
        if family is None:
            known = ", ".join(each.kind.__name__ for each in _FAMILIES)
            raise MismatchError(
                f"Site {site.name!r} is {type(site.fn).__name__}, and AutoDiscreteParallel holds probabilities of "
                f"these families only: {known}. Make it from the other sites, "
                f"AutoDiscreteParallel(poutine.block(model, hide=[{site.name!r}])), and give this one a guide of its "
                "own in an AutoGuideList."
            )
        self._families[site.name] = family
        self._infer[site.name] = {"enumerate": "parallel", **site.infer}
        self._priors[site.name] = at_full_size(site, site.fn.probs.detach(), family.event_dim)
        event_dim = len(site.fn.event_shape)
        support = cast(torch_constraints.Constraint, site.fn.support)
        return latent_of(site, Bijection(support, None, event_dim, event_dim, event_dim), value)

    def _make_parameters(self, latents: Sequence[Latent]) -> None:
        for latent in latents:
            self.add(f"{latent.name}_probs", self._priors[latent.name], self._families[latent.name].constraint)

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """State every latent variable.

        Returns:
            The value of each, by name. Shape: ``(*plates, *event)``, or all values along a dim left of the plates where
            they are enumerated.
        """
        self._ensure_setup(args, kwargs)
        batches = cast(GuidePlates, self._guide_plates).batches(self._create_plates(*args, **kwargs))
        store, path, leaves = get_param_store(), self._pyro_name, cast(dict[str, Tensor], self._parameters)
        values = {}
        for latent in self.latents:
            name, family = f"{latent.name}_probs", self._families[latent.name]
            probs = emit_parameter(store, f"{path}.{name}", leaves[name], family.constraint)
            fn = family.of(latent.cut(probs, family.event_dim, batches))
            infer = dict(self._infer[latent.name])
            values[latent.name] = self._state(latent.name, fn, latent.frames_in(batches), infer)
        return values

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent variable, plates at full size: that of the category for a one-hot vector."""
        self._ensure_setup(args, kwargs)
        store, path, leaves = get_param_store(), self._pyro_name, cast(dict[str, Tensor], self._parameters)
        values = {}
        for latent in self.latents:
            name, family = f"{latent.name}_probs", self._families[latent.name]
            probs = read_parameter(store, f"{path}.{name}", leaves[name], family.constraint)
            values[latent.name] = _median(family, probs)
        return values


def _median(family: _Family, probs: Tensor) -> Tensor:
    """The smallest value at which the cumulative probability is one half or more."""
    if not family.event_dim:
        return (probs > 0.5).to(probs)
    below = (probs.cumsum(-1) < 0.5).sum(-1).clamp(max=probs.shape[-1] - 1)
    if issubclass(family.kind, OneHotCategorical):
        return torch.nn.functional.one_hot(below, probs.shape[-1]).to(probs)
    return below
