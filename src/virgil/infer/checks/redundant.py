"""Note of guide sites that the model would sum out exactly, with their cost in nats."""

from __future__ import annotations

from collections.abc import Iterator

from virgil.errors import VirgilError
from virgil.infer.checks.finding import EvidenceBound, Finding, Program, Subject
from virgil.infer.checks.shapes import batch_problems
from virgil.infer.density.dry_run import dry_run
from virgil.poutine.block import Block
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.replay import Replay
from virgil.poutine.runtime import Handler, Outer
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["redundancy_problems"]

_LEAST = 0.01  # nats; a smaller gap is not worth a word


def redundancy_problems(subject: Subject) -> Iterator[Finding]:
    r"""Variables that the model is marked to sum out and that the guide states nevertheless.

    The bound is then lower, in expectation over the guide's other variables :math:`z`, by

    .. math:: \mathrm{KL}\bigl(q(e \mid z) \,\|\, p(e \mid x, z)\bigr)

    *(Obermeyer et al. 2019)*, measured here at one draw of :math:`z`. Where the sum is out of reach, or
    other variables of the guide depend on this one, the guide has to state it, and there is no problem.
    """
    objective, programs = subject.objective, subject.programs
    if objective is None or not objective.enumerates or len(programs) < 2:
        return
    names = [name for name, site in subject.model.nodes.items() if _is_stated_twice(name, site, subject.guide)]
    if not names:
        return
    with dry_run():
        for name in names:
            gap = _gap(name, subject, objective)
            if gap is not None and gap > _LEAST:
                yield _redundant(name, gap)


def _is_stated_twice(name: str, site: Site, guide: Trace) -> bool:
    is_marked = site.infer.get("enumerate") == "parallel" and getattr(site.fn, "has_enumerate_support", False)
    return site.is_latent and is_marked and name in guide and guide.nodes[name].is_latent


def _redundant(name: str, gap: float) -> Finding:
    return Finding(
        f"Site {name!r} is marked in the model to be summed out exactly, but the guide states it as well, so that it "
        "is not: the guide's distribution takes the place of the exact one, and the bound is "
        f"{gap:.3g} nats lower than it could be, at the parameters as they are.",
        "Take the statement out of the guide. If the guide is to approximate it, write "
        "infer={'enumerate': None} at the model's statement, which says so.",
        name,
        severity="note",
    )


class _Enumerating(Handler):
    """Marks one site, and no other."""

    def __init__(self, name: str) -> None:
        self.name = name

    def handle(self, site: Site, outer: Outer) -> Site:
        """Mark the site."""
        if site.name == self.name:
            infer = {key: value for key, value in site.infer.items() if key != "num_samples"}
            site = site.replace(infer={**infer, "enumerate": "parallel"})
        return outer(site)


def _gap(name: str, subject: Subject, objective: EvidenceBound) -> float | None:
    """How much higher the bound is where the model sums the variable out, in nats; ``None`` if that cannot be told."""
    others = Trace()
    others.nodes = {
        each: site
        for each, site in subject.guide.nodes.items()
        if each != name and (site.kind == "plate" or (site.is_latent and enumerated_dim(site) is None))
    }
    model, guide = subject.programs["model"], _Enumerating(name)(Replay(others)(subject.programs["guide"]))

    def bound(guide: Program) -> tuple[float, list[Subject]]:
        value, pairs = objective.trial(model, guide, subject.args, subject.kwargs)
        return float(value), [Subject(pair.guide, pair.model) for pair in pairs]

    try:
        stated, pairs = bound(guide)
        if any(_depends(site, name) for pair in pairs for site in pair.guide.nodes.values()):
            return None
        summed, alone = bound(Block(lambda site: site.name == name)(guide))
        if any(True for pair in alone for _ in batch_problems(pair)):
            return None
    except (VirgilError, RuntimeError, ValueError):  # the sum is out of reach
        return None
    return summed - stated


def _depends(site: Site, name: str) -> bool:
    """True if a site's density differs by the value of another, enumerated one."""
    if site.kind != "sample" or site.name == name:
        return False
    shape = site.unscaled_log_prob.shape
    return any(variable == name and len(shape) >= -dim and shape[dim] > 1 for dim, variable in site.variables.items())
