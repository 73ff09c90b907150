"""``Trace_ELBO``: every term from the value drawn."""

from __future__ import annotations

from virgil.infer.elbo.objective import ELBO

__all__ = ["Trace_ELBO"]


class Trace_ELBO(ELBO):
    """The evidence lower bound with every term taken at the value drawn.

    It is :class:`ELBO` with its defaults, which see for the formula and the arguments. The gradient is pathwise where a
    site's distribution has ``rsample`` and by score function elsewhere, site by site, the latter with costs limited to
    the site's own plate slots and to what comes after it.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import Trace_ELBO
        >>> def model():
        ...     z = virgil.sample("z", dist.Normal(0.0, 1.0))
        ...     virgil.sample("x", dist.Normal(z, 1.0), obs=torch.tensor(2.0))
        >>> def guide():  # the exact posterior, so that every draw gives -log p(x) = 0.5 log(4 pi) + 1
        ...     virgil.sample("z", dist.Normal(torch.tensor(1.0), 0.5**0.5))
        >>> round(Trace_ELBO().loss(model, guide), 4)
        2.2655
    """
