"""Check that the density of a guide's variable counts where the model's does."""

from __future__ import annotations

from collections.abc import Iterator

from virgil.distributions import Delta
from virgil.infer.checks.containment import layers
from virgil.infer.checks.finding import Finding, Subject
from virgil.infer.checks.pairing import is_auxiliary
from virgil.poutine.site import Site

__all__ = ["guide_density_problems"]


def guide_density_problems(subject: Subject) -> Iterator[Finding]:
    """Variables whose density is masked by ``False`` in the guide and counts in the model: the loss lacks the entropy.

    The density of a point is no number that counts, so a ``Delta`` may be masked.
    """
    for name, site in subject.guide.iter_stochastic_nodes():
        other = subject.model.nodes.get(name)
        if other is None or not other.is_latent or is_auxiliary(site) or isinstance(layers(site.fn)[-1], Delta):
            continue
        if _is_masked(site) and not _is_masked(other):
            yield Finding(
                f"At site {name!r}, the guide's log-probability is masked by False and the model's is not: the "
                "guide's entropy is missing, so the loss is no bound, and the guide shrinks to a point.",
                "Take the mask away, or mask both. For a point estimate write Delta, or AutoDelta.",
                name,
                severity="warning",
            )


def _is_masked(site: Site) -> bool:
    return site.mask is False or any(getattr(each, "_mask", None) is False for each in layers(site.fn))
