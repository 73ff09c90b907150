"""``TraceEnum_ELBO``: discrete variables summed out exactly."""

from __future__ import annotations

from virgil.infer.elbo.objective import ELBO

__all__ = ["TraceEnum_ELBO"]


class TraceEnum_ELBO(ELBO):
    r"""The evidence lower bound with marked discrete variables summed out exactly *(Obermeyer et al. 2019)*.

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)} \sum_e q(e \mid z) \Bigl[\log \sum_m p(x, m, e, z) - \log q(e, z)\Bigr]

    Variables :math:`m` that the model marks by ``infer={"enumerate": "parallel"}``, or by
    :func:`virgil.infer.config_enumerate`, and that the guide does not state are summed out inside the logarithm; a
    guide needs no statement for them. Variables :math:`e` that the guide marks are averaged over with its own
    probabilities, outside the logarithm, which gives a lower bound. It differs from :class:`Trace_ELBO` in that
    nothing discrete need be drawn, so that the gradient has no score-function noise.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer import TraceEnum_ELBO, config_enumerate
        >>> @config_enumerate
        ... def model(data):
        ...     with virgil.plate("data", len(data)):
        ...         which = virgil.sample("which", dist.Categorical(torch.tensor([0.25, 0.75])))
        ...         virgil.sample("x", dist.Normal(torch.tensor([-1.0, 1.0])[which], 1.0), obs=data)
        >>> round(TraceEnum_ELBO().loss(model, lambda data: None, torch.tensor([0.0, 1.0])), 4)  # -log p(x)
        2.5949
    """

    enumerates = True
