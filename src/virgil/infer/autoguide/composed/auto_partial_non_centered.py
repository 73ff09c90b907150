"""``AutoPartialNonCentered``: a family in coordinates whose centredness is learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.errors import ArgumentError, shown
from virgil.infer.autoguide.composed.restored import AsAuxiliary, Decentred, Restored, decentred_name
from virgil.infer.autoguide.core.drawn import DrawnQuantiles
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.inside import indices_of
from virgil.infer.autoguide.core.inverse_structure import reads_by_statement
from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.messenger.auto_messenger import AutoMessenger
from virgil.infer.autoguide.site_by_site.auto_normal import AutoNormal
from virgil.infer.reparam.loc_scale import is_location_scale
from virgil.infer.reparam.wrapped_families import innermost
from virgil.nn.parameter import emit_parameter
from virgil.params import get_param_store
from virgil.poutine.reparam import reparam
from virgil.poutine.trace import Trace

__all__ = ["AutoPartialNonCentered"]


class AutoPartialNonCentered(DrawnQuantiles, AutoGuide):
    r"""A guide of another family, in coordinates whose centredness is learnt for each slot of each site.

    Of a latent variable :math:`x` whose location :math:`\mu` and scale :math:`\sigma` depend on other latent variables
    the family has

    .. math:: y = c \mu + \sigma^{c - 1} (x - \mu), \qquad \log q(x) = \log q(y) - (1 - c) \log \sigma

    with one :math:`c \in (0, 1)` for each slot: with 1 it is the family itself, with 0 that of the non-centred model.
    Slots with many data favour 1, those with few 0 *(Gorinova, Moore and Hoffman 2020, section 4)*. The variables are
    found from the model's own dependences; the guide states, and answers questions about, the model's own sites.

    Parameters: ``centered``, by site, in [0, 1], in the store ``"AutoPartialNonCentered.centered.theta"``; and those of
    the family, ``"AutoPartialNonCentered.base.locs.theta_decentered"`` and so on. Shape: ``(*plates, *event)``.

    Args:
        model: the generative program.
        family: makes the guide of the restated model, such as ``AutoNormal`` or ``AutoMultivariateNormal``.
        init_centered: the initial centredness, between 0 and 1. A high one falls quickly where the data say little; a
            low one rises slowly where they say much.
        **options: of the family, such as ``init_loc_fn``.

    Attributes:
        base: the guide in the coordinates y.

    Raises:
        ArgumentError: the family makes no guide, or one that runs the model itself; ``init_centered`` is not between 0
            and 1.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoPartialNonCentered
        >>> def model():
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
        ...     tau = virgil.sample("tau", dist.HalfNormal(5.0))
        ...     with virgil.plate("schools", 3):
        ...         theta = virgil.sample("theta", dist.Normal(mu, tau))
        ...         virgil.sample("y", dist.Normal(theta, 10.0), obs=torch.tensor([28.0, 8.0, -3.0]))
        >>> guide = AutoPartialNonCentered(model)
        >>> sorted(guide())
        ['mu', 'tau', 'theta']
        >>> guide.centered.theta
        tensor([0.9000, 0.9000, 0.9000], grad_fn=<ClampBackward1>)
    """

    def __init__(
        self,
        model: Callable[..., Any],
        family: Callable[..., AutoGuide] = AutoNormal,
        *,
        init_centered: float = 0.9,
        **options: Any,
    ) -> None:
        super().__init__(model)
        if not isinstance(init_centered, float) or not 0.0 < init_centered < 1.0:
            raise ArgumentError(
                f"AutoPartialNonCentered got init_centered={shown(init_centered)}; it takes a number between 0 and 1."
            )
        self.init_centered = init_centered
        self._decentred = Decentred(init_centered)
        base = family(reparam(model, config=self._decentred), **options)
        if not isinstance(base, AutoGuide) or isinstance(base, AutoMessenger):
            raise ArgumentError(
                f"AutoPartialNonCentered got family={shown(family)}; it takes a class of guides that draw by "
                "themselves, such as AutoNormal or AutoMultivariateNormal."
            )
        self.init_loc_fn = base.init_loc_fn
        self.base = base
        self.centered = SiteParameters(constraints.unit_interval)

    # The first call

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_prototype(*args, **kwargs)
        prototype = cast(Trace, self.prototype_trace)
        reads = reads_by_statement(self.model, prototype, args, kwargs)
        known = {latent.name for latent in self.latents}
        self._decentred.names.clear()
        for latent in self.latents:
            others = known if reads is None else reads[latent.name] & known
            follows = bool(others - {latent.name}) and not latent.partly_observed
            if follows and is_location_scale(innermost(prototype.nodes[latent.name].fn)):
                self._decentred.names.append(latent.name)
                self.centered.add(latent.name, torch.full_like(latent.value, self.init_centered))
        self.base._seed[0] = self._seed[0]
        self.base._setup_prototype(*args, **kwargs)

    # Each call

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw every latent variable.

        Returns:
            The value of each, constrained, by name. Shape: ``(*plates, *event)``.
        """
        self._ensure_setup(args, kwargs)
        names = self._decentred.names
        with AsAuxiliary({decentred_name(name) for name in names}):
            values = self.base(*args, **kwargs)
        store, path = get_param_store(), self._pyro_name
        centered = {
            name: emit_parameter(store, f"{path}.centered.{name}", self._leaf(name), constraints.unit_interval)
            for name in names
        }
        restored = Restored(values, indices_of(self.base.plates), centered)
        with restored:
            self.model(*args, **kwargs)
        return {latent.name: restored.found[latent.name] for latent in self.latents}

    def _leaf(self, name: str) -> Tensor:
        return cast(Tensor, self.centered._parameters[name])
