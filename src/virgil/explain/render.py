"""``render_model``: the drawing of a model, with the guide laid over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from virgil.errors import ArgumentError, shown
from virgil.explain.dot import dot_source
from virgil.explain.picture import picture_of
from virgil.explain.structure import structures

__all__ = ["Drawing", "render_model"]

_FORMATS = (".svg", ".pdf", ".png")
_SOURCES = (".dot", ".gv")
_DOTS_PER_INCH = 144


@dataclass(frozen=True)
class Drawing:
    """A drawing of a model; a notebook shows it.

    Attributes:
        source: its Graphviz source, in the dot language.
    """

    source: str = field(repr=False)

    def svg(self) -> str:
        """The drawing as SVG; needs the extra ``plot``.

        Raises:
            ArgumentError: pygraphviz is not installed.
        """
        return _laid_out(self.source, "svg").decode()

    def save(self, filename: str | PathLike[str]) -> None:
        """Write the drawing as ``.svg``, ``.pdf`` or ``.png``, with the extra ``plot``, or its source as ``.dot``.

        Raises:
            ArgumentError: another ending, or pygraphviz is not installed.
        """
        path = Path(filename)
        if path.suffix in _SOURCES:
            path.write_text(self.source, encoding="utf-8")
        elif path.suffix in _FORMATS:
            path.write_bytes(_laid_out(self.source, path.suffix[1:]))
        else:
            raise ArgumentError(
                f"A drawing cannot be saved as {str(filename)!r}: the ending must be one of "
                f"{', '.join(_FORMATS + _SOURCES)}."
            )

    def _repr_svg_(self) -> str:
        return self.svg()


def _laid_out(source: str, form: str) -> bytes:
    try:
        from pygraphviz import AGraph  # noqa: PLC0415 - an optional dependency at its door
    except ImportError:
        raise ArgumentError(
            'Laying a drawing out needs pygraphviz: pip install "virgil-ppl[plot]". Without it the Graphviz source can '
            'be had: .source, or .save("model.dot").'
        ) from None
    options = f"-Gdpi={_DOTS_PER_INCH}" if form == "png" else ""
    drawn: bytes = AGraph(string=source).draw(format=form, prog="dot", args=options)
    return drawn


def render_model(
    model: Callable[..., Any],
    guide: Callable[..., Any] | None = None,
    model_args: Sequence[Any] = (),
    model_kwargs: Mapping[str, Any] | None = None,
    filename: str | PathLike[str] | None = None,
    render_distributions: bool = False,
    render_params: bool = False,
    render_deterministic: bool = False,
    *,
    max_rounds: int = 3,
) -> Drawing:
    """Draw a model as a graph, with the guide laid over it.

    Plates are boxes with their sizes; observed sites are grey, enumerated ones blue, deterministic ones have a double
    line, factors are black boxes. With a guide, what it states has an orange line; its dependences are dashed arrows,
    from an observation where the guide computes a variable from that observation's data.

    An arrow means that the site's distribution is computed from the other's value. This is found by running the guide
    and the model once, without a mark left, and following values through every tensor operation. A buffer that is
    filled slot by slot counts as one value. Where the program reads a value into Python, as ``if z > 0`` does,
    all later sites depend on it.

    Args:
        model: the model.
        guide: the guide.
        model_args: the positional arguments of both; also accepted in the place of ``guide``.
        model_kwargs: their keyword arguments.
        filename: where to save the drawing, by its ending as SVG, PDF, PNG or Graphviz source.
        render_distributions: whether to write the family of each site and the constraint of each parameter.
        render_params: whether to draw parameters; those of one network are one node.
        render_deterministic: whether to draw deterministic sites.
        max_rounds: how many rounds of a Markov chain, or of a plate that is iterated, are drawn; one node stands for
            the others.

    Raises:
        ArgumentError: an argument of the wrong kind, an unknown ending of ``filename``, or pygraphviz is missing.

    Example:
        >>> import torch, virgil, virgil.distributions as dist
        >>> def model(data):
        ...     mu = virgil.sample("mu", dist.Normal(0.0, 1.0))
        ...     with virgil.plate("data", len(data)):
        ...         virgil.sample("x", dist.Normal(mu, 1.0), obs=data)
        >>> drawing = render_model(model, model_args=(torch.zeros(3),))
        >>> '"mu" -> "x"' in drawing.source
        True
    """
    if isinstance(guide, (tuple, list)) and not model_args:
        guide, model_args = None, guide
    _check(model, guide, model_args, max_rounds)
    of_model, of_guide = structures(model, guide, tuple(model_args), dict(model_kwargs or {}))
    picture = picture_of(of_model, of_guide, render_params, render_deterministic, max_rounds)
    drawing = Drawing(dot_source(picture, render_distributions))
    if filename is not None:
        drawing.save(filename)
    return drawing


def _check(model: Any, guide: Any, model_args: Any, max_rounds: Any) -> None:
    for name, program in (("model", model), ("guide", guide)):
        if not callable(program) and not (name == "guide" and program is None):
            raise ArgumentError(
                f"render_model() got {shown(program)} as its {name}; it takes a function. The arguments of the "
                "programs go into model_args=(...)."
            )
    if not isinstance(model_args, (tuple, list)):
        raise ArgumentError(
            f"render_model() got model_args of type {type(model_args).__name__}; it takes a tuple, as in "
            "model_args=(data,)."
        )
    if not isinstance(max_rounds, int) or max_rounds < 1:
        raise ArgumentError(f"render_model() got max_rounds={shown(max_rounds)}; it takes a whole number, 1 or more.")
