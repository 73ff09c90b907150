"""Linear series with noise of any kind, stated as Gaussian ones given further variables."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from virgil import distributions as dist
from virgil.distributions.core.shape_algebra import expanded
from virgil.errors import ArgumentError, shown
from virgil.infer.reparam.reparameteriser import Reparam, refused
from virgil.poutine.reparam import Reparameteriser, ReparamMessage, ReparamResult

__all__ = ["LinearHMMReparam"]


class LinearHMMReparam(Reparam):
    """States a ``LinearHMM`` as a ``GaussianHMM``, whose density is known, given variables that its noise is made of.

    Each reparameteriser is given one noise of the series, under the names ``x_init``, ``x_trans`` and ``x_obs``, and
    makes it normal: :class:`StudentTReparam`, :class:`SymmetricStableReparam`, :class:`StableReparam` or one of a
    program's own. Noise without one is normal already. A series with transforms of its observations becomes a
    ``TransformedDistribution`` of a ``GaussianHMM``, an ``IndependentHMM`` one of ``GaussianHMM``. The series may be
    latent or observed.

    Args:
        init: for the first state.
        trans: for the noise of the states.
        obs: for the noise of the observations.

    Raises:
        ArgumentError: the variable is no ``LinearHMM``, its number of steps is not known, or a reparameteriser leaves
            noise that is not normal.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.reparam import LinearHMMReparam, StudentTReparam
        >>> def model(data):
        ...     noise = dist.Normal(torch.zeros(1), 1.0).to_event(1)
        ...     heavy = dist.StudentT(3.0, torch.zeros(1), 1.0).to_event(1)
        ...     series = dist.LinearHMM(noise, torch.eye(1), noise, torch.eye(1), heavy, duration=4)
        ...     virgil.sample("x", series, obs=data)
        >>> program = virgil.poutine.reparam(model, config={"x": LinearHMMReparam(obs=StudentTReparam())})
        >>> trace = virgil.poutine.trace(program).get_trace(torch.randn(4, 1))
        >>> trace.stochastic_nodes, type(trace.nodes["x"].fn).__name__
        (['x_obs_gamma'], 'GaussianHMM')
    """

    def __init__(
        self,
        init: Reparameteriser | None = None,
        trans: Reparameteriser | None = None,
        obs: Reparameteriser | None = None,
    ) -> None:
        for name, each in {"init": init, "trans": trans, "obs": obs}.items():
            if each is not None and not callable(getattr(each, "apply", None)):
                raise ArgumentError(
                    f"LinearHMMReparam got {name}={shown(each)}; it takes a reparameteriser, such as StudentTReparam()."
                )
        self.init, self.trans, self.obs = init, trans, obs

    def apply(self, msg: ReparamMessage) -> ReparamResult:
        """State what the noise is made of; the variable itself is a Gaussian series given it."""
        name, fn, value = msg["name"], msg["fn"], msg["value"]
        if isinstance(value, Tensor) and isinstance(fn, dist.LinearHMM | dist.IndependentHMM):
            fn = fn.with_length_of(value)
        is_apart = isinstance(fn, dist.IndependentHMM)
        series: Any = fn.base_dist if is_apart else fn
        if not isinstance(series, dist.LinearHMM):
            raise refused(self, msg, "a LinearHMM, or an IndependentHMM of one")
        if series.duration is None:
            raise ArgumentError(
                f"At site {name!r}, LinearHMMReparam got a series whose number of steps is not known. Pass duration= "
                "to LinearHMM, or observe the series."
            )
        apart = len(series.batch_shape) - len(fn.batch_shape)
        steps = (*series.batch_shape, series.duration)
        gaussian: Any = dist.GaussianHMM(
            _normal(f"{name}_init", self.init, expanded(series.initial_dist, series.batch_shape), apart),
            series.transition_matrix,
            _normal(f"{name}_trans", self.trans, expanded(series.transition_dist, steps), apart + 1),
            series.observation_matrix,
            _normal(f"{name}_obs", self.obs, expanded(series.observation_dist, steps), apart + 1),
            duration=series.duration,
        )
        if series.transforms:
            gaussian = dist.TransformedDistribution(gaussian, series.transforms)
        new = dist.IndependentHMM(gaussian) if is_apart else gaussian
        return {"fn": new, "value": value, "is_observed": bool(msg["is_observed"])}


def _normal(name: str, reparam: Reparameteriser | None, fn: Any, count: int) -> Any:
    """The noise as its reparameteriser leaves it; its ``count`` batch dims on the right are no plates."""
    if reparam is None:
        return fn
    whole = dist.Independent(fn, count) if count else fn
    result = reparam.apply({"name": name, "fn": whole, "value": None, "is_observed": False})
    normal = result["fn"]
    if result["is_observed"]:
        raise ArgumentError(
            f"At site {name!r}, {type(reparam).__name__} makes a function of the noise, and LinearHMMReparam needs "
            "normal noise. Use one that leaves a Normal, such as StudentTReparam or StableReparam."
        )
    return normal.to_event(-count) if count else normal
