"""Check that parameters and guides get gradients, by autograd's graph; nothing is differentiated."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from virgil.infer.checks.finding import Finding, Program, Subject
from virgil.infer.checks.pairing import is_auxiliary
from virgil.infer.density.read_parameters import ReadParameters, leaf_of
from virgil.ops.gradient_graph import leaves_behind
from virgil.ops.trees import tree_leaves
from virgil.params import get_param_store
from virgil.poutine.runtime import Handled, installed
from virgil.poutine.trace import Trace

__all__ = ["fixed_problems", "learning_problems"]

Leaves = dict[int, Tensor]  # by identity
_MODULE = "$$$"  # between a network's name and those of its parameters


def learning_problems(subject: Subject) -> Iterator[Finding]:
    """Findings about what an optimiser would not, or could not, learn; none where no optimiser asks.

    An error is a draw that has a pathwise derivative but was made without it, since the gradient is then biased. The
    rest are warnings: a program may well mean to learn less.
    """
    if subject.failed is not None or not _learns():
        return
    behind = {role: _leaves_behind(trace) for role, trace in (("guide", subject.guide), ("model", subject.model))}
    reached = behind["guide"] | behind["model"]
    parameters = _parameters(subject.guide) | _parameters(subject.model)
    yield from _cut_draws(subject.guide)
    yield from _without_gradient(parameters, reached)
    for leaf in _strangers(subject, parameters, reached):
        yield _stranger(leaf, subject.programs)


def fixed_problems(subject: Subject) -> Iterator[Finding]:
    """A guide that no step changes, which is right where it is exact or is only to be evaluated."""
    latent = [name for name, site in subject.guide.iter_stochastic_nodes() if not is_auxiliary(site)]
    if latent and subject.failed is None and not _parameters(subject.guide) and not _leaves_behind(subject.guide):
        model = "" if _parameters(subject.model) else ", and neither has the model"
        yield Finding(
            f"The guide has no parameter{model}: it draws {latent[0]!r} from a distribution that no step changes.",
            "Make what the guide is to learn by virgil.param, register a network by virgil.module, or use one of "
            "virgil.infer.autoguide.",
            latent[0],
            severity="note",
        )


def _learns() -> bool:
    """True if somebody takes note of the parameters that are read, with gradients on."""
    return torch.is_grad_enabled() and any(isinstance(each, ReadParameters) for each in installed())


def _parameters(trace: Trace) -> dict[str, Tensor]:
    """The leaves of the parameters that were read, except those that are held fixed."""
    sites = ((name, site) for name, site in trace.nodes.items() if site.kind == "param")
    leaves = ((name, leaf_of(site)) for name, site in sites)
    return {name: leaf for name, leaf in leaves if leaf is not None and leaf.requires_grad}


def _leaves_behind(trace: Trace) -> Leaves:
    """The leaves from which values and log-probabilities of sample sites are computed."""
    sites = [site for site in trace.nodes.values() if site.kind == "sample"]
    tensors = [each for site in sites for each in (site.value, site.unscaled_log_prob, site.scale)]
    return leaves_behind(each for each in tensors if isinstance(each, Tensor))


def _cut_draws(guide: Trace) -> Iterator[Finding]:
    for name, site in guide.iter_stochastic_nodes():
        is_learnt = site.fn.has_rsample and site.unscaled_log_prob.requires_grad
        if is_learnt and isinstance(site.value, Tensor) and site.value.numel() and not site.value.requires_grad:
            yield Finding(
                f"At site {name!r}, the guide's {type(site.fn).__name__} has parameters and a pathwise derivative, but "
                "its draw carries no gradient, so that the gradient of the bound would be wrong.",
                "Take the statement out of torch.no_grad(), and let a distribution of your own draw by rsample.",
                name,
            )


def _without_gradient(parameters: dict[str, Tensor], reached: Leaves) -> Iterator[Finding]:
    """Parameters that nothing depends on; of a network only if that is so of all that it has."""
    used = {name.partition(_MODULE)[0] for name, leaf in parameters.items() if id(leaf) in reached}
    silent: dict[str, list[str]] = {}
    for name, leaf in parameters.items():
        owner = name.partition(_MODULE)[0]
        if id(leaf) not in reached and owner not in used:
            silent.setdefault(owner, []).append(name)
    for owner, names in silent.items():
        what = f"Parameter {owner!r} gets" if names == [owner] else f"The parameters of module {owner!r} get"
        yield Finding(
            f"{what} no gradient: no log-probability, and no value that the guide draws, is computed from it.",
            "Use it in a distribution of the model or guide, without .detach(), .item() or torch.no_grad() on the way, "
            "or take the statement away.",
            owner,
            severity="warning",
        )


def _strangers(subject: Subject, parameters: dict[str, Tensor], reached: Leaves) -> Iterator[Tensor]:
    """Leaves that gradients reach, and that are neither parameters nor arguments."""
    known = {id(leaf) for leaf in parameters.values()}
    known.update(id(each) for each in tree_leaves((subject.args, subject.kwargs)))
    store = get_param_store()
    for number, leaf in reached.items():
        if number not in known and store.param_name(leaf) is None:
            yield leaf


def _stranger(leaf: Tensor, programs: dict[str, Program]) -> Finding:
    name = next((found for role in sorted(programs) if (found := _name(leaf, programs[role]))), None)
    what = f"tensor {name!r}, of shape" if name else "a tensor of shape"
    register = (
        f"virgil.module({name.split('.')[0]!r}, ...)" if name and "." in name else "virgil.module, or virgil.param"
    )
    return Finding(
        f"The programs depend on {what} {tuple(leaf.shape)}, which asks for a gradient but is no parameter of theirs: "
        "the optimiser will not change it.",
        f"Register it by {register}, or, if it is to stay as it is, say so by requires_grad_(False).",
        name,
        severity="warning",
    )


def _name(leaf: Tensor, program: Any) -> str | None:
    """The name by which a program reads a tensor from around it."""
    while isinstance(program, Handled):
        program = program.fn
    function = inspect.unwrap(getattr(program, "__func__", program))
    around = dict(getattr(getattr(program, "__self__", program), "__dict__", {}))
    if inspect.isfunction(function):
        variables = inspect.getclosurevars(function)
        around |= {**variables.globals, **variables.nonlocals}
    for name, value in around.items():
        if value is leaf:
            return str(name)
        if isinstance(value, nn.Module):
            own = next((own for own, each in value.named_parameters() if each is leaf), None)
            if own is not None:
                return f"{name}.{own}"
    return None
