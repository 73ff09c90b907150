"""``AutoNormalizingFlow`` and ``AutoIAFNormal``: the image of standard normals under a map that is learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch import distributions as td

from virgil.distributions import Normal, TransformedDistribution
from virgil.distributions.core.shape_algebra import TorchDistributionMixin
from virgil.distributions.transforms import affine_autoregressive, iterated
from virgil.errors import ArgumentError, shown
from virgil.infer.autoguide.core.scales import checked_probabilities
from virgil.infer.autoguide.joint.auto_continuous import AutoContinuous
from virgil.infer.autoguide.joint.lazy_map import map_of
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.ops.random_state import preserved_rng, set_rng_seed
from virgil.params.constraint import Constraint

__all__ = ["AutoIAFNormal", "AutoNormalizingFlow"]

_DRAWS = 4096  # of which quantiles are taken
_FLOW = "transform."
_FORMER = "_prototype_tensor"  # a key of old files, which names a parameter a second time


class AutoNormalizingFlow(AutoContinuous):
    r"""Standard normals in a row, mapped by a flow to the latent variables in unconstrained space.

    .. math:: u = T(\epsilon), \quad \epsilon \sim \mathcal{N}(0, I), \qquad
        \log q(u) = \log \mathcal{N}(\epsilon) - \log\,\lvert \det \nabla T(\epsilon) \rvert

    *(Rezende and Mohamed 2015)*. The flow is made at the first call, from the guide's own seed.

    Parameters: those of the flow, ``transform``; in the store under ``"AutoNormalizingFlow.transform"``.

    Args:
        model: the generative program.
        init_transform_fn: makes the flow from the number of latent variables: a map of vectors, of
            ``virgil.distributions.transforms``, that is quick in the direction from normals, such as
            ``functools.partial(iterated, 2, affine_autoregressive)``. A module is taken whose call gives the map, and
            a flow of the package zuko (the extra ``flows``), ``lambda dim: zuko.flows.NSF(dim)``, of which the map is
            used from its normals to its vectors; a coupling flow is quick in both directions, one whose masks are
            autoregressive takes a pass for each variable there, unless it is given as ``zuko.lazy.LazyInverse`` of its
            ``transform``'s inverse.

    Attributes:
        transform: the flow; ``None`` before the first call.

    Example:
        >>> from functools import partial
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.distributions.transforms import iterated, planar
        >>> from virgil.infer.autoguide import AutoNormalizingFlow
        >>> def model():
        ...     x = virgil.sample("x", dist.Normal(0.0, 1.0))
        ...     virgil.sample("y", dist.Normal(x**2, 0.5))
        >>> guide = AutoNormalizingFlow(model, partial(iterated, 3, planar))
        >>> sorted(guide())
        ['x', 'y']
        >>> len(guide.transform)
        3
    """

    def __init__(self, model: Callable[..., Any], init_transform_fn: Callable[[int], Any]) -> None:
        super().__init__(model, init_to_feasible)
        if not callable(init_transform_fn):
            raise ArgumentError(
                f"{type(self).__name__} got init_transform_fn={shown(init_transform_fn)}; it takes a function from the "
                "number of latent variables to a transform."
            )
        self.init_transform_fn = init_transform_fn
        self.transform: Any = None
        self._loaded: dict[str, Tensor] = {}  # a state for the flow, until it is made
        self.register_buffer("_origin", None, persistent=False)

    # The first call

    def _base_parameters(self, loc: Tensor) -> Mapping[str, tuple[Tensor, Constraint]]:
        self._origin = torch.zeros_like(loc)
        with preserved_rng():
            set_rng_seed(self._seed[0])
            made = self.init_transform_fn(len(loc))
        if map_of(made) is None:
            raise ArgumentError(
                f"init_transform_fn of {type(self).__name__} returned {shown(made)}; it must return a transform, or a "
                "module whose call gives one, such as a flow of zuko."
            )
        if not isinstance(made, nn.Module) or self.transform is None:
            self.transform = made.to(loc) if isinstance(made, nn.Module) else made
        else:  # the guide begins anew: the leaves stay the same tensors
            with torch.no_grad():
                for leaf, new in zip(self.transform.parameters(), made.parameters(), strict=True):
                    leaf.copy_(new)
        if self._loaded:
            self.transform.load_state_dict(self._loaded)
            self._loaded = {}
        return {}

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        state_dict.pop(prefix + _FORMER, None)
        if self.transform is None:
            keys = [key for key in state_dict if key.startswith(prefix + _FLOW)]
            self._loaded = {key[len(prefix + _FLOW) :]: state_dict.pop(key) for key in keys}
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination.update({prefix + _FLOW + key: value for key, value in self._loaded.items()})

    # Each call

    def _distribution(self, parameters: Mapping[str, Tensor]) -> td.Distribution:
        return TransformedDistribution(self.get_base_dist(), [self._map()])

    def _map(self) -> td.Transform:
        """The map as it is now, which remembers its last image."""
        return cast(td.Transform, map_of(self.transform))

    def get_base_dist(self) -> TorchDistributionMixin:
        """Standard normals. Shape: batch ``()``, event ``(latent_dim,)``.

        Raises:
            ArgumentError: before the first call, when it is not known how many there are.
        """
        origin = cast("Tensor | None", self._origin)
        if origin is None:
            raise ArgumentError(f"{type(self).__name__} does not know the number of latent variables. Call it once.")
        return Normal(origin, torch.ones_like(origin)).to_event(1)

    def get_transform(self, *args: Any, **kwargs: Any) -> td.Transform:
        """The flow, from normals to latent variables."""
        self._ensure_setup(args, kwargs)
        made = self.transform
        return made if isinstance(made, td.Transform) else self._map()

    # What is asked after a fit

    def _quantiles(self, quantiles: Sequence[float] | Tensor) -> Tensor:
        """Quantiles of each coordinate of the vector, of 4096 draws, the same ones each time."""
        with preserved_rng():
            set_rng_seed(0)  # the same parameters have the same quantiles
            draws = self._distribution({}).sample((_DRAWS,))
        return draws.quantile(checked_probabilities(quantiles).to(draws), 0)


class AutoIAFNormal(AutoNormalizingFlow):
    """A flow of inverse autoregressive layers *(Kingma et al. 2016)*; see :class:`AutoNormalizingFlow`.

    Parameters: those of the flow, ``transform``; in the store under ``"AutoIAFNormal.transform"``.

    Args:
        model: the generative program.
        hidden_dim: the width of the networks' hidden layer, or the widths of several. Default: that of
            ``affine_autoregressive``.
        init_loc_fn: accepted for the sake of existing programs; a flow begins near standard normals.
        num_transforms: layers in a row.
        **init_transform_kwargs: further options of ``affine_autoregressive``.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoIAFNormal
        >>> def model():
        ...     virgil.sample("x", dist.Normal(0.0, 1.0).expand([4]).to_event(1))
        >>> AutoIAFNormal(model, hidden_dim=[8], num_transforms=2)()["x"].shape
        torch.Size([4])
    """

    def __init__(
        self,
        model: Callable[..., Any],
        hidden_dim: int | Sequence[int] | None = None,
        init_loc_fn: InitFn | None = None,
        num_transforms: int = 1,
        **init_transform_kwargs: Any,
    ) -> None:
        if not isinstance(num_transforms, int) or num_transforms < 1:
            raise ArgumentError(f"AutoIAFNormal got num_transforms={shown(num_transforms)}; it takes 1 or more.")
        if hidden_dim is not None:
            widths = [hidden_dim] if isinstance(hidden_dim, int) else list(hidden_dim)
            init_transform_kwargs["hidden_dims"] = widths
        super().__init__(model, partial(_layers, num_transforms, init_transform_kwargs))


def _layers(count: int, options: Mapping[str, Any], dim: int) -> Any:
    return iterated(count, affine_autoregressive, dim, **options)
