"""Notes on latent variables that no observation depends on, or depends on without a gradient."""

from __future__ import annotations

from collections.abc import Iterator

from virgil.explain.structure import Structure, structures
from virgil.infer.checks.finding import Finding
from virgil.infer.density.execution import Call, Pair
from virgil.ops.gradient_graph import node_of, nodes_behind
from virgil.poutine.reparam import is_restated
from virgil.poutine.site import Site

__all__ = ["influence_problems"]

_MISSING = "_unobserved"  # the end of the name of data that are missing, which influence nothing
_LISTED = 3


def influence_problems(call: Call, pair: Pair) -> list[Finding]:
    """Look at the model's dependences, which running it once more shows.

    Args:
        call: the programs.
        pair: an execution of them, with gradients.
    """
    try:
        structure, _ = structures(call.model, None, call.args, call.kwargs)
    except Exception:  # of a model that does not run on values of its own priors
        return []
    return [*_without_influence(structure, pair), *_without_gradient(structure, pair)]


def _without_influence(structure: Structure, pair: Pair) -> Iterator[Finding]:
    """Latent variables on which no observation or factor depends."""
    ahead = [name for name, node in structure.items() if node.role in ("observed", "factor")]
    if not ahead:
        return
    reached: set[str] = set()
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead.extend(structure[name].parents)
    idle = [
        name
        for name, node in structure.items()
        if node.role == "latent" and name not in reached and name in pair.model and not name.endswith(_MISSING)
    ]
    if idle:
        names = ", ".join(map(repr, idle[:_LISTED])) + (", ..." if len(idle) > _LISTED else "")
        one = len(idle) == 1
        yield Finding(
            f"{'Site' if one else 'Sites'} {names} of the model {'is' if one else 'are'} latent, and no observation "
            f"depends on {'it' if one else 'them'}: the posterior is the prior.",
            "Use the value in the distribution of an observation, or take the statement away.",
            idle[0],
            severity="note",
        )


def _without_gradient(structure: Structure, pair: Pair) -> Iterator[Finding]:
    """Latent variables with a pathwise derivative whose value some density of the model takes without it."""
    for name, site in pair.guide.iter_stochastic_nodes():
        node = node_of(site.value) if site.fn.has_rsample and name in structure else None
        if node is None:
            continue
        for other in pair.model.nodes.values():
            counts = other.kind == "sample" and not is_restated(other) and other.name != name
            is_read = counts and name in _read(structure, other.name)
            if is_read and node not in nodes_behind([node_of(other.extended_log_prob())], [node]):
                yield _cut(name, other)
                break


def _read(structure: Structure, name: str) -> set[str]:
    """The latent variables whose values a site is computed from."""
    ahead, found = list(structure[name].parents) if name in structure else [], set[str]()
    while ahead:
        parent = ahead.pop()
        if structure[parent].role == "deterministic":
            ahead.extend(structure[parent].parents)
        elif structure[parent].role == "latent":
            found.add(parent)
    return found


def _cut(name: str, other: Site) -> Finding:
    return Finding(
        f"At site {other.name!r} of the model, the log-probability depends on the value of {name!r} and has no "
        "gradient with respect to it: the value goes through .detach(), a comparison, rounding, or a Python number.",
        f"Compute with {name!r} as it is, if the guide is to learn from this site.",
        other.name,
        severity="note",
    )
