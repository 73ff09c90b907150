"""``AutoContinuous``: one distribution over all latent variables at once, laid end to end as a vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Size, Tensor
from torch import distributions as td

from virgil.distributions import Delta, constraints
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.errors import ArgumentError
from virgil.infer.autoguide.core.former_keys import SUFFIX
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.parameters import ConstrainedParameters
from virgil.infer.autoguide.core.scales import checked_init_scale, normal_quantiles
from virgil.infer.autoguide.core.whole import check_whole, frames_of_whole
from virgil.infer.density.initialization import InitFn, init_to_median
from virgil.nn.parameter import emit_parameter, read_parameter
from virgil.params import ParamStore, get_param_store
from virgil.params.constraint import Constraint

__all__ = ["AutoContinuous"]

_AUXILIARY = {"is_auxiliary": True}
Read = Callable[[ParamStore, str, Tensor, Constraint], Tensor]


class AutoContinuous(AutoGuide, ConstrainedParameters):
    r"""A guide that draws all latent variables together, as one vector in unconstrained space.

    It states the vector as an auxiliary site, such as ``_AutoDiagonalNormal_latent``, and each latent variable as a
    point mass that carries minus the log of its bijection's volume change, so that the guide's density is

    .. math:: \log q(z) = \log q(u) - \sum_i \log\,\lvert \det \nabla f_i(u_i) \rvert, \qquad z_i = f_i(u_i)

    Slots that are data by ``obs_mask`` have no place in the vector. Which these are is found at the first call; a slot
    that becomes latent later has no density, so that the loss is not finite.

    A family says by ``_base_parameters`` which parameters the distribution of the vector has, and by ``_distribution``
    which one it is.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive: a number, or a tensor that broadcasts to the vector.

    Attributes:
        latent_dim: the length of the vector; 0 before the first call.
        parameter_names: the parameters of the family.
    """

    parameter_names: tuple[str, ...] = ()
    scale_constraint: Constraint = constraints.softplus_positive

    def __init__(
        self, model: Callable[..., Any], init_loc_fn: InitFn = init_to_median, init_scale: float | Tensor = 0.1
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn)
        self.init_scale = checked_init_scale(type(self).__name__, init_scale)
        self.latent_dim = 0
        self._sizes: tuple[int, ...] = ()
        self._shapes: tuple[Size, ...] = ()
        self._places: tuple[Tensor | None, ...] = ()

    # What a family says

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        """The initial value and constraint of each parameter, by name, where the vector begins at ``loc``."""
        raise NotImplementedError(f"{type(self).__name__} does not say what parameters it has.")

    def _distribution(self, parameters: Mapping[str, Tensor]) -> td.Distribution:
        """The distribution of the vector. Shape: batch ``()``, event ``(latent_dim,)``."""
        raise NotImplementedError(f"{type(self).__name__} does not say what distribution it is.")

    def _scale(self, loc: Tensor) -> Tensor:
        """``init_scale`` for each entry of the vector."""
        return torch.as_tensor(self.init_scale, dtype=loc.dtype, device=loc.device).expand_as(loc)

    # The first call

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        for name in self.parameter_names:
            if prefix + name + SUFFIX in state_dict:
                state_dict[prefix + name] = state_dict.pop(prefix + name + SUFFIX)
        names = [name for name in self.parameter_names if prefix + name in state_dict]
        self._adopt({name: state_dict[prefix + name] for name in names})
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _make_parameters(self, latents: Sequence[Latent]) -> None:
        if not latents:
            return
        for latent in latents:
            check_whole(type(self).__name__, latent)
        parts = [latent.initial_entries for latent in latents]
        loc = torch.cat(parts)
        for name, (value, constraint) in self._base_parameters(loc).items():
            self.add(name, value, constraint)
        entries = [latent.latent_entries for latent in latents]
        self._sizes = tuple([len(part) for part in parts])
        self._shapes = tuple([latent.unconstrained.shape for latent in latents])
        self._places = tuple([None if each is None else _places(each) for each in entries])
        self.latent_dim = len(loc)

    # Each call

    def _read(self, read: Read) -> dict[str, Tensor]:
        """The constrained parameters by name."""
        store, path = get_param_store(), self._pyro_name
        leaves, constraints_ = cast(dict[str, Tensor], self._parameters), self.constraints
        return {name: read(store, f"{path}.{name}", leaves[name], each) for name, each in constraints_.items()}

    def get_posterior(self, *args: Any, **kwargs: Any) -> td.Distribution:
        """The distribution of the vector in unconstrained space. Shape: batch ``()``, event ``(latent_dim,)``.

        Raises:
            ArgumentError: the model has no latent site.
        """
        self._ensure_setup(args, kwargs)
        if not self.latents:
            raise ArgumentError(
                f"{type(self).__name__} has no vector to draw, since its model has no latent site: each sample "
                "statement has obs=. Ask the guide itself, which is empty."
            )
        return self._distribution(self._read(emit_parameter))

    def get_base_dist(self) -> TorchDistributionMixin:
        """The distribution that :meth:`get_transform` takes to that of the vector, where a family has one.

        Raises:
            NotImplementedError: the family is not written so.
        """
        raise NotImplementedError(f"{type(self).__name__} is not written as the image of a simpler distribution.")

    def get_transform(self, *args: Any, **kwargs: Any) -> td.Transform:
        """The transform from :meth:`get_base_dist` to the distribution of the vector.

        Raises:
            NotImplementedError: the family is not written so.
        """
        raise NotImplementedError(f"{type(self).__name__} is not written as the image of a simpler distribution.")

    def sample_latent(self, *args: Any, **kwargs: Any) -> Tensor:
        """State the vector, and return it. Shape: ``(*outer plates, latent_dim)``."""
        posterior = self.get_posterior(*args, **kwargs)
        return self._state(f"_{self._pyro_name}_latent", posterior, (), dict(_AUXILIARY))

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Draw every latent variable.

        Returns:
            The value of each, constrained, by name. Shape: ``(*plates, *event)``.
        """
        self._ensure_setup(args, kwargs)
        if not self.latents:
            return {}
        vector = self.sample_latent(*args, **kwargs)
        self._create_plates(*args, **kwargs)
        values = {}
        for latent, unconstrained in self._unpack(vector):
            bijection = latent.bijection
            value = bijection(unconstrained)
            log_density = latent.held(-bijection.log_abs_det_jacobian(unconstrained, value), value)
            fn = Delta(value, log_density, event_dim=bijection.event_dim)
            frames = frames_of_whole(type(self).__name__, latent, self.plates)
            values[latent.name] = self._state(latent.name, fn, frames)
        return values

    def _unpack(self, vector: Tensor) -> Iterator[tuple[Latent, Tensor]]:
        """Each latent variable with its unconstrained value, zero where it is data.

        Shape: ``(*outer plates, *plates, *event)``.
        """
        outer, parts = vector.shape[:-1], vector.split(self._sizes, -1)
        for latent, part, shape, places in zip(self.latents, parts, self._shapes, self._places, strict=True):
            # the vector has a 1 in its batch shape wherever a plate of the site will be
            batch_dim = len(latent.batch_shape)
            lead = outer[: len(outer) - batch_dim] if len(outer) > batch_dim else ()
            if places is not None:
                part = torch.cat([part, vector.new_zeros((*outer, 1))], -1).index_select(-1, places.to(vector.device))
            yield latent, part.reshape((*lead, *shape))

    def _values(self, vector: Tensor) -> dict[str, Tensor]:
        return {latent.name: latent.bijection(unconstrained) for latent, unconstrained in self._unpack(vector)}

    # What is asked after a fit

    def _marginals(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each coordinate."""
        posterior = self._distribution(self._read(read_parameter))
        return posterior.mean.clone(), posterior.stddev

    def _quantiles(self, quantiles: Sequence[float] | Tensor) -> Tensor:
        """Quantiles of each coordinate of the vector. Shape: ``(quantiles, latent_dim)``."""
        return normal_quantiles(*self._marginals(), quantiles)

    @torch.no_grad()
    def median(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """The median of every latent variable, taken in unconstrained space coordinate by coordinate."""
        return {name: each[0] for name, each in self.quantiles([0.5], *args, **kwargs).items()}

    @torch.no_grad()
    def quantiles(self, quantiles: Sequence[float] | Tensor, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Quantiles of every latent variable, taken in unconstrained space coordinate by coordinate.

        Args:
            quantiles: probabilities, such as ``[0.05, 0.5, 0.95]``.
            *args: arguments of the guide, needed only before its first call.
            **kwargs: its keyword arguments.

        Returns:
            By site. Shape: ``(quantiles, *plates, *event)``.
        """
        self._ensure_setup(args, kwargs)
        if not self.latents:
            return {}
        rows = [self._values(row) for row in self._quantiles(quantiles)]
        return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


def _places(latent: Tensor) -> Tensor:
    """For each number of an unconstrained value its place among those that are latent, and the last one for data."""
    flat = latent.flatten()
    return torch.where(flat, flat.cumsum(0) - 1, flat.sum())
