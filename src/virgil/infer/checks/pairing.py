"""Check that the guide states the model's latent sites, and no others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from virgil import settings
from virgil.errors import did_you_mean, shown
from virgil.infer.checks.finding import EvidenceBound, Finding, Subject
from virgil.infer.checks.signature import arguments_of_none
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.reparam import restatement
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["is_auxiliary", "pairing_problems", "sampled_sites", "stated_problems"]

Sites = Mapping[str, Site]

_WAYS = (None, "parallel", "sequential")
_DRAWN = "It is drawn from the model's own distribution, as by a guide that states it so: log p and -log q cancel."


def is_auxiliary(site: Site) -> bool:
    """True if a guide's site is declared to be of the guide alone."""
    return bool(site.infer.get("is_auxiliary"))


def sampled_sites(trace: Trace) -> dict[str, Site]:
    """The sample sites, latent and observed, by name."""
    return {name: site for name, site in trace.nodes.items() if site.kind == "sample"}


def pairing_problems(subject: Subject) -> Iterator[Finding]:
    """Findings about sites that the guide observes, that only one program has as latent, or that the model observes."""
    in_guide, in_model = sampled_sites(subject.guide), sampled_sites(subject.model)
    for name, site in in_model.items():
        yield from _mark_problems(name, site, subject.objective)
    for name, site in in_guide.items():
        yield from _observed_in_guide(name, site)
        if not site.observed and not is_auxiliary(site):
            yield from _guide_site_problems(name, in_guide, in_model, subject.failed is not None)
    if subject.failed == "guide":
        return
    missing = [
        _missing(name, site, in_guide, subject)
        for name, site in in_model.items()
        if not site.observed and name not in in_guide and not _is_summed_out(site, subject)
    ]
    if others := ", ".join(repr(problem.site) for problem in missing[1:]):
        first = missing[0]
        cure, otherwise = (f"{each} Missing as well: {others}." for each in (first.cure, first.otherwise))
        missing[0] = replace(first, cure=cure, otherwise=otherwise)
    yield from missing if settings.get("mismatch") == "error" else missing[:1]


def _is_summed_out(site: Site, subject: Subject) -> bool:
    """True if the objective sums over the site's values; a program that fails fails before they stand in the trace."""
    if subject.failed is None or subject.objective is None or not subject.objective.enumerates:
        return enumerated_dim(site) is not None
    return site.infer.get("enumerate") == "parallel" and getattr(site.fn, "has_enumerate_support", False)


def stated_problems(subject: Subject) -> Iterator[Finding]:
    """Findings about statements that no guide may make: observations, and factors of unknown gradient."""
    for name, site in sampled_sites(subject.guide).items():
        yield from _observed_in_guide(name, site)


def _observed_in_guide(name: str, site: Site) -> Iterator[Finding]:
    if site.observed and site.is_factor:
        yield Finding(
            f"Factor {name!r} is in the guide without has_rsample. Whether its value follows the parameters by a "
            "pathwise derivative decides the gradient.",
            f"Write virgil.factor({name!r}, ..., has_rsample=True) if it is a differentiable function of the "
            "parameters and of pathwise draws, and has_rsample=False if it is not.",
            name,
        )
    elif site.observed and not is_auxiliary(site):
        yield Finding(
            f"Site {name!r} is observed in the guide. A guide is a distribution over the latent variables and sees "
            "data only through its arguments;",
            "take the obs= away, or the whole statement.",
            name,
        )


def _guide_site_problems(name: str, in_guide: Sites, in_model: Sites, is_partial: bool) -> Iterator[Finding]:
    counterpart = in_model.get(name)
    if counterpart is None:
        if not is_partial:
            yield _unknown(name, in_guide, in_model)
    elif (note := restatement(counterpart)) is not None and note.is_function:
        via = ", ".join(repr(each) for each in note.via) or "no variable of the guide"
        yield Finding(
            f"Site {name!r} is in the guide, but the model states it by way of {via}: {note.by} has restated it.",
            f"Write a statement of {via} in its place, or make the guide from the program under poutine.reparam.",
            name,
            otherwise="the guide's draw is a variable of the guide alone, whose -log q counts.",
        )
    elif counterpart.observed:
        yield Finding(
            f"Site {name!r} is observed in the model, but the guide samples it. A guide has the latent variables only;",
            "take the statement out of the guide.",
            name,
            otherwise="the model keeps its data, and the guide's draw is a variable of the guide alone, "
            "whose -log q counts.",
        )


def _unknown(name: str, in_guide: Sites, in_model: Sites) -> Finding:
    for each, other in in_model.items():
        if other.block is not None and name in other.block.names(each):
            return Finding(
                f"Site {name!r} is in the guide, but in the model it is part of {each!r}: a vectorized_markov "
                "states many steps at once, to sum their variables out.",
                "Leave these out of the guide, or write virgil.markov in the model.",
                name,
            )
    free = [each for each, other in in_model.items() if each not in in_guide and not other.observed]
    return Finding(
        f"Site {name!r} is in the guide but not in the model. {did_you_mean(name, free or in_model)}",
        'Use the model\'s name, or mark a variable of the guide alone by infer={"is_auxiliary": True}.',
        name,
        otherwise="It is taken as a variable of the guide alone, as if marked is_auxiliary: its -log q counts.",
    )


def _mark_problems(name: str, site: Site, objective: EvidenceBound | None) -> Iterator[Finding]:
    way = site.infer.get("enumerate")
    if site.is_latent and way not in _WAYS and objective is not None and objective.enumerates:
        yield Finding(
            f"Site {name!r} is marked by infer={{'enumerate': {shown(way)}}}, which is no way to enumerate.",
            "Write 'parallel' or 'sequential', or None for not at all.",
            name,
        )


def _missing(name: str, site: Site, in_guide: Sites, subject: Subject) -> Finding:
    if site.infer.get("enumerate") == "sequential" and getattr(site.fn, "has_enumerate_support", False):
        return Finding(
            f"Site {name!r} is marked to be enumerated sequentially in the model, but missing in the guide. A model's "
            "variables are summed out in parallel only:",
            "mark it by infer={'enumerate': 'parallel'}, or state it in the guide and mark it there.",
            name,
            otherwise=_DRAWN,
        )
    free = [each for each in in_guide if each not in subject.model.nodes]
    hint = f" {did_you_mean(name, free)}" if free else ""
    cause = (
        f"Site {name!r} is latent in the model, {type(site.fn).__name__} of batch shape {tuple(site.fn.batch_shape)} "
        f"and event shape {tuple(site.fn.event_shape)}, but missing in the guide.{hint}"
    )
    cure = f"Add virgil.sample({name!r}, ...) to the guide, or observe it by obs=."
    if not in_guide:
        cure += " The guide has no sample site at all."
    cure += _of_no_data(subject, name)
    if getattr(site.fn, "has_enumerate_support", False):
        if site.infer.get("enumerate") == "parallel" and subject.objective is not None:
            cause += f" It is marked to be enumerated, but {type(subject.objective).__name__} does not enumerate."
        cure += " TraceEnum_ELBO sums a discrete variable out where the model is marked by config_enumerate."
    return Finding(cause, cure, name, otherwise=_DRAWN)


def _of_no_data(subject: Subject, name: str) -> str:
    """A sentence for a model whose data may not have been passed."""
    empty = " and ".join(map(repr, arguments_of_none(subject, "model")))
    return f" The model was called with None for {empty}: if {name!r} has obs=, obs=None makes it latent." * bool(empty)
