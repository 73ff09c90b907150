"""``AutoNormal``: independent normals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.core.plates import GuidePlates
from virgil.infer.autoguide.core.pushforward_normal import pushforward_normal
from virgil.infer.autoguide.core.scales import checked_init_scale, normal_quantiles
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.nn.parameter import emit_parameter, read_parameter
from virgil.params import get_param_store
from virgil.params.constraint import Constraint

__all__ = ["AutoNormal"]


class AutoNormal(AutoGuide):
    r"""A mean-field guide: each latent variable is an independent normal, pushed onto its support.

    .. math::
        q(z) = \prod_i \mathcal{N}\bigl(f_i^{-1}(z_i) \mid \mathrm{loc}_i, \mathrm{scale}_i\bigr)
        \,\lvert \det \nabla f_i^{-1}(z_i) \rvert

    with :math:`f_i` the bijection from real vectors onto the support of site :math:`i` *(Kucukelbir et al. 2017,
    section 2.3)*. Latent variables inside a subsampled plate have parameters for each slot of the whole plate, of which
    a call uses those of the mini-batch.

    Parameters: ``locs`` and ``scales``, by site, in unconstrained space; ``guide.scales.mu`` reads the positive scale.
    In the store ``"AutoNormal.locs.mu"`` and ``"AutoNormal.scales.mu"``.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive: a number, or a tensor that broadcasts to every site.
        create_plates: see :class:`AutoGuide`.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoNormal
        >>> def model():
        ...     scale = virgil.sample("scale", dist.HalfNormal(2.0))
        ...     with virgil.plate("groups", 3):
        ...         virgil.sample("mu", dist.Normal(0.0, scale))
        >>> guide = AutoNormal(model)
        >>> {name: tuple(value.shape) for name, value in guide().items()}
        {'scale': (), 'mu': (3,)}
        >>> list(guide.state_dict())
        ['locs.scale', 'locs.mu', 'scales.scale', 'scales.mu']
        >>> guide.median()["scale"]
        tensor(1.)
    """

    scale_constraint: Constraint = constraints.softplus_positive

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        init_loc_fn: InitFn = init_to_feasible,
        init_scale: float | Tensor = 0.1,
        create_plates: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn, create_plates=create_plates)
        self.init_scale = checked_init_scale(type(self).__name__, init_scale)
        self.locs = SiteParameters()
        self.scales = SiteParameters(self.scale_constraint)

    def _make_parameters(self, latents: Sequence[Latent]) -> None:
        for latent in latents:
            loc = latent.unconstrained
            self.locs.add(latent.name, loc)
            scale = torch.as_tensor(self.init_scale, dtype=loc.dtype, device=loc.device)
            self.scales.add(latent.name, scale.expand_as(loc))

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw every latent variable.

        Returns:
            The value of each, constrained, by name. Shape: ``(*plates, *event)``.
        """
        self._ensure_setup(args, kwargs)
        batches = cast(GuidePlates, self._guide_plates).batches(self._create_plates(*args, **kwargs))
        store, path = get_param_store(), self._pyro_name
        locs, scales = self._leaves()
        values = {}
        for latent in self.latents:
            name, bijection = latent.name, latent.bijection
            loc = emit_parameter(store, f"{path}.locs.{name}", locs[name], constraints.real)
            scale = emit_parameter(store, f"{path}.scales.{name}", scales[name], self.scale_constraint)
            frames = latent.frames
            if frames:
                frames = latent.frames_in(batches)
                loc = latent.cut(loc, bijection.unconstrained_event_dim, batches)
                scale = latent.cut(scale, bijection.unconstrained_event_dim, batches)
            values[name] = self._state(name, pushforward_normal(loc, scale, bijection, latent.event_shape), frames)
        return values

    def _leaves(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The parameters, straight from the modules' dicts: ``nn.Module``'s attribute look-up is slow."""
        modules = cast(dict[str, torch.nn.Module], self._modules)
        locs, scales = modules["locs"]._parameters, modules["scales"]._parameters
        return cast(dict[str, Tensor], locs), cast(dict[str, Tensor], scales)

    # What is asked after a fit

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent variable, plates at full size: the image of ``loc``.

        For a support whose coordinates depend on each other, such as a simplex, it is the image of the coordinates'
        medians.
        """
        # a copy, since the image of a location under the identity is the parameter itself
        return {latent.name: latent.bijection(loc.clone()) for latent, loc, _ in self._normals(args, kwargs)}

    @torch.no_grad()
    def quantiles(self, quantiles: Sequence[float] | Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Quantiles of every latent variable, taken in unconstrained space coordinate by coordinate.

        Args:
            quantiles: probabilities, such as ``[0.05, 0.5, 0.95]``.
            *args: arguments of the guide, needed only before its first call.
            **kwargs: its keyword arguments.

        Returns:
            By site. Shape: ``(quantiles, *plates at full size, *event)``.
        """
        found = self._normals(args, kwargs)
        return {latent.name: latent.bijection(normal_quantiles(loc, scale, quantiles)) for latent, loc, scale in found}

    def _normals(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[Latent, Tensor, Tensor]]:
        """Each latent variable with its location and scale in unconstrained space, plates at full size."""
        self._ensure_setup(args, kwargs)
        store, path = get_param_store(), self._pyro_name
        locs, scales = self._leaves()
        return [
            (
                latent,
                read_parameter(store, f"{path}.locs.{latent.name}", locs[latent.name], constraints.real),
                read_parameter(store, f"{path}.scales.{latent.name}", scales[latent.name], self.scale_constraint),
            )
            for latent in self.latents
        ]
