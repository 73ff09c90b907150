"""The statements of a program: ``sample``, ``param``, ``deterministic``, ``factor``, ``subsample``, ``module`` ...

``plate`` has a file of its own, ``poutine/plate.py``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.distributions import constraints

from virgil.distributions import Delta, Unit
from virgil.distributions.core.validation import is_validating
from virgil.errors import ArgumentError, FitWarning, ShapeError, a_kind, shown
from virgil.ops.broadcast import broadcasts_to
from virgil.ops.user_code import warn_user
from virgil.params import get_param_store
from virgil.poutine.frame import plates_shape
from virgil.poutine.mask import Mask
from virgil.poutine.plate import active_frames, plate
from virgil.poutine.runtime import emit
from virgil.poutine.site import Site

__all__ = [
    "barrier",
    "deterministic",
    "factor",
    "iarange",
    "irange",
    "module",
    "param",
    "plate_stack",
    "sample",
    "subsample",
    "subsample_parameter",
]

Module = TypeVar("Module", bound=nn.Module)


def _checked_name(statement: str, name: object) -> None:
    if not isinstance(name, str):
        raise ArgumentError(
            f"{statement}() got {shown(name)} as its name, {a_kind(type(name))}; the first argument is the site's "
            f"name, a string."
        )


def sample(
    name: str,
    fn: Any,
    *args: Any,
    obs: Any = None,
    obs_mask: Tensor | None = None,
    infer: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Draw a random variable, or observe one.

    Args:
        name: unique name of the site.
        fn: a distribution.
        *args: passed to ``fn`` when it draws.
        **kwargs: likewise.
        obs: the observed value; ``None`` for a latent variable.
        obs_mask: which slots of ``obs`` are observed, a bool tensor that broadcasts over the batch. The others are
            latent, under the name ``name + "_unobserved"``, which the guide must provide; the value is the two put
            together.
        infer: options for inference, such as ``{"enumerate": "parallel"}``.

    Returns:
        The value. Shape: ``(*plates, *event)``.

    Raises:
        ArgumentError: ``name`` is no string, ``fn`` no distribution, or ``obs`` nothing that makes a tensor.
        ShapeError: the distribution does not broadcast under the plates around it, or ``obs_mask`` over the batch.
    """
    _checked_name("sample", name)
    if not hasattr(fn, "log_prob") or isinstance(fn, type):
        raise ArgumentError(
            f"At site {name!r}, sample() got {shown(fn)}, which is no distribution. "
            'Pass one of virgil.distributions, as in sample("x", dist.Normal(0.0, 1.0)).'
        )
    if obs_mask is not None:
        return _partly_observed(name, fn, obs, obs_mask, infer)
    if obs is not None and not isinstance(obs, Tensor):
        obs = _as_data(name, obs)
    return emit(Site("sample", name, fn, args, kwargs, obs, obs is not None, infer)).value


def _as_data(name: str, obs: Any) -> Tensor:
    """The tensor of numbers, or of an array or list of them."""
    try:
        return torch.as_tensor(obs)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ArgumentError(
            f"At site {name!r}, obs is {shown(obs)}, which torch cannot make a tensor of: "
            f"{str(error).rstrip('.')}. Pass a tensor, or an array or list of numbers of equal lengths."
        ) from error


def _partly_observed(name: str, fn: Any, obs: Any, obs_mask: Tensor, infer: dict[str, Any] | None) -> Tensor:
    if not isinstance(obs_mask, Tensor) or obs_mask.dtype != torch.bool:
        raise ArgumentError(
            f"At site {name!r}, obs_mask is {shown(obs_mask)}; it must be a tensor of dtype torch.bool."
        )
    if obs is None:
        raise ArgumentError(f"At site {name!r}, obs_mask is given without obs. Give the data, or leave obs_mask out.")
    _check_obs_mask(name, fn, obs_mask)
    site = Site("sample", f"{name}_unobserved", fn, infer=infer)
    site.latent_slots = ~obs_mask
    with Mask(~obs_mask):
        unobserved: Tensor = emit(site).value
    with Mask(obs_mask):
        observed: Tensor = sample(f"{name}_observed", fn, obs=obs)
    event_dim = len(fn.event_shape)
    keep = obs_mask.reshape(obs_mask.shape + (1,) * event_dim)
    value = torch.where(keep, observed, unobserved)
    return deterministic(name, value, event_dim=event_dim)


