"""``AutoStructured``: a distribution for each site, and maps by which sites move those after them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from virgil.distributions import Delta, Normal, constraints
from virgil.errors import ArgumentError
from virgil.infer.autoguide.core.drawn import DrawnQuantiles
from virgil.infer.autoguide.core.inverse_structure import inverse_structure
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.core.scales import checked_init_scale
from virgil.infer.autoguide.core.whole import check_whole, frames_of_whole
from virgil.infer.autoguide.joint.structured_options import Conditional, Dependency, StructuredOptions
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.nn.parameter import emit_parameter, read_parameter
from virgil.params import get_param_store
from virgil.params.constraint import Constraint
from virgil.poutine.trace import Trace

__all__ = ["AutoStructured"]

_AUXILIARY = {"is_auxiliary": True}


class AutoStructured(DrawnQuantiles):
    r"""Each site has a distribution of its own in unconstrained space, moved by the sites that it depends on.

    .. math:: u_i = \mathrm{loc}_i + \delta_i, \qquad
        \delta_i = \mathrm{scale}_i L_i \epsilon_i + \sum_{j \to i} W_{ij} \delta_j

    with standard normal :math:`\epsilon_i`, for the conditional ``"mvn"``; :math:`L_i = I` for ``"normal"``, and the
    first term is zero for ``"delta"``. Where no dependences are given, they are those that the exact posterior has, in
    the order in which the model states its variables: found by following the model's values, with the variables that
    meet in a statement joined. A posterior that is normal in unconstrained space is in the family then, with
    ``"mvn"``.

    Parameters: by site, as vectors, ``locs``, ``scales`` and, for ``"mvn"``, ``scale_trils``, lower triangular; and
    ``deps``, named ``downstream.upstream.weight``, zero at first. Shape: ``(size,)``, ``(size, size)``,
    ``(size downstream, size upstream)``, where the size is that of the unconstrained value. In the store
    ``"AutoStructured.locs.mu"`` and so on.

    Args:
        model: the generative program.
        conditionals: ``"delta"``, ``"normal"`` or ``"mvn"`` for all sites, or by site; or by site a function without
            arguments that returns a draw of :math:`\delta_i` around zero, a vector, from sites that it states with
            ``infer={"is_auxiliary": True}``.
        dependencies: ``"linear"`` for those of the posterior; or by downstream site, by upstream site, ``"linear"`` or
            a function from the upstream perturbation to the downstream one, vectors both. Networks among these
            functions learn. There are no circles.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive.
        create_plates: see :class:`AutoGuide`.

    Raises:
        ArgumentError: an option that is none of these; at the first call, a name that is no latent site's, a circle,
            or a plate of which the model takes a mini-batch.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoStructured
        >>> def model():
        ...     scale = virgil.sample("scale", dist.LogNormal(0.0, 1.0))
        ...     with virgil.plate("groups", 3):
        ...         effect = virgil.sample("effect", dist.Normal(0.0, scale))
        ...         virgil.sample("x", dist.Normal(effect, 1.0), obs=torch.zeros(3))
        >>> guide = AutoStructured(model, conditionals="normal")
        >>> _ = guide()
        >>> guide.parents
        {'scale': (), 'effect': ('scale',)}
        >>> list(guide.state_dict())
        ['locs.scale', 'locs.effect', 'scales.scale', 'scales.effect', 'deps.effect.scale.weight']
    """

    scale_constraint: Constraint = constraints.softplus_positive
    scale_tril_constraint: Constraint = constraints.softplus_lower_cholesky

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        conditionals: Conditional | Mapping[str, Conditional] = "mvn",
        dependencies: str | Mapping[str, Mapping[str, Dependency]] = "linear",
        init_loc_fn: InitFn = init_to_feasible,
        init_scale: float | Tensor = 0.1,
        create_plates: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn, create_plates=create_plates)
        self.init_scale = checked_init_scale(type(self).__name__, init_scale)
        self.options = StructuredOptions(conditionals, dependencies)
        self.locs = SiteParameters()
        self.scales = SiteParameters(self.scale_constraint)
        self.scale_trils = SiteParameters(self.scale_tril_constraint)
        self.deps = SiteParameters()
        self.networks = nn.ModuleList([each for each in self.options.functions() if isinstance(each, nn.Module)])
        self.parents: dict[str, tuple[str, ...]] = {}

    # The first call

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_prototype(*args, **kwargs)
        if self.options.dependencies == "linear":
            self.parents = inverse_structure(self.model, cast(Trace, self.prototype_trace), args, kwargs)
        for name, upstream in self.parents.items():
            for other in upstream:
                if self.options.dependency(name, other) == "linear":
                    rows, columns = self._leaf("locs", name), self._leaf("locs", other)
                    self.deps.add(f"{name}.{other}.weight", rows.new_zeros(len(rows), len(columns)))

    def _make_parameters(self, latents: Sequence[Latent]) -> None:
        self.options.check_names([latent.name for latent in latents])
        self.parents = self.options.parents([latent.name for latent in latents])
        for latent in latents:
            check_whole(type(self).__name__, latent)
            loc, kind = latent.unconstrained.flatten(), self.options.conditional(latent.name)
            if latent.partly_observed and callable(kind):
                raise ArgumentError(
                    f"Site {latent.name!r} is data in some slots, by obs_mask=, and AutoStructured got a function for "
                    "its conditional, whose density counts in all of them. Use 'mvn' or 'normal' there."
                )
            self.locs.add(latent.name, loc)
            scale = torch.as_tensor(self.init_scale, dtype=loc.dtype, device=loc.device)
            if kind in ("normal", "mvn"):
                self.scales.add(latent.name, scale.expand(latent.unconstrained.shape).flatten())
            if kind == "mvn":
                self.scale_trils.add(latent.name, torch.eye(len(loc), dtype=loc.dtype, device=loc.device))

    # Each call

    def _leaf(self, group: str, name: str) -> Tensor:
        return cast(Tensor, cast(SiteParameters, self._modules[group])._parameters[name])

    def _parameter(self, group: str, name: str) -> Tensor:
        parameters = cast(SiteParameters, self._modules[group])
        path, constraint = f"{self._pyro_name}.{group}.{name}", parameters.constraints[name]
        return emit_parameter(get_param_store(), path, self._leaf(group, name), constraint)

    def _noise(self, latent: Latent) -> tuple[Tensor, Tensor]:
        """A draw of the site's own perturbation, and the logarithm of the diagonal by which it was stretched.

        Noise where the site is data is zero, and has no density. Shape: ``(*outer plates, size)`` and ``(size,)``.
        """
        name, kind = latent.name, self.options.conditional(latent.name)
        zeros, entries = torch.zeros_like(self._leaf("locs", name)), self._entries(latent)
        if kind == "delta":
            return zeros, zeros
        if not isinstance(kind, str):
            return kind(), zeros
        scale = self._parameter("scales", name)
        fn = Normal(zeros, torch.ones_like(zeros))
        own = fn if entries is None else fn.mask(entries)
        noise = self._state(f"{name}_aux", own.to_event(1), (), dict(_AUXILIARY))
        noise = noise if entries is None else noise * entries
        if kind == "normal":
            return scale * noise, scale.log()
        factor = scale.unsqueeze(-1) * self._parameter("scale_trils", name)
        return (factor @ noise.unsqueeze(-1)).squeeze(-1), factor.diagonal().log()

    def _entries(self, latent: Latent) -> Tensor | None:
        """True for the numbers of a variable that are no data; ``None`` where none are. Shape: ``(size,)``."""
        entries = latent.latent_entries
        return None if entries is None else entries.flatten().to(self._leaf("locs", latent.name).device)

    def _moved_by(self, name: str, upstream: str, delta: Tensor) -> Tensor:
        dependency = self.options.dependency(name, upstream)
        if callable(dependency):
            return dependency(delta)
        weight = self._parameter("deps", f"{name}.{upstream}.weight")
        return (weight @ delta.unsqueeze(-1)).squeeze(-1)

    def get_deltas(self, *args: Any, **kwargs: Any) -> dict[str, Delta]:
        """State the noise, and return the distribution of each latent variable given it: a point, by name.

        Its log-density is minus the logarithm by which noise and bijection stretch the volume.
        """
        self._ensure_setup(args, kwargs)
        _ = self.networks  # states the parameters of the functions that are networks
        known = {latent.name: latent for latent in self.latents}
        deltas: dict[str, Tensor] = {}
        points = {}
        for name, upstream in self.parents.items():
            latent = known[name]
            deltas[name], log_stretch = self._noise(latent)
            for other in upstream:
                deltas[name] = deltas[name] + self._moved_by(name, other, deltas[other])
            entries = self._entries(latent)
            if entries is not None:  # data move nothing
                deltas[name] = deltas[name] * entries
            points[name] = self._point(latent, self._parameter("locs", name) + deltas[name], log_stretch)
        return {latent.name: points[latent.name] for latent in self.latents}

    @staticmethod
    def _point(latent: Latent, vector: Tensor, log_stretch: Tensor) -> Delta:
        shape, bijection = latent.unconstrained.shape, latent.bijection
        outer, batch_dim = vector.shape[:-1], len(latent.batch_shape)
        # the noise has a 1 in its batch shape wherever a plate of the site will be
        lead = outer[: len(outer) - batch_dim] if len(outer) > batch_dim else ()
        unconstrained = vector.reshape((*lead, *shape))
        value = bijection(unconstrained)
        event_dims = list(range(-bijection.unconstrained_event_dim, 0))
        stretch = log_stretch.reshape(shape)
        log_stretch = stretch.sum(event_dims) if event_dims else stretch
        log_density = -log_stretch - bijection.log_abs_det_jacobian(unconstrained, value)
        return Delta(value, latent.held(log_density, value), event_dim=bijection.event_dim)

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw every latent variable.

        Returns:
            The value of each, constrained, by name. Shape: ``(*plates, *event)``.
        """
        points = self.get_deltas(*args, **kwargs)
        if not points:
            return {}
        plates, family = self._create_plates(*args, **kwargs), type(self).__name__
        return {
            latent.name: self._state(latent.name, points[latent.name], frames_of_whole(family, latent, plates))
            for latent in self.latents
        }

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The value of every latent variable where no noise moves it."""
        self._ensure_setup(args, kwargs)
        store, path = get_param_store(), self._pyro_name
        values = {}
        for latent in self.latents:
            leaf = self._leaf("locs", latent.name)
            loc = read_parameter(store, f"{path}.locs.{latent.name}", leaf, constraints.real)
            values[latent.name] = latent.bijection(loc.reshape(latent.unconstrained.shape)).clone()
        return values
