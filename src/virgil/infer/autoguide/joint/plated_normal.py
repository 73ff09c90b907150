"""``PlatedNormal``: a joint normal written by the chain rule, in which a slot of a plate depends on few numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch import distributions as td

from virgil.distributions import Delta, MultivariateNormal, Normal, constraints
from virgil.errors import ArgumentError
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.core.plates import Batches, GuidePlates
from virgil.infer.autoguide.core.scales import checked_init_scale, normal_quantiles
from virgil.infer.autoguide.core.whole import check_joined, check_known, cut_frames
from virgil.infer.autoguide.joint.plated_moments import moments_of, variances_of
from virgil.infer.autoguide.joint.plated_step import Numbers, PlatedStep
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.nn.parameter import emit_parameter, read_parameter
from virgil.ops.plated_elimination import PlatedGraph, eliminate
from virgil.params import ParamStore, get_param_store
from virgil.params.constraint import Constraint
from virgil.poutine.frame import Frame

__all__ = ["PlatedNormal"]

_AUXILIARY = {"is_auxiliary": True}
Read = Callable[[ParamStore, str, Tensor, Constraint], Tensor]


class PlatedNormal(AutoGuide):
    r"""A joint normal distribution in unconstrained space, drawn variable by variable, block by block.

    .. math:: u_i = \mathrm{loc}_i + \mathrm{scale}_i z_i, \qquad z_i = L_i \epsilon_i + \sum_j W_{ij} z_j

    with standard normal :math:`\epsilon_i` and ones on the diagonal of the lower triangular :math:`L_i`. Each slot of a
    plate is a block, with an :math:`L` and a :math:`W` of its own, unless the family joins the slots. A mini-batch of a
    plate whose slots are blocks is drawn alone.

    Parameters: by site, ``locs`` and ``scales``, in the shape of the unconstrained value; ``factors``, :math:`L_i`, for
    blocks of more than one number, shape ``(*slots, m, m)``; and ``weights``, the :math:`W_{ij}` side by side, shape
    ``(*slots, m, numbers that a block depends on)``, zero at first.

    A family says by :meth:`_graph` which variables are joined.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive.
        create_plates: see :class:`AutoGuide`.
    """

    scale_constraint: Constraint = constraints.softplus_positive
    factor_constraint: Constraint = constraints.unit_lower_cholesky

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
        self.factors = SiteParameters(self.factor_constraint)
        self.weights = SiteParameters()
        self._steps: tuple[PlatedStep, ...] = ()

    def _graph(self, latents: Sequence[Latent], args: tuple[Any, ...], kwargs: dict[str, Any]) -> PlatedGraph:
        """The graph of the precision: variables that are not joined are independent given all others."""
        raise NotImplementedError(f"{type(self).__name__} does not say which variables are joined.")

    # The first call

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_prototype(*args, **kwargs)
        try:
            self._make_steps(self._graph(self.latents, args, kwargs))
        except Exception:
            self.prototype_trace = None  # the next call is a first one
            raise

    def _make_steps(self, graph: PlatedGraph) -> None:
        dims = max([len(latent.batch_shape) for latent in self.latents], default=0)
        by_name = {latent.name: latent for latent in self.latents}
        cut = frozenset(frame.name for latent in self.latents for frame in cut_frames(latent))
        steps = [PlatedStep.of(stage, by_name, dims) for stage in reversed(eliminate(graph, cut))]
        starts = {step.latent.name: step.widened(step.latent.unconstrained) for step in steps}
        for step in steps:
            self._check(step, {frame.name: frame.size for frame in step.latent.frames})
            check_known(type(self).__name__, step.latent)
            self._add_parameters(step, starts)
        self._steps = tuple(steps)

    def _add_parameters(self, step: PlatedStep, starts: Mapping[str, Tensor]) -> None:
        name, loc = step.latent.name, step.latent.unconstrained
        self.locs.add(name, loc)
        scale = torch.as_tensor(self.init_scale, dtype=loc.dtype, device=loc.device)
        self.scales.add(name, scale.expand_as(loc))
        # without the batch dims that the variable lacks
        shape = step.blocked(starts[name]).shape[step.dims - len(step.latent.batch_shape) :]
        size = shape[-1]
        if size > 1:
            identity = torch.eye(size, dtype=loc.dtype, device=loc.device)
            self.factors.add(name, identity.expand(*shape, size))
        if step.others:
            self.weights.add(name, loc.new_zeros(*shape, sum(each.shape[-1] for each in step.inputs(starts))))

    # Each call

    def _check(self, step: PlatedStep, sizes: Mapping[str, int]) -> None:
        """Check that a call has all slots of the plates whose slots are joined."""
        for latent in (step.latent, *(other for other, _ in step.others)):
            check_joined(type(self).__name__, latent, step.joined, sizes)

    def _numbers(self, read: Read, step: PlatedStep, batches: Batches | None = None) -> Numbers:
        """A variable's parameters, those of a mini-batch or all, with all batch dims."""
        name, store = step.latent.name, get_param_store()

        def one(group: str, event_dim: int) -> Tensor | None:
            parameters = cast(SiteParameters, self._modules[group])
            leaf = parameters._parameters.get(name)
            if leaf is None:
                return None
            value = read(store, f"{self._pyro_name}.{group}.{name}", leaf, parameters.constraints[name])
            value = value if batches is None else step.cut(value, event_dim, batches)
            return step.widened(value)

        loc, scale = cast(Tensor, one("locs", step.event_dim)), cast(Tensor, one("scales", step.event_dim))
        entries = step.entries(batches)
        entries = None if entries is None else entries.to(loc.device)
        return Numbers(loc, scale, one("factors", 2), one("weights", 2), entries)

    def _noise(self, step: PlatedStep, numbers: Numbers, frames: Sequence[Frame]) -> Tensor:
        """State the noise of a variable's blocks. Shape: ``(*lead, *slots, m)``."""
        blocked, entries = step.blocked(numbers.scale), numbers.entries
        depth = -step.kept[0] if step.kept else 0
        zeros = torch.zeros_like(blocked).reshape(blocked.shape[step.dims - depth :])
        fn: Any = Normal(zeros, torch.ones_like(zeros))
        if entries is not None:
            fn = fn.mask(entries.reshape(zeros.shape))
        own = tuple([frame for frame in frames if frame.name in step.plates])
        noise = self._state(f"{step.latent.name}_aux", fn.to_event(1), own, dict(_AUXILIARY))
        missing = step.dims + 1 - noise.dim()
        noise = noise.reshape(*(1,) * missing, *noise.shape) if missing > 0 else noise
        return noise if entries is None else noise * entries

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw every latent variable.

        Returns:
            The value of each, constrained, by name. Shape: ``(*plates, *event)``.
        """
        self._ensure_setup(args, kwargs)
        plates = self._create_plates(*args, **kwargs)
        batches = cast(GuidePlates, self._guide_plates).batches(plates)
        sizes = {name: each.subsample_size for name, each in plates.items()}
        moves: dict[str, Tensor] = {}
        values: dict[str, Tensor] = {}
        for step in self._steps:
            self._check(step, sizes)
            frames = step.latent.frames_in(batches)
            name, numbers = step.latent.name, self._numbers(emit_parameter, step, batches)
            moves[name] = step.value(self._noise(step, numbers, frames), moves, numbers)
            point = self._point(step, numbers.loc + numbers.scale * moves[name], numbers.scale, batches)
            values[name] = self._state(name, point, frames)
        return {latent.name: values[latent.name] for latent in self.latents}

    @staticmethod
    def _point(step: PlatedStep, unconstrained: Tensor, scale: Tensor, batches: Batches) -> Delta:
        latent, bijection = step.latent, step.latent.bijection
        missing = step.dims - len(latent.batch_shape)
        if unconstrained.dim() == step.dims + step.event_dim:  # without particles
            unconstrained = unconstrained.reshape(unconstrained.shape[missing:])
        value = bijection(unconstrained)
        stretch = scale.log().reshape(scale.shape[missing:])
        stretch = stretch.sum(list(range(-step.event_dim, 0))) if step.event_dim else stretch
        log_density = -stretch - bijection.log_abs_det_jacobian(unconstrained, value)
        return Delta(value, latent.held(log_density, value, batches), event_dim=bijection.event_dim)

    # What is asked after a fit

    def _all_numbers(self) -> list[tuple[PlatedStep, Numbers]]:
        return [(step, self._numbers(read_parameter, step)) for step in self._steps]

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent variable, plates at full size: the image of ``loc``."""
        self._ensure_setup(args, kwargs)
        locs = {step.latent.name: numbers.loc for step, numbers in self._all_numbers()}
        # a copy, since the image of a location under the identity is the parameter itself
        return {
            latent.name: latent.bijection(locs[latent.name].reshape(latent.unconstrained.shape).clone())
            for latent in self.latents
        }

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
        self._ensure_setup(args, kwargs)
        found = self._all_numbers()
        variances = variances_of(found)
        values = {}
        for step, (loc, scale, *_) in found:
            sd = scale * variances[step.latent.name].to(scale).sqrt()
            rows = normal_quantiles(loc, sd, quantiles)
            shape = step.latent.unconstrained.shape
            values[step.latent.name] = step.latent.bijection(rows.reshape(len(rows), *shape))
        return {latent.name: values[latent.name] for latent in self.latents}

    def get_posterior(self, *args: Any, **kwargs: Any) -> td.Distribution:
        """The distribution of all unconstrained values end to end, with a dense covariance: for few variables.

        Raises:
            ArgumentError: the model has no latent site.
        """
        self._ensure_setup(args, kwargs)
        if not self.latents:
            raise ArgumentError(f"{type(self).__name__} has no vector, since its model has no latent site.")
        found = self._all_numbers()
        return MultivariateNormal(*moments_of(found, [latent.name for latent in self.latents]))