def _check_obs_mask(name: str, fn: Any, obs_mask: Tensor) -> None:
    batch, mask = plates_shape(name, fn.batch_shape, active_frames()), tuple(obs_mask.shape)
    if broadcasts_to(mask, batch):
        return
    event = tuple(fn.event_shape)
    whole = (
        f" The distribution has events of shape {event}, and an event is observed whole or not at all: give one entry "
        "of obs_mask for each event, or state the parts of the event that may be missing as sites of their own."
        if event
        else ""
    )
    raise ShapeError(
        f"At site {name!r}, obs_mask has shape {mask}, which does not broadcast to the batch shape {tuple(batch)}; it "
        f"says of each slot of the batch if it is observed.{whole}",
        site=name,
    )


def param(
    name: str,
    init_tensor: Tensor | float | Callable[[], Tensor] | None = None,
    constraint: constraints.Constraint = constraints.real,
    event_dim: int | None = None,
) -> Tensor:
    """A learnable parameter of the store in use, made from ``init_tensor`` the first time.

    Args:
        name: unique name.
        init_tensor: the constrained initial value, or a function without arguments that makes it, called only when it
            is needed.
        constraint: where the value lives, one of ``virgil.distributions.constraints``.
        event_dim: how many dims on the right belong to one slot; inside a subsampling plate the dims left of them are
            cut to the mini-batch. Default: all dims, so that nothing is cut.

    Returns:
        The constrained value; ``.unconstrained()`` of it is the leaf that the optimiser changes.

    Raises:
        MissingParamError: no such parameter, and no initial value.
        ParamError: the initial value is outside the constraint, or the name is used already with another shape or
            constraint.

    Example:
        >>> import torch, virgil
        >>> from virgil.distributions import constraints
        >>> scale = virgil.param("scale", torch.ones(3), constraint=constraints.positive)
        >>> scale.unconstrained()
        tensor([0., 0., 0.], requires_grad=True)
    """
    _checked_name("param", name)
    store = get_param_store()
    if isinstance(init_tensor, (int, float)):
        init_tensor = torch.tensor(float(init_tensor))
    value: Tensor = emit(Site("param", name, store.get_param, (name, init_tensor, constraint, event_dim))).value
    return value if event_dim is None else subsample_parameter(value, event_dim)


def subsample_parameter(value: Tensor, event_dim: int) -> Tensor:
    """Cut a parameter's value of a plate's full size to the plate's mini-batch; its leaf stays known."""
    cut = subsample(value, event_dim)
    if cut is not value and hasattr(value, "unconstrained"):
        cut.unconstrained = value.unconstrained  # type: ignore[attr-defined]
    return cut


def deterministic(name: str, value: Tensor, event_dim: int | None = None) -> Tensor:
    """Record a value that follows from others, under a name.

    Args:
        name: unique name of the site.
        value: the value.
        event_dim: how many dims on the right are one event. Default: all.
    """
    _checked_name("deterministic", name)
    if event_dim is None:
        event_dim = value.dim()
    fn = Delta(value, event_dim=event_dim).mask(False)
    infer = {"_deterministic": True}  # for handlers of programs, whose hooks tell it from observations so
    result: Tensor = emit(Site("deterministic", name, fn, value=value, observed=True, infer=infer)).value
    return result


def factor(name: str, log_factor: Tensor | float, *, has_rsample: bool | None = None) -> None:
    """Add ``log_factor`` to the log-probability of the program.

    Args:
        name: unique name of the site.
        log_factor: nats. Shape: ``(*plates,)``.
        has_rsample: in a guide, whether ``log_factor`` is a differentiable function of the parameters alone. A factor
            in a guide needs it.
    """
    _checked_name("factor", name)
    if not isinstance(log_factor, Tensor):
        log_factor = torch.tensor(float(log_factor))
    fn = Unit(log_factor) if has_rsample is None else Unit(log_factor, has_rsample=has_rsample)
    infer = {"is_auxiliary": True}
    emit(Site("sample", name, fn, value=torch.empty(fn.shape()), observed=has_rsample is None, infer=infer))


