"""``TraceMeanField_ELBO``: analytic divergences where torch has them."""

from __future__ import annotations

from virgil.infer.elbo.analytic import ANALYTIC
from virgil.infer.elbo.choices import Choices
from virgil.infer.elbo.objective import ELBO

__all__ = ["TraceMeanField_ELBO"]


class TraceMeanField_ELBO(ELBO):
    r"""The evidence lower bound with analytic divergences *(Kingma and Welling 2014, equation 7)*.

    .. math:: \mathrm{ELBO} = \mathbb{E}_{q(z)}\bigl[\log p(x \mid z)\bigr] - \sum_i \mathrm{KL}\bigl(q(z_i) \,\|\,
        p(z_i)\bigr)

    It is ``ELBO(terms="analytic")``. It differs from :class:`Trace_ELBO` in the terms of latent variables whose
    divergence torch has in closed form, which need no draw and so have less variance. A variable that the guide states
    before one that the model states earlier has its term at the value drawn, since its divergence would then be another
    expectation.
    """

    choices = Choices(terms=ANALYTIC)
