"""``GuideMessenger``: a guide that takes the model's own run and gives each latent variable its posterior."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from torch import Tensor

from virgil.distributions import Delta
from virgil.infer.autoguide.messenger.auto_messenger import AutoMessenger
from virgil.poutine.block import Block
from virgil.poutine.messenger import Message
from virgil.poutine.site import Site
from virgil.poutine.subsample_sites import site_is_subsample
from virgil.pyro.poutine.trace_messenger import TraceMessenger
from virgil.pyro.poutine.trace_struct import Trace

__all__ = ["GuideMessenger"]


class GuideMessenger(TraceMessenger, ABC):
    """The base of guides that run the model, with a posterior in the place of each prior.

    A subclass says what the posterior of a variable is, by :meth:`get_posterior`. Calling the guide runs the model so;
    :meth:`get_traces` then gives the two traces of that run. Handlers outside see what a guide states: no observed and
    no deterministic sites.

    Args:
        model: the model.
    """

    stands_for = (AutoMessenger,)  # type: ignore[assignment]
    meets_itself = False  # a posterior may be stated by way of other variables, which have no posterior of their own

    def __init__(self, model: Callable[..., Any]) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple, so that a module that is the model is no part of a guide that is one

    @property
    def model(self) -> Callable[..., Any]:
        """The model."""
        return self._model[0]

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "trace"}

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:  # type: ignore[override]
        """Run the model with values of the posteriors.

        Returns:
            The values of latent, deterministic and observed sites, by name.
        """
        with Block(_is_of_model), self:
            self.model(*args, **kwargs)
        kinds = ("sample", "deterministic")
        return {name: site.value for name, site in self.trace.nodes.items() if site.kind in kinds}

    @abstractmethod
    def get_posterior(self, name: str, prior: Any) -> Any:
        """The posterior of a variable, or its value.

        It may state parameters, and variables marked ``infer={"is_auxiliary": True}``.

        Args:
            name: the variable's name.
            prior: its distribution in the model, given what came before it.
        """

    def upstream_value(self, name: str) -> Tensor | None:
        """The value of a site that came before.

        Raises:
            KeyError: there is none of this name.
        """
        value: Tensor | None = self.trace.nodes[name].value
        return value

    def _pyro_sample(self, msg: Message) -> None:
        if msg["is_observed"] or site_is_subsample(msg):
            return
        prior = msg["infer"]["prior"] = msg["fn"]
        with TraceMessenger() as inner:
            posterior = self.get_posterior(msg["name"], prior)
        for site in inner.trace.nodes.values():
            self.trace.add(site)
        if isinstance(posterior, Tensor):
            posterior = Delta(posterior, event_dim=len(prior.event_shape))
        msg["fn"] = posterior

    def get_traces(self) -> tuple[Trace, Trace]:
        """The trace of the model and that of the guide, of the last run.

        The model's has the priors and what is observed, the guide's the posteriors and its auxiliary variables.
        """
        model, guide = Trace(), Trace()
        for name, site in self.trace.nodes.items():
            if site.kind == "plate":
                continue
            if site.is_latent:
                guide.nodes[name] = site.copy()
                if site.infer.get("is_auxiliary"):
                    continue
                site = site.replace(fn=site.infer["prior"])
            model.nodes[name] = site
        return model, guide


def _is_of_model(site: Site) -> bool:
    """True for a statement of the model that is none of a guide."""
    return site.kind in ("sample", "deterministic") and not site.is_latent
