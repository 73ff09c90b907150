"""``AutoReparam``: a reparameteriser for each latent variable that has one."""

from __future__ import annotations

from torch import Tensor

from virgil import distributions as dist
from virgil.infer.reparam.loc_scale import LocScaleReparam, is_location_scale
from virgil.infer.reparam.minimal import minimal
from virgil.infer.reparam.softmax import GumbelSoftmaxReparam
from virgil.infer.reparam.strategy import Strategy
from virgil.infer.reparam.transform import TransformReparam
from virgil.infer.reparam.wrapped_families import innermost
from virgil.poutine.reparam import Reparameteriser
from virgil.poutine.site import Site

__all__ = ["AutoReparam"]

_DONE = "_decentered"


class AutoReparam(Strategy):
    """Restates every latent variable for which a way is known.

    * A family with location and scale on the real line gets a :class:`LocScaleReparam`;
    * a ``LogNormal`` or ``LogisticNormal``, and a ``TransformedDistribution`` of the program's own, a
      :class:`TransformReparam`, after which its base is looked at in turn;
    * a ``RelaxedOneHotCategorical`` a :class:`GumbelSoftmaxReparam`;
    * the others what :class:`MinimalReparam` gives them.

    Args:
        centered: that of :class:`LocScaleReparam`. Default: it is learnt for each variable.

    Example:
        >>> import virgil, virgil.distributions as dist
        >>> from virgil.infer.reparam import AutoReparam
        >>> @AutoReparam()
        ... def model():
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 5.0))
        ...     virgil.sample("x", dist.LogNormal(mu, 1.0))
        >>> trace = virgil.poutine.trace(model).get_trace()
        >>> trace.stochastic_nodes
        ['mu_decentered', 'x_base_decentered']
    """

    def __init__(self, *, centered: float | Tensor | None = None) -> None:
        super().__init__()
        self.centered = LocScaleReparam(centered).centered

    def configure(self, msg: Site) -> Reparameteriser | None:
        """The reparameteriser of a variable that has not been met before."""
        family = innermost(msg.fn)
        if not msg.observed:
            if type(family) in (dist.TransformedDistribution, dist.LogNormal, dist.LogisticNormal):
                return TransformReparam()
            if type(family) is dist.RelaxedOneHotCategorical:
                return GumbelSoftmaxReparam()
            if hasattr(family, "arg_constraints") and is_location_scale(family) and not msg.name.endswith(_DONE):
                return LocScaleReparam(self.centered)
        return minimal(msg)
