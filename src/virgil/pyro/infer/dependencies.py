"""The dependences between the statements of a model, in the prior and in the posterior."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from virgil.distributions import constraints
from virgil.explain.structure import Node, Structure, structures
from virgil.poutine.site import Site

__all__ = ["get_dependencies", "get_model_relations", "is_sample_site"]

Dependencies = dict[str, dict[str, set[str]]]


def is_sample_site(msg: Site | Mapping[str, Any], *, include_deterministic: bool = False) -> bool:
    """True for a random variable or an observation, false for a plate, a parameter and what follows from others.

    Args:
        msg: a site.
        include_deterministic: whether deterministic values and points count as well.
    """
    if msg["type"] != "sample" or (isinstance(msg, Site) and msg.kind == "plate"):
        return False
    fn = msg["fn"]
    while hasattr(fn, "base_dist") and type(fn).__name__ != "Delta":
        fn = fn.base_dist
    return include_deterministic or type(fn).__name__ != "Delta"


def _follows(node: Node) -> bool:
    """True if a statement's value follows from others."""
    return node.role == "deterministic" or node.family == "Delta"


def _behind(structure: Structure, name: str, through: Callable[[Node], bool]) -> list[Node]:
    """The statements that one is computed from, looking through some to those behind them; in the model's order."""
    ahead, found = list(structure[name].parents), set[str]()
    while ahead:
        parent = ahead.pop()
        if through(structure[parent]):
            ahead.extend(structure[parent].parents)
        else:
            found.add(parent)
    return [node for node in structure.values() if node.name in found and node.name != name]


def _plates(node: Node) -> set[str]:
    return {frame.name for frame in node.frames if frame.dim is not None}


def get_dependencies(
    model: Callable[..., Any],
    model_args: tuple[Any, ...] | None = None,
    model_kwargs: dict[str, Any] | None = None,
    include_deterministic: bool = False,
) -> dict[str, object]:
    r"""Find which variables of a model depend on which, by running it once; no mark is left.

    In the prior a statement depends on the latent variables that its distribution is computed from, and on itself. In
    the posterior a latent variable depends on itself, on the statements computed from it, and on the other variables
    behind each of these (moralisation). Each dependence has the set of plates across whose slots it goes: for two
    variables that meet in a statement, the plates around both that are not around the statement.

    Args:
        model: the model.
        model_args: its arguments.
        model_kwargs: its keyword arguments.
        include_deterministic: whether deterministic values and points are variables as well; else dependences go
            through them.

    Returns:
        ``"prior_dependencies"``: by statement, by variable that it depends on, plates; and ``"posterior_dependencies"``
        : by latent variable, by later statement that it depends on, plates.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> def model():
        ...     with virgil.plate("p", 5):
        ...         a = virgil.sample("a", dist.Normal(0.0, 1.0))
        ...     virgil.sample("b", dist.Normal(a.sum(), 1.0), obs=torch.tensor(0.0))
        >>> found = get_dependencies(model)
        >>> found["prior_dependencies"]
        {'a': {'a': set()}, 'b': {'b': set(), 'a': set()}}
        >>> found["posterior_dependencies"]
        {'a': {'a': {'p'}, 'b': set()}}
    """
    structure, _ = structures(model, None, model_args or (), model_kwargs or {})
    through: Callable[[Node], bool] = (lambda node: False) if include_deterministic else _follows
    nodes = [node for node in structure.values() if node.role != "param" and not through(node)]
    variables = [node for node in nodes if node.role == "latent" or _follows(node)]
    prior: Dependencies = {}
    posterior: Dependencies = {node.name: {node.name: set()} for node in variables}
    for node in nodes:
        behind = [each for each in _behind(structure, node.name, through) if each.name in posterior]
        prior[node.name] = {node.name: set(), **{each.name: set() for each in behind}}
        for place, earlier in enumerate(behind):
            for later in behind[place:]:
                across = posterior[earlier.name].setdefault(later.name, set())
                across |= (_plates(earlier) & _plates(later)) - _plates(node)
            posterior[earlier.name].setdefault(node.name, set())
    return {"prior_dependencies": prior, "posterior_dependencies": posterior}


def get_model_relations(
    model: Callable[..., Any],
    model_args: tuple[Any, ...] | None = None,
    model_kwargs: dict[str, Any] | None = None,
    include_deterministic: bool = False,
) -> dict[str, Any]:
    """Find the statements of a model, their families, parameters and plates, by running it once; no mark is left.

    Args:
        model: the model.
        model_args: its arguments.
        model_kwargs: its keyword arguments.
        include_deterministic: whether deterministic values and points are variables that others depend on; else
            dependences go through them.

    Returns:
        ``"sample_sample"``: by statement, the variables that it depends on; ``"sample_param"``: the parameters;
        ``"sample_dist"``: its family; ``"param_constraint"``: by parameter, its constraint; ``"plate_sample"``: by
        plate, the statements inside; ``"observed"``: the statements whose value is given.
    """
    structure, _ = structures(model, None, model_args or (), model_kwargs or {})
    through: Callable[[Node], bool] = (lambda node: False) if include_deterministic else _follows
    nodes = [node for node in structure.values() if node.role != "param"]
    behind = {node.name: _behind(structure, node.name, through) for node in nodes}
    plates: dict[str, list[str]] = {}
    for node in nodes:
        for frame in node.frames:
            plates.setdefault(frame.name, []).append(node.name)
    params = {node.name: node.family for node in structure.values() if node.role == "param"}
    families = {"deterministic": "Deterministic", "factor": "Unit"}
    return {
        "sample_sample": {
            name: [each.name for each in nodes if each.role != "param"] for name, nodes in behind.items()
        },
        "sample_param": {name: [each.name for each in nodes if each.role == "param"] for name, nodes in behind.items()},
        "sample_dist": {node.name: families.get(node.role, node.family) for node in nodes},
        "param_constraint": {
            name: str(getattr(constraints, family, family)) for name, family in params.items() if family
        },
        "plate_sample": plates,
        "observed": [node.name for node in nodes if node.role != "latent"],
    }
