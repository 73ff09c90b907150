"""``AutoMessenger``: the base of guides that run the model, with a posterior in the place of each prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor

from virgil.distributions import constraints
from virgil.errors import ArgumentError, shown
from virgil.infer.autoguide.core.drawn import DrawnQuantiles
from virgil.infer.autoguide.core.latent import at_full_size, check_continuous
from virgil.infer.autoguide.core.parameters import SiteParameters
from virgil.infer.autoguide.core.prototype import find_prototype
from virgil.infer.autoguide.messenger.posteriors import Posteriors
from virgil.infer.density.bijection import Bijection, find_bijection
from virgil.infer.density.dry_run import dry_run
from virgil.infer.density.initialization import InitFn, init_to_feasible, init_to_mean
from virgil.nn.call import isolated
from virgil.nn.parameter import emit_parameter
from virgil.params import get_param_store
from virgil.params.constraint import Constraint
from virgil.poutine.block import Block
from virgil.poutine.replay import Replay
from virgil.poutine.site import Site
from virgil.poutine.trace import Trace

__all__ = ["AT_THE_MEAN", "AutoMessenger", "positive_parameters"]

AT_THE_MEAN: InitFn = init_to_mean(fallback=init_to_feasible)


class AutoMessenger(DrawnQuantiles):
    """A guide that runs the model itself: each latent variable is stated with a posterior in the place of its prior.

    A subclass defines :meth:`get_posterior`, which is given the prior *in this run*: its parameters, its support and
    its mini-batch follow from the values of the variables before it. The posterior may be computed from them, and
    variables that move each other's support need no care. The statement keeps its plates, and the ``poutine.scale`` and
    ``poutine.mask`` that the model puts around it. Observed and deterministic statements stay inside the guide.

    What the guide needs of the model's arguments, the model takes: it runs as a whole, likelihood included.

    Args:
        model: the generative program.
        amortized_plates: names of plates whose slots share their parameters, so that a guide fits plates of any size.

    Attributes:
        trace: the sites of the last call, those of the model that stay inside included; ``None`` before the first one.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> from virgil.infer.autoguide import AutoMessenger
        >>> def model():
        ...     a = virgil.sample("a", dist.Normal(0.0, 1.0))
        ...     virgil.sample("b", dist.Normal(a, 1.0))
        >>> class Shifted(AutoMessenger):
        ...     def get_posterior(self, name, prior):
        ...         shift = virgil.param(f"shift_{name}", torch.tensor(1.0))
        ...         return dist.Normal(prior.loc + shift, 0.1)
        >>> list(Shifted(model)())
        ['a', 'b']
    """

    def __init__(
        self,
        model: Callable[..., Any],
        *,
        init_loc_fn: InitFn = init_to_feasible,
        amortized_plates: Sequence[str] = (),
    ) -> None:
        super().__init__(model, init_loc_fn=init_loc_fn)
        if isinstance(amortized_plates, str) or not all(isinstance(each, str) for each in amortized_plates):
            raise ArgumentError(
                f"{type(self).__name__} got amortized_plates={shown(amortized_plates)}; it takes a tuple of names of "
                "plates, such as ('data',)."
            )
        self.amortized_plates = tuple(amortized_plates)
        self.trace: Trace | None = None
        self._run: tuple[Posteriors, Site] | None = None  # the run under way, and the site whose posterior is asked for
        self._initial: dict[str, Tensor] = {}
        self._is_median = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "trace": None, "_run": None}

    # What a subclass says, and may ask

    def get_posterior(self, name: str, prior: Any) -> Any:
        """The posterior of a latent variable, or its value.

        It may state parameters, and variables marked ``infer={"is_auxiliary": True}``; they stand in the plates around
        the statement.

        Args:
            name: the variable's name.
            prior: its distribution in the model, given the values before it. Shape: batch ``(*plates)``.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what posteriors it has, by get_posterior().")

    def upstream_value(self, name: str) -> Tensor | None:
        """The value of a latent, deterministic or observed site of this run that came before.

        Raises:
            KeyError: there is none of this name.
        """
        value: Tensor | None = self._sites[name].value
        return value

    @property
    def args_kwargs(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of this run."""
        given = self._sites["_INPUT"]
        return given.args, given.kwargs

    @property
    def _sites(self) -> dict[str, Site]:
        return {} if self.trace is None else self.trace.nodes

    # The first call

    def _setup_prototype(self, *args: Any, **kwargs: Any) -> None:
        prototype, values = find_prototype(self.model, self.init_loc_fn, self._seed[0], args, kwargs)
        self._initial = values
        with dry_run(), torch.no_grad(), Block(lambda site: True), isolated(), Replay(prototype):
            self._run_model(args, kwargs)
        self._initial = {}
        self.prototype_trace = prototype

    # Each call

    def forward(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        """Run the model with the posteriors.

        Returns:
            The value of each latent variable, by name. Shape: ``(*plates, *event)``.
        """
        self._ensure_setup(args, kwargs)
        trace = self._run_model(args, kwargs)
        return {name: site.value for name, site in trace.nodes.items() if self._is_returned(site)}

    @staticmethod
    def _is_returned(site: Site) -> bool:
        return site.is_latent and not site.infer.get("is_auxiliary")

    def _run_model(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Trace:
        trace = Trace()
        trace.nodes["_INPUT"] = Site("args", "_INPUT", args=args, kwargs=kwargs)

        def posterior_of(site: Site) -> Any:
            self.__dict__["_run"] = posteriors, site
            return self.get_posterior(site.name, site.fn)

        posteriors = Posteriors(posterior_of, trace)
        self.__dict__["trace"] = trace
        try:
            with posteriors:
                self.model(*args, **kwargs)
        finally:
            self.__dict__["_run"] = None
        return trace

    def get_traces(self) -> tuple[Trace, Trace]:
        """The model's trace and the guide's, of the last call: of one run, in which both have the same values.

        The model's has the priors and what is observed, the guide's the posteriors and its auxiliary variables.
        """
        model, guide = Trace(), Trace()
        for name, site in self._sites.items():
            if site.kind in ("plate", "args"):
                continue
            if site.is_latent:
                guide.nodes[name] = site.copy()
                if site.infer.get("is_auxiliary"):
                    continue
                site = site.replace(fn=site.infer["prior"])
            model.nodes[name] = site
        return model, guide

    # Parameters by site, for families

    def _bijection(self, name: str, prior: Any) -> Bijection:
        """The bijection onto the support that the prior has in this run."""
        check_continuous(Site("sample", name, prior))
        return find_bijection(name, prior, lambda bound: bound)

    def _initial_value(self, name: str, prior: Any) -> Tensor:
        """Where a variable begins, constrained, in the slots of this run."""
        known = self._initial.get(name)
        return self.init_loc_fn(Site("sample", name, prior)) if known is None else known

    def _over_plates(self, tensor: Tensor, event_dim: int) -> Tensor:
        """A tensor for the slots of this run as one for all slots, and one slot of each amortised plate: the mean."""
        if self._run is None:
            raise ArgumentError(f"{type(self).__name__} has no parameters before its first call. Call it once.")
        site = self._run[1]
        shared = [frame for frame in site.frames if frame.dim is not None and frame.name in self.amortized_plates]
        for frame in shared:
            dim = (frame.dim or 0) - event_dim
            if tensor.dim() >= -dim:
                tensor = tensor.mean(dim, keepdim=True)
        own = tuple(frame for frame in site.frames if frame not in shared)
        tensor = at_full_size(site.replace(frames=own), tensor, event_dim)
        while shared and tensor.dim() > event_dim and tensor.shape[0] == 1:
            tensor = tensor[0]
        return tensor

    def _parameter(
        self, group: str, name: str, event_dim: int, initial: Callable[[], Tensor], constraint: Constraint | None = None
    ) -> Tensor:
        """The value of a site's parameter in the slots of this run, made if it is new.

        Args:
            group: the attribute that has the parameters of this kind.
            name: the site's.
            event_dim: dims right of the plates'.
            initial: its initial value, for the slots of this run.
            constraint: that of the group if it is not given.
        """
        parameters: SiteParameters = getattr(self, group)
        if name not in parameters.constraints or name not in parameters._parameters:
            with torch.no_grad():
                parameters.add(name, self._over_plates(initial(), event_dim), constraint)
        leaf, constraint = cast(Tensor, parameters._parameters[name]), parameters.constraints[name]
        value = emit_parameter(get_param_store(), self._parameter_name(group, name), leaf, constraint)
        if self._run is None:  # asked outside of a call, for all slots
            return value
        posteriors, site = self._run
        return posteriors.cut(value, site, event_dim)

    def _parameter_name(self, group: str, name: str) -> str:
        """The name of a parameter in the store."""
        return f"{self._pyro_name}.{group}.{name}"

    # What is asked after a fit

    @torch.no_grad()
    def _medians(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Tensor]:
        """The values of a run in which each variable has its posterior's median, given those before it."""
        self._ensure_setup(args, kwargs)
        self.__dict__["_is_median"] = True
        try:
            with Block(lambda site: True):
                return {name: value.clone() for name, value in self.forward(*args, **kwargs).items()}
        finally:
            self.__dict__["_is_median"] = False


def positive_parameters() -> SiteParameters:
    """Parameters by site that are positive, by their logarithms."""
    return SiteParameters(constraints.positive)
