"""``render_model`` as old programs call it: a graph that can be rendered to a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from virgil.errors import ArgumentError
from virgil.explain.dot import dot_source
from virgil.explain.picture import picture_of
from virgil.explain.render import Drawing
from virgil.explain.structure import Node, Structure, structures
from virgil.pyro.infer.dependencies import get_dependencies, get_model_relations, is_sample_site

__all__ = ["Graph", "get_dependencies", "get_model_relations", "is_sample_site", "render_model"]

Arguments = Sequence[Any] | None
Keywords = Mapping[str, Any] | None


class Graph(Drawing):
    """The drawing of a model, with the methods of a graph of the package graphviz."""

    def render(
        self,
        filename: str | PathLike[str] | None = None,
        directory: str | PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
    ) -> str:
        """Write the source, and the drawing beside it; needs the extra ``plot``.

        Args:
            filename: of the source; the drawing's has the format's ending after it. Default: ``"Digraph.gv"``.
            directory: where both are written.
            view: accepted for the sake of existing programs; no window is opened.
            cleanup: whether the source is taken away again.
            format: ``"pdf"``, the default, ``"svg"`` or ``"png"``.

        Returns:
            The path of the drawing.
        """
        source = Path(directory or ".") / (filename or "Digraph.gv")
        source.parent.mkdir(parents=True, exist_ok=True)
        drawing = source.with_name(f"{source.name}.{format or 'pdf'}")
        self.save(drawing)
        if not cleanup:
            source.write_text(self.source, encoding="utf-8")
        return str(drawing)


def render_model(
    model: Callable[..., Any],
    model_args: Arguments | list[Sequence[Any]] = None,
    model_kwargs: Keywords | list[Mapping[str, Any]] = None,
    filename: str | PathLike[str] | None = None,
    render_distributions: bool = False,
    render_params: bool = False,
    render_deterministic: bool = False,
) -> Graph:
    """Draw a model as a graph; see :func:`virgil.explain.render_model`.

    With a list of arguments, or of keyword arguments, the model is run on each, as on data with labels and on data
    without; a variable that is observed in some of the runs is drawn as latent.

    Args:
        model: the model.
        model_args: its positional arguments, or a list of such tuples.
        model_kwargs: its keyword arguments, or a list of such dicts.
        filename: where to save the drawing, by its ending as SVG, PDF, PNG or Graphviz source.
        render_distributions: whether to write the family of each site and the constraint of each parameter.
        render_params: whether to draw parameters.
        render_deterministic: whether to draw deterministic sites.

    Raises:
        ArgumentError: lists of different lengths, an unknown ending of ``filename``, or pygraphviz is missing.
    """
    found = [structures(model, None, args, kwargs)[0] for args, kwargs in _calls(model_args, model_kwargs)]
    picture = picture_of(_joined(found), None, render_params, render_deterministic)
    graph = Graph(dot_source(picture, render_distributions))
    if filename is not None:
        graph.save(filename)
    return graph


def _calls(
    args: Arguments | list[Sequence[Any]], kwargs: Keywords | list[Mapping[str, Any]]
) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The arguments of each run."""
    several = [len(each) for each in (args, kwargs) if isinstance(each, list)]
    count = several[0] if several else 1
    if several and (min(several) != max(several) or not count):
        raise ArgumentError(
            f"render_model() got lists of {' and '.join(map(str, several))} arguments; model_args and model_kwargs "
            "must have one entry for each run, or be a single tuple or dict for all."
        )
    args_of = args if isinstance(args, list) else [args or ()] * count
    kwargs_of = kwargs if isinstance(kwargs, list) else [kwargs or {}] * count
    return [(tuple(each), dict(named)) for each, named in zip(args_of, kwargs_of, strict=True)]


def _joined(found: Sequence[Structure]) -> Structure:
    """The statements of all runs."""
    joined: dict[str, Node] = {}
    for structure in found:
        for name, node in structure.items():
            known = joined.get(name)
            if known is None:
                joined[name] = node
                continue
            role = known.role if known.role != "observed" else node.role
            joined[name] = replace(known, role=role, parents=tuple(dict.fromkeys(known.parents + node.parents)))
    return joined
