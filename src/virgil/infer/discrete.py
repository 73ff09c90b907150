"""``infer_discrete``: values for the discrete variables that were summed out."""

from __future__ import annotations

from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.infer.elbo.discrete_posterior import inferred
from virgil.ops.semiring import MAXIMUM, SAMPLE
from virgil.poutine.wrap import Program

__all__ = ["infer_discrete"]


def infer_discrete(
    fn: Program | None = None,
    first_available_dim: int | None = None,
    temperature: int = 1,
    *,
    strict_enumeration_warning: bool = True,
) -> Any:
    """Run a model with its marked discrete variables at values inferred jointly, exactly, given everything else.

    Other latent variables are drawn once and kept: replay or condition the model on a fit first, as in
    ``infer_discrete(poutine.replay(model, trace=guide_trace), temperature=0)``.

    Args:
        fn: the model, marked by ``config_enumerate``; without one, a decorator is returned.
        first_available_dim: the first dim left of all plates. Default: found by running the model.
        temperature: 1 draws a joint sample from the posterior, 0 takes the jointly most probable values.
        strict_enumeration_warning: whether to warn where no variable is marked; the model is then run as it is.

    Raises:
        ArgumentError: another temperature.
        NonFiniteError, SupportError: the data are impossible under every joint value.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import config_enumerate, infer_discrete
        >>> @config_enumerate
        ... def model(data):
        ...     with virgil.plate("data", len(data)):
        ...         which = virgil.sample("which", dist.Categorical(torch.tensor([0.5, 0.5])))
        ...         virgil.sample("x", dist.Normal(torch.tensor([-1.0, 1.0])[which], 1.0), obs=data)
        ...     return which
        >>> infer_discrete(model, temperature=0)(torch.tensor([-3.0, 2.0, 0.5]))
        tensor([0, 1, 1])
    """
    if temperature not in (0, 1):
        raise ArgumentError(
            f"infer_discrete() got temperature={shown(temperature)}; it takes 1, for a sample, or 0, for the most "
            "probable values."
        )
    semiring = MAXIMUM if temperature == 0 else SAMPLE
    if fn is None:
        return lambda program: inferred(program, first_available_dim, semiring, strict_enumeration_warning)
    return inferred(fn, first_available_dim, semiring, strict_enumeration_warning)
