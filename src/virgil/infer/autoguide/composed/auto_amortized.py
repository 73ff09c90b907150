"""``AutoAmortized``: an encoder for the slots of a plate, and a family for all other latent sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from virgil.infer.autoguide.amortized.plate_encoder import PlateEncoder
from virgil.infer.autoguide.composed.completed_guide import CompletedGuide
from virgil.infer.autoguide.core.guide import AutoGuide
from virgil.infer.autoguide.site_by_site.auto_normal import AutoNormal
from virgil.infer.density.initialization import InitFn, init_to_feasible

__all__ = ["AutoAmortized"]


class AutoAmortized(CompletedGuide):
    r"""A guide whose latent variables in one plate are computed from the slots' data, by an encoder that all share.

    .. math:: q(z, \theta) = q(\theta) \prod_i \mathcal{N}\bigl(f^{-1}(z_i) \mid \mathrm{loc}(x_i),
        \mathrm{scale}(x_i)\bigr) \, \lvert \det \nabla f^{-1}(z_i) \rvert

    *(Kingma and Welling 2014, section 3; Zaheer et al. 2017 for the pooling)*. The data :math:`x_i` of a slot are the
    model's observed sites in the plate, read from a run of the model at each call, so that the number of parameters
    does not depend on the number of slots, and mini-batches need no care. Plates inside are pooled over. Entries that
    are masked out, by ``obs_mask`` or ``poutine.mask``, are not read. Counts enter by ``log1p`` and categories one-hot;
    all features are standardised by a centre and a spread that begin at those of the first batch and are learnt.

    The global variables :math:`\theta` do not enter the encoder: dependence of a slot on them is not represented.

    Args:
        model: the generative program. It runs in the guide as well, for its data.
        plate: name of the plate, the outermost around its sites.
        family: from a model to the guide of all other latent sites.
        hidden_dim: size of the encoder's two hidden layers, positive.
        init_loc_fn: from a latent site to its initial value.
        init_scale: initial scale in unconstrained space, positive.

    Raises:
        ArgumentError: at the first call, where the plate has no continuous latent site or no data, is not the outermost
            one, or has latent sites in plates inside it.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoAmortized
        >>> def model(y):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     with virgil.plate("groups", len(y), subsample_size=10, dim=-2) as chosen:
        ...         z = virgil.sample("z", dist.Normal(mu, 1.0))
        ...         with virgil.plate("within", y.shape[1], dim=-1):
        ...             virgil.sample("y", dist.Normal(z, 1.0), obs=y[chosen])
        >>> guide = AutoAmortized(model, plate="groups")
        >>> {name: tuple(value.shape) for name, value in guide(torch.ones(1000, 5)).items()}
        {'z': (10, 1), 'mu': ()}
        >>> guide.added
        ('mu',)
    """

    def __init__(
        self,
        model: Callable[..., Any],
        plate: str,
        *,
        family: Callable[..., AutoGuide] = AutoNormal,
        hidden_dim: int = 32,
        init_loc_fn: InitFn = init_to_feasible,
        init_scale: float = 0.1,
    ) -> None:
        encoder = PlateEncoder(model, plate, hidden_dim=hidden_dim, init_loc_fn=init_loc_fn, init_scale=init_scale)
        super().__init__(model, encoder, family, init_loc_fn=init_loc_fn)