def subsample(data: Tensor, event_dim: int) -> Tensor:
    """Cut data of a plate's full size to the plate's mini-batch.

    Args:
        data: whole data. Shape: ``(*plates at full size, *event)``.
        event_dim: how many dims on the right are one event.

    Returns:
        The mini-batch; ``data`` itself outside of subsampling plates. Shape: ``(*plates, *event)``.
    """
    if not isinstance(event_dim, int) or event_dim < 0:
        raise ArgumentError(f"subsample() got event_dim={shown(event_dim)}; it takes a whole number, 0 or more.")
    result: Tensor = emit(Site("subsample", "_SUBSAMPLE", args=(event_dim,), value=data)).value
    return result


def module(name: str, nn_module: Module, update_module_params: bool = False) -> Module:
    """Register a network's parameters in the store in use, so that they are learnt.

    Each parameter becomes the store's ``name + "$$$" + its own name``; store and network hold the same tensor. Values
    that were loaded into the store and wait there under these names are copied into the network. Frozen parameters,
    those with ``requires_grad=False``, stay out of the store and stay as they are.

    Args:
        name: unique name.
        nn_module: the network.
        update_module_params: accepted for the sake of existing programs; the network is always up to date.

    Returns:
        ``nn_module`` itself.
    """
    _checked_name("module", name)
    if not isinstance(nn_module, nn.Module):
        raise ArgumentError(f"module({name!r}) got {shown(nn_module)}; it takes a torch.nn.Module.")
    store = get_param_store()

    def bind(full_name: str, leaf: Tensor) -> Tensor:
        store.bind(full_name, leaf)
        return store[full_name]

    leaves = dict(nn_module.named_parameters())
    if leaves and nn_module.training and not any(leaf.requires_grad for leaf in leaves.values()) and is_validating():
        warn_user(
            f"module({name!r}) got {a_kind(type(nn_module))} all of whose parameters have requires_grad=False: they "
            "stay as they are, and nothing of it is learnt. If that is meant, say so by its .eval(); else call its "
            ".requires_grad_().",
            FitWarning,
        )
    for param_name, leaf in leaves.items():
        if leaf.requires_grad:
            full_name = f"{name}$$${param_name}"
            emit(Site("param", full_name, bind, (full_name, leaf)))
    return nn_module


@contextmanager
def plate_stack(prefix: str, sizes: Sequence[int], rightmost_dim: int = -1) -> Iterator[None]:
    """Enter one plate for each of ``sizes``, named ``prefix_0``, ``prefix_1``, ...; the last at ``rightmost_dim``."""
    if rightmost_dim >= 0:
        raise ArgumentError(
            f"plate_stack() got rightmost_dim={rightmost_dim}; a dim counts from the right and is negative."
        )
    with ExitStack() as stack:
        for position, size in enumerate(reversed(sizes)):
            stack.enter_context(plate(f"{prefix}_{len(sizes) - 1 - position}", size, dim=rightmost_dim - position))
        yield


def barrier(data: Any) -> Any:
    """Mark a point past which nothing may be delayed; values here are never delayed, so it returns ``data``."""
    return data


# The names that these statements had before 2018


def iarange(name: str, size: int | None = None, *args: Any, **kwargs: Any) -> plate:
    """``plate``, by its former name.

    Deprecated: write ``plate``.
    """
    warnings.warn("iarange is the former name of plate. Write plate instead.", DeprecationWarning, stacklevel=2)
    return plate(name, size, *args, **kwargs)


def irange(name: str, size: int, *args: Any, **kwargs: Any) -> plate:
    """``plate``, by its former name for iteration.

    Deprecated: write ``plate``.
    """
    warnings.warn("irange is the former name of plate. Write plate instead.", DeprecationWarning, stacklevel=2)
    return plate(name, size, *args, **kwargs)
