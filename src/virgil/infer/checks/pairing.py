"""Whether the guide has the model's latent sites, and no others."""

from __future__ import annotations

from virgil.errors import MismatchError, did_you_mean
from virgil.poutine.enumeration import enumerated_dim
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["check_pairing", "check_stated", "is_auxiliary"]


def is_auxiliary(site: Site) -> bool:
    """Whether a guide's site is declared to be of the guide alone."""
    return bool(site.infer.get("is_auxiliary"))


def check_pairing(guide: Trace, model: Trace) -> None:
    """Check site by site that both programs state the same latent variables.

    Raises:
        MismatchError: an observed site in the guide, a latent site that only one of the two has, or one that the model
            observes.
    """
    in_guide = {name: site for name, site in guide.nodes.items() if site.kind == "sample"}
    in_model = {name: site for name, site in model.nodes.items() if site.kind == "sample"}
    for name, site in in_guide.items():
        _check_guide_site(name, site, in_guide, in_model)
    missing = [
        name
        for name, site in in_model.items()
        if not site.observed and name not in in_guide and enumerated_dim(site) is None
    ]
    if missing:
        message = _missing(missing[0], in_model[missing[0]], in_guide, in_model)
        others = ", ".join(map(repr, missing[1:]))
        raise MismatchError(f"{message} Missing as well: {others}." if others else message)


def check_stated(guide: Trace) -> None:
    """Check that the guide states latent variables only, whatever the model says.

    Raises:
        MismatchError: an observed site, or a factor that does not say how its gradient is taken.
    """
    for name, site in guide.nodes.items():
        if site.kind == "sample":
            _check_unobserved(name, site)


def _check_unobserved(name: str, site: Site) -> None:
    if site.observed and site.infer.get("_factor"):
        raise MismatchError(
            f"Factor {name!r} is in the guide without has_rsample. Whether its value follows the parameters by a "
            f"pathwise derivative decides the gradient. Write virgil.factor({name!r}, ..., has_rsample=True) if it is "
            "a differentiable function of the parameters and of pathwise draws, and has_rsample=False if it is not."
        )
    if site.observed and not is_auxiliary(site):
        raise MismatchError(
            f"Site {name!r} is observed in the guide. A guide is a distribution over the latent variables and sees "
            "data only through its arguments; take the obs= away, or the whole statement."
        )


def _check_guide_site(name: str, site: Site, in_guide: dict[str, Site], in_model: dict[str, Site]) -> None:
    _check_unobserved(name, site)
    if is_auxiliary(site):
        return
    counterpart = in_model.get(name)
    if counterpart is None:
        for each, other in in_model.items():
            if other.block is not None and name in other.block.names(each):
                raise MismatchError(
                    f"Site {name!r} is in the guide, but in the model it is part of {each!r}: a vectorized_markov "
                    "states many steps at once, to sum their variables out. Leave these out of the guide, or write "
                    "virgil.markov in the model."
                )
        free = [each for each, other in in_model.items() if each not in in_guide and not other.observed]
        raise MismatchError(
            f"Site {name!r} is in the guide but not in the model. {did_you_mean(name, free or in_model)} "
            'Use the model\'s name, or mark a variable of the guide alone by infer={"is_auxiliary": True}.'
        )
    if counterpart.observed:
        raise MismatchError(
            f"Site {name!r} is observed in the model, but the guide samples it. A guide has the latent variables only; "
            "take the statement out of the guide."
        )


def _missing(name: str, site: Site, in_guide: dict[str, Site], in_model: dict[str, Site]) -> str:
    if site.infer.get("enumerate") == "sequential" and getattr(site.fn, "has_enumerate_support", False):
        return (
            f"Site {name!r} is marked to be enumerated sequentially in the model, but missing in the guide. A model's "
            "variables are summed out in parallel only: mark it by infer={'enumerate': 'parallel'}, or state it in the "
            "guide and mark it there."
        )
    free = [each for each in in_guide if each not in in_model]
    hint = f" {did_you_mean(name, free)}" if free else ""
    message = (
        f"Site {name!r} is latent in the model, {type(site.fn).__name__} of batch shape {tuple(site.fn.batch_shape)} "
        f"and event shape {tuple(site.fn.event_shape)}, but missing in the guide.{hint} Add virgil.sample({name!r}, "
        "...) to the guide, or observe it by obs=."
    )
    if not in_guide:
        message += " The guide has no sample site at all."
    if getattr(site.fn, "has_enumerate_support", False):
        message += " TraceEnum_ELBO sums a discrete variable out where the model is marked by config_enumerate."
    return message
