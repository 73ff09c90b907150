"""``AutoGaussian``: a joint normal whose precision is as sparse as the posterior's own dependences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from torch import Tensor

from virgil.errors import ArgumentError, shown
from virgil.infer.autoguide.core.latent import Latent
from virgil.infer.autoguide.core.plated_graph import graph_of
from virgil.infer.autoguide.joint.plated_normal import PlatedNormal
from virgil.infer.density.initialization import InitFn, init_to_feasible
from virgil.ops.plated_elimination import PlatedGraph
from virgil.poutine.trace import Trace

__all__ = ["AutoGaussian"]

_BACKENDS = (None, "dense", "funsor")


class AutoGaussian(PlatedNormal):
    r"""A normal vector in unconstrained space with the independences of the posterior.

    Variables that meet in no statement of the model are independent given all others in the posterior, and have a zero
    in its precision. So have slots of a plate. The guide has these zeros too: it is the full
    :class:`AutoMultivariateNormal` without the parameters that the posterior does not need. The number of parameters of
    a hierarchy grows with its slots and that of a chain with its length, not with their squares.

    The precision is written by its Cholesky factor, in an order of elimination in which few variables meet at once
    (:func:`~virgil.ops.plated_elimination.eliminate`); its entries are those of the moral graph and the ones that
    elimination adds. Draws, densities and quantiles are exact and take no factorisation *(Webb et al. 2018, "Faithful
    inversion of generative models"; Koller and Friedman 2009, section 9.4)*.

    The graph is found at the first call, by following the values of the model; trials find the plates of which a
    statement outside reads one slot at most, such as by an index, and those whose slots it mixes, such as by a sum.
    Mixed slots are joined, and so is all inside of an event.

    Parameters: ``locs``, ``scales``, ``factors`` and ``weights``, by site; see :class:`PlatedNormal`. In the store
    ``"AutoGaussian.locs.mu"`` and so on.

    Args:
        model: the generative program.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive: a number, or a tensor that broadcasts to every site.
        backend: ``None``, ``"dense"`` or ``"funsor"``, for the sake of existing programs: all compute the same.
        create_plates: see :class:`AutoGuide`.

    Raises:
        ArgumentError: another backend; at a call, a mini-batch of a plate whose slots are joined.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoGaussian
        >>> def model():
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     with virgil.plate("groups", 1000):
        ...         effect = virgil.sample("effect", dist.Normal(mu, 1.0))
        ...         virgil.sample("x", dist.Normal(effect, 1.0), obs=torch.zeros(1000))
        >>> guide = AutoGaussian(model)
        >>> _ = guide()
        >>> {name: tuple(value.shape) for name, value in guide.weights.state_dict().items()}
        {'effect': (1000, 1, 1)}
    """

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        init_loc_fn: InitFn = init_to_feasible,
        init_scale: float | Tensor = 0.1,
        backend: str | None = None,
        create_plates: Callable[..., Any] | None = None,
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn, init_scale=init_scale, create_plates=create_plates)
        if backend not in _BACKENDS:
            raise ArgumentError(
                f"AutoGaussian got backend={shown(backend)}; it takes None, 'dense' or 'funsor', which are the same."
            )

    def _graph(self, latents: Sequence[Latent], args: tuple[Any, ...], kwargs: dict[str, Any]) -> PlatedGraph:
        return graph_of(self.model, cast(Trace, self.prototype_trace), latents, args, kwargs)
