"""The Pareto shape of each site's weights, given all others: it shows the site of a guide that does not fit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from virgil.infer.density.draws_at_once import Joint
from virgil.infer.density.execution import Pair
from virgil.infer.trust.draws import is_point
from virgil.infer.trust.weights import LEAST, pareto_shape, threshold
from virgil.poutine.frame import Frame
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["SiteShape", "site_shapes"]

OUTER = 8  # draws of all other sites
_INNER = 500  # draws of the site for each
_VARIES = 1e-9  # relative: what a log-density must change by to depend on the site


@dataclass(frozen=True)
class SiteShape:
    """The Pareto shape of one site's weights, given all others.

    Attributes:
        k_hat: of the slot where it is largest.
        slot: the index of this slot in the plates of the site; empty where the site is taken as a whole.
        threshold: for so many draws.
    """

    k_hat: float
    slot: tuple[int, ...]
    threshold: float


@dataclass(frozen=True)
class _Part:
    """A log-density that depends on the site. Shape of ``value``: as its site's, the draws at the dim of the joint."""

    sign: int
    value: Tensor
    frames: tuple[Frame, ...]


def site_shapes(joint: Joint) -> dict[str, SiteShape]:
    r"""The Pareto shape of the conditional weights of each site that the guide draws, by name.

    With :math:`z_i` drawn anew and all others, :math:`z_{-i}`, kept, the weights

    .. math:: w_i = p(x, z_i, z_{-i}) / q(z_i \mid \cdot) \propto p(z_i \mid z_{-i}, x) / q(z_i \mid \cdot)

    compare the guide's factor with the posterior given the others. The shape is the median over eight draws of
    :math:`z_{-i}` from the guide. Where all that depends on the site lies in its plates, slots are independent given
    the others and each has a shape of its own. A dependence between sites that the guide lacks does not show here, but
    in the shape of all weights together.

    Empty where the guide draws all sites at once, where it cannot take many draws in one execution, and where variables
    are summed out.
    """
    names = [site.name for site in joint.single.guide.nodes.values() if site.is_latent and not is_point(site)]
    if len(names) < 2 or not joint.at_once or joint.enumerates:
        return {}
    inner = min(_INNER, joint.chunk // OUTER)
    if inner < LEAST:
        return {}
    others = joint.run(OUTER)
    return {name: _shape(joint, others, name, inner) for name in names}


def _shape(joint: Joint, others: Pair, name: str, inner: int) -> SiteShape:
    given = Trace()
    for each in others.guide.nodes.values():
        if each.kind == "plate":
            given.nodes[each.name] = each
        elif each.is_latent and each.name != name and not is_point(each):
            given.nodes[each.name] = each.replace(value=_repeated(joint, each, inner))
    pair = joint.run(OUTER * inner, given)
    own, scale = pair.guide.nodes[name], joint.scale or 1.0
    parts = [_Part(-1, own.unscaled_log_prob, own.frames)]
    parts += [_Part(1, site.term / scale, site.frames) for site in pair.model.nodes.values() if site.kind == "sample"]
    depends = [parts[0], *(part for part in parts[1:] if _varies(joint, part.value, inner))]
    plates = set.intersection(*({frame for frame in part.frames if _is_plate(frame)} for part in depends))
    log_weights = sum((_summed(joint, part, plates, inner) * part.sign for part in depends), torch.zeros(()).double())
    magnitude = max(float(part.value.abs().max()) for part in depends)
    shapes = torch.from_numpy(pareto_shape(log_weights.movedim(1, -1), magnitude)[1])
    middle = shapes.quantile(0.5, dim=0)
    place = int(middle.argmax())
    slot = tuple(int(each) for each in torch.unravel_index(torch.tensor(place), middle.shape)) if plates else ()
    return SiteShape(float(middle.flatten()[place]), slot, threshold(inner))


def _repeated(joint: Joint, site: Site, inner: int) -> Tensor:
    """The values with each draw of the others repeated for so many of the site."""
    dim = joint.dim - len(site.fn.event_shape)
    value: Tensor = site.value
    return value.repeat_interleave(inner, dim) if value.dim() >= -dim and value.shape[dim] == OUTER else value


def _is_plate(frame: Frame) -> bool:
    return frame.dim is not None and not frame.particle


def _split(joint: Joint, value: Tensor, inner: int) -> Tensor:
    """Shape: ``(OUTER, inner, *rest)``, with the dims of plates on the right as they were."""
    value = value.detach().double()
    if value.dim() < -joint.dim:
        value = value.expand(1, *(1,) * (-joint.dim - 1 - value.dim()), *value.shape)
    value = value.expand(OUTER * inner, *value.shape[1:])
    return value.reshape(OUTER, inner, *value.shape[1:])


def _varies(joint: Joint, value: Tensor, inner: int) -> bool:
    split = _split(joint, value, inner)
    spread = split.amax(1) - split.amin(1)
    return bool((spread > _VARIES * split.abs().amax(1).clamp_min(1.0)).any())


def _summed(joint: Joint, part: _Part, plates: set[Frame], inner: int) -> Tensor:
    """The log-density by slot of the plates. Shape: ``(OUTER, inner, *plates, 1 elsewhere)``."""
    split = _split(joint, part.value, inner)
    kept = {frame.dim for frame in plates}
    gone = [dim for dim in range(-(-joint.dim - 1), 0) if dim not in kept]
    return split.sum(gone, keepdim=True) if gone else split
