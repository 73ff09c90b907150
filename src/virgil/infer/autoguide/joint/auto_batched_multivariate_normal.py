"""``AutoBatchedMultivariateNormal``: a normal vector with a covariance of its own for each slot of a plate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from virgil.errors import ArgumentError, did_you_mean
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.plated_graph import graph_without_edges
from virgil.infer.autoguide.joint.plated_normal import PlatedNormal
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.ops.plated_elimination import PlatedGraph

__all__ = ["AutoBatchedMultivariateNormal"]


class AutoBatchedMultivariateNormal(PlatedNormal):
    r"""All variables of a slot of a plate as one normal vector with a full covariance, slots independent.

    .. math:: q(u) = \mathcal{N}(u_0 \mid m_0, C_0) \prod_{k} \mathcal{N}(u_k \mid m_k, C_k)

    in unconstrained space, with :math:`u_k` the variables of slot :math:`k`, those of plates further in included, and
    :math:`u_0` those in no plate. Variables that are in other plates only are independent of each other and slot by
    slot. It is the family for data of many units that have some variables each; :class:`AutoGaussian` has the
    dependence of slots on what they share as well.

    Parameters: ``locs``, ``scales``, ``factors`` and ``weights``, by site; see :class:`PlatedNormal`. In the store
    ``"AutoBatchedMultivariateNormal.locs.mu"`` and so on. A mini-batch of the plate is drawn alone.

    Args:
        model: the generative program.
        plate: the name of the plate. Default: the only one around latent variables.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive: a number, or a tensor that broadcasts to every site.
        create_plates: see :class:`AutoGuide`.

    Raises:
        ArgumentError: at the first call, no latent variable is in the plate, or no plate is given and there is not one.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoBatchedMultivariateNormal
        >>> def model():
        ...     with virgil.plate("units", 100):
        ...         level = virgil.sample("level", dist.Normal(0.0, 1.0))
        ...         slope = virgil.sample("slope", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        >>> guide = AutoBatchedMultivariateNormal(model)
        >>> _ = guide()
        >>> {name: tuple(value.shape) for name, value in guide.state_dict().items() if "locs" not in name}
        {'scales.level': (100,), 'scales.slope': (100, 2), 'factors.slope': (100, 2, 2), 'weights.slope': (100, 2, 1)}
    """

    def __init__(
        self,
        model: Callable[..., Any],
        plate: str | None = None,
        *,
        init_loc_fn: InitFn = init_to_feasible,
        init_scale: float | Tensor = 0.1,
        create_plates: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn, init_scale=init_scale, create_plates=create_plates)
        self.plate = plate

    def _graph(self, latents: Sequence[Latent], args: tuple[Any, ...], kwargs: dict[str, Any]) -> PlatedGraph:
        graph = graph_without_edges(latents)
        if latents:
            plate = self._found_plate(sorted(graph.slots))
            graph.join([name for name, around in graph.all_plates.items() if plate in around], frozenset({plate}))
            graph.join([name for name, around in graph.all_plates.items() if not around], frozenset())
        return graph

    def _found_plate(self, known: Sequence[str]) -> str:
        if self.plate is None and len(known) == 1:
            return known[0]
        if self.plate is not None:
            if self.plate in known:
                return self.plate
            raise ArgumentError(
                f"AutoBatchedMultivariateNormal got plate={self.plate!r}, which is around no latent variable of the "
                f"model. {did_you_mean(self.plate, known)}"
            )
        names = ", ".join(map(repr, known))
        raise ArgumentError(
            "AutoBatchedMultivariateNormal takes one plate, and latent variables of the model are in "
            + (f"{names}. Say which by plate=." if known else "none. Use AutoMultivariateNormal.")
        )
