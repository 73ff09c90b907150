"""``AutoStructured``: a distribution for each site, and maps by which sites move those after them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from virgil.distributions import Delta, Normal, constraints
from virgil.errors import ArgumentError, did_you_mean, shown
from virgil.infer.autoguide.core.drawn import DrawnQuantiles
from virgil.infer.autoguide.core.inverse_structure import inverse_structure
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.core.scales import checked_init_scale
from virgil.infer.autoguide.core.whole import check_whole, frames_of_whole
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.nn.parameter import emit_parameter, read_parameter
from virgil.params import get_param_store
from virgil.params.constraint import Constraint
from virgil.poutine.trace import Trace

__all__ = ["AutoStructured"]

Conditional = str | Callable[[], Tensor]
Dependency = str | Callable[[Tensor], Tensor]

_AUXILIARY = {"is_auxiliary": True}
_KINDS = ("delta", "normal", "mvn")


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
        self.conditionals, self.dependencies = conditionals, dependencies
        self._check_options()
        self.locs = SiteParameters()
        self.scales = SiteParameters(self.scale_constraint)
        self.scale_trils = SiteParameters(self.scale_tril_constraint)
        self.deps = SiteParameters()
        self.networks = nn.ModuleList(self._networks())
        self.parents: dict[str, tuple[str, ...]] = {}

    def _functions(self) -> Iterator[Any]:
        """All conditionals and dependences that are given."""
        yield from self.conditionals.values() if isinstance(self.conditionals, Mapping) else [self.conditionals]
        if isinstance(self.dependencies, Mapping):
            for upstream in self.dependencies.values():
                yield from upstream.values()

    def _networks(self) -> list[nn.Module]:
        return [each for each in self._functions() if isinstance(each, nn.Module)]

    def _check_options(self) -> None:
        conditionals, dependencies = self.conditionals, self.dependencies
        of_sites = conditionals.values() if isinstance(conditionals, Mapping) else [conditionals]
        for each in of_sites:
            if each not in _KINDS and not (callable(each) and isinstance(conditionals, Mapping)):
                raise ArgumentError(
                    f"AutoStructured got the conditional {shown(each)}; it takes 'delta', 'normal' or 'mvn', or a dict "
                    "from each latent site to one of these or to a function that returns a draw."
                )
        if isinstance(dependencies, Mapping):
            kinds: list[Any] = [each for upstream in dependencies.values() for each in upstream.values()]
        else:
            kinds = [dependencies]
        for kind in kinds:
            if kind != "linear" and not (callable(kind) and isinstance(dependencies, Mapping)):
                raise ArgumentError(
                    f"AutoStructured got the dependence {shown(kind)}; it takes 'linear', or a dict from downstream "
                    "sites to a dict from upstream sites to 'linear' or a function of vectors."
                )

    # The first call

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_prototype(*args, **kwargs)
        if isinstance(self.dependencies, Mapping):
            given = {name: tuple(self.dependencies.get(name, ())) for name in [each.name for each in self.latents]}
            self.parents = _in_order(given)
        else:
            self.parents = inverse_structure(self.model, cast(Trace, self.prototype_trace), args, kwargs)
        for name, upstream in self.parents.items():
            for other in upstream:
                if self._dependency(name, other) == "linear":
                    rows, columns = self._leaf("locs", name), self._leaf("locs", other)
                    self.deps.add(f"{name}.{other}.weight", rows.new_zeros(len(rows), len(columns)))

    def _make_parameters(self, latents: Sequence[Latent]) -> None:
        self._check_names([latent.name for latent in latents])
        for latent in latents:
            check_whole(type(self).__name__, latent)
            loc, kind = latent.unconstrained.flatten(), self._conditional(latent.name)
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

    def _check_names(self, latents: Sequence[str]) -> None:
        named: set[str] = set()
        if isinstance(self.conditionals, Mapping):
            named |= self.conditionals.keys()
            for name in latents:
                if name not in self.conditionals:
                    raise ArgumentError(
                        f"AutoStructured got conditionals= without one for {name!r}, a latent site. Add it."
                    )
        if isinstance(self.dependencies, Mapping):
            named |= self.dependencies.keys() | {name for each in self.dependencies.values() for name in each}
        for name in sorted(named - set(latents)):
            raise ArgumentError(
                f"AutoStructured got {name!r} in conditionals= or dependencies=, which is no latent site of the model. "
                f"{did_you_mean(name, list(latents))}"
            )

    def _conditional(self, name: str) -> Conditional:
        return self.conditionals[name] if isinstance(self.conditionals, Mapping) else self.conditionals

    def _dependency(self, name: str, upstream: str) -> Dependency:
        return self.dependencies[name][upstream] if isinstance(self.dependencies, Mapping) else self.dependencies

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
        name, kind = latent.name, self._conditional(latent.name)
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
        dependency = self._dependency(name, upstream)
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


def _in_order(parents: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The same with each site after those that it depends on.

    Raises:
        ArgumentError: there is a circle.
    """
    ordered: dict[str, tuple[str, ...]] = {}
    while len(ordered) < len(parents):
        ready = [name for name in parents if name not in ordered and all(each in ordered for each in parents[name])]
        if not ready:
            circle = ", ".join(repr(name) for name in parents if name not in ordered)
            raise ArgumentError(f"AutoStructured got dependencies= in which {circle} depend on each other in a circle.")
        ordered.update({name: parents[name] for name in ready})
    return ordered
