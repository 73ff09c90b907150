"""The rows of a report: one a site, with what each program says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from virgil.explain.distribution import family, support_words
from virgil.infer.checks.finding import Subject
from virgil.infer.checks.pairing import is_auxiliary
from virgil.infer.density.chains import step_names
from virgil.infer.elbo.branches import is_chosen
from virgil.poutine.enumeration import draws, enumerated_dim
from virgil.poutine.reparam import is_restated
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["PlateRow", "Row", "Statement", "plate_rows", "rows_of"]

_STATED = ("sample", "deterministic")


@dataclass(frozen=True)
class Statement:
    """One program's statement of a site.

    Attributes:
        distribution: its family; empty where nothing is random.
        batch: the batch shape under the plates, without dims of enumeration.
        event: the event shape.
        value: the shape of the value.
        support: of one entry, in few words.
        plates: their names, outermost first.
    """

    distribution: str
    batch: tuple[int, ...]
    event: tuple[int, ...]
    value: tuple[int, ...]
    support: str
    plates: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One site.

    Attributes:
        site: its name.
        role: what it is to the objective, as in ``"sampled in the guide"``; ``Report.sentences`` say what each means.
        model: what the model states.
        guide: what the guide states.
    """

    site: str
    role: str
    model: Statement | None
    guide: Statement | None


@dataclass(frozen=True)
class PlateRow:
    """One plate.

    Attributes:
        name: its name.
        dim: the batch dim it occupies; ``None`` where it is iterated, or no site is in it.
        size: its full size.
        subsample_size: the size of the mini-batch.
        programs: those that have it, of ``"model"`` and ``"guide"``.
    """

    name: str
    dim: int | None
    size: int
    subsample_size: int
    programs: tuple[str, ...]


def rows_of(drawn: Subject, run: Subject, hidden: list[Site]) -> list[Row]:
    """A row for each site: the model's in order of execution, then those that only the guide has, then hidden ones.

    Args:
        drawn: an execution with one value at each site.
        run: one as the objective has it, with enumerated sites.
        hidden: what the model states behind a ``block``.
    """
    in_model, in_guide = _stated(drawn.model), _stated(drawn.guide)
    enumerated = {role: _enumerated(trace) for role, trace in (("model", run.model), ("guide", run.guide))}
    names = [*in_model, *(name for name in in_guide if name not in in_model)]
    rows = []
    for name in names:
        model, guide = in_model.get(name), in_guide.get(name)
        role = _role(name, model, guide, enumerated, run.failed)
        rows.append(Row(name, role, _statement(model), _statement(guide)))
    unseen = {site.name: site for site in hidden if site.is_latent and site.name not in names}
    return rows + [Row(name, "hidden", _statement(site), None) for name, site in unseen.items()]


def plate_rows(drawn: Subject) -> list[PlateRow]:
    """A row for each plate that some site is in, or that a program has made."""
    found: dict[str, PlateRow] = {}
    for role, trace in (("model", drawn.model), ("guide", drawn.guide)):
        for row in _plates(trace, role):
            known = found.get(row.name, row)
            programs = tuple(dict.fromkeys((*known.programs, role)))
            found[row.name] = PlateRow(row.name, known.dim, known.size, known.subsample_size, programs)
    return list(found.values())


def _plates(trace: Trace, role: str) -> Iterator[PlateRow]:
    entered = set()
    for site in trace.nodes.values():
        for frame in site.frames:
            entered.add(frame.name)
            yield PlateRow(frame.name, frame.dim, frame.full_size, frame.size, (role,))
    for name, site in trace.nodes.items():
        if site.kind == "plate" and name not in entered:
            yield PlateRow(name, site.fn.dim, site.fn.size, len(site.value), (role,))


def _stated(trace: Trace) -> dict[str, Site]:
    return {name: site for name, site in trace.nodes.items() if site.kind in _STATED}


def _enumerated(trace: Trace) -> dict[str, Site]:
    """The enumerated sites, by the name that each step of theirs has where it is stated alone."""
    sites = [site for site in trace.nodes.values() if site.kind == "sample" and enumerated_dim(site) is not None]
    return {name: site for site in sites for name in step_names(site)}


def _statement(site: Site | None) -> Statement | None:
    if site is None:
        return None
    is_random = site.kind == "sample" and not site.is_factor
    return Statement(
        family(site.fn) if is_random else "",
        tuple(site.fn.batch_shape),
        () if site.is_factor else tuple(site.fn.event_shape),
        tuple(site.value.shape) if isinstance(site.value, Tensor) else (),
        support_words(site.fn) if is_random else "",
        tuple(dict.fromkeys(frame.name for frame in site.frames)),
    )


def _role(
    name: str, model: Site | None, guide: Site | None, enumerated: dict[str, dict[str, Site]], failed: str | None
) -> str:
    if guide is None and model is not None:
        return _of_model_alone(name, model, enumerated["model"], failed)
    if model is None and guide is not None:
        return _of_guide_alone(guide, failed)
    if model is None or guide is None:  # not reached: a name comes from one of the two
        return ""
    if "deterministic" in (model.kind, guide.kind):
        return "deterministic"
    if guide.observed:
        return "observed in the guide"
    if model.observed:
        return "sampled though observed"
    return _of_both(name, guide, enumerated["guide"])


def _of_model_alone(name: str, site: Site, enumerated: dict[str, Site], failed: str | None) -> str:
    if site.kind == "deterministic":
        return "deterministic"
    if site.is_factor:
        return "factor"
    if is_restated(site):
        return "restated"
    if site.observed:
        return "observed"
    if name in enumerated:
        return "summed out"
    if failed is not None and (failed == "guide" or site.infer.get("enumerate") is not None):
        return "latent"
    return "missing in the guide"


def _of_guide_alone(site: Site, failed: str | None) -> str:
    if site.kind == "deterministic":
        return "deterministic"
    if site.is_factor:
        return "factor"
    if is_auxiliary(site):
        return "auxiliary"
    if site.observed:
        return "observed in the guide"
    return "stated in the guide" if failed is not None else "only in the guide"


def _of_both(name: str, guide: Site, enumerated: dict[str, Site]) -> str:
    if name in enumerated:
        return "enumerated in the guide" if draws(enumerated[name]) is None else "several draws"
    if is_chosen(guide):
        return "enumerated in the guide"
    return "point estimate" if family(guide.fn) == "Delta" else "sampled in the guide"
