"""A picture as Graphviz source."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from virgil.explain.picture import Edge, Picture, Shown

__all__ = ["GUIDE_COLOUR", "dot_source"]

GUIDE_COLOUR = "#b8500a"
_SEEN, _SUMMED, _QUIET = "#d4d4d4", "#dbe8f6", "#707070"
_SMALL = 10

Attributes = dict[str, str]


def dot_source(picture: Picture, distributions: bool = False) -> str:
    """Graphviz source of the picture, in the dot language.

    Args:
        picture: what to draw.
        distributions: whether the family of each site, and the constraint of each parameter, is written below its name.
    """
    lines = [
        "digraph model {",
        '  graph [fontname="Helvetica", fontsize=11, labeljust="r", labelloc="b", nodesep=0.35, ranksep=0.45];',
        '  node [fontname="Helvetica", fontsize=13, margin="0.08,0.04", height=0.45];',
        "  edge [arrowsize=0.7];",
        *_boxes(picture, distributions),
        *(
            f"  {_quoted(edge.parent)} -> {_quoted(edge.child)}{_listed(_edge(edge, picture))};"
            for edge in picture.edges
        ),
        *_legend(picture),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _boxes(picture: Picture, distributions: bool, inside: tuple[str, ...] = ()) -> Iterator[str]:
    """The nodes inside so many boxes, and the boxes further in."""
    indent = "  " * (len(inside) + 1)
    inner: dict[str, None] = {}
    for name, shown in picture.nodes.items():
        if shown.plates[: len(inside)] == inside:
            if len(shown.plates) > len(inside):
                inner[shown.plates[len(inside)]] = None
            else:
                yield f"{indent}{_quoted(name)}{_listed(_node(name, shown, picture, distributions))};"
    for plate in inner:
        path = (*inside, plate)
        yield f"{indent}subgraph {_quoted('cluster_' + '/'.join(path))} {{"
        yield f'{indent}  graph [label={_quoted(picture.plates[plate])}, style="rounded", color="{_QUIET}"];'
        yield from _boxes(picture, distributions, path)
        yield f"{indent}}}"


def _node(name: str, shown: Shown, picture: Picture, distributions: bool) -> Attributes:
    if shown.rest:
        return {"shape": "plaintext", "label": _quoted(f"⋯ {shown.rest}"), "fontcolor": f'"{_QUIET}"'}
    node = shown.node
    style = dict(_STYLES[node.role])
    if shown.is_enumerated:
        style |= {"style": "filled", "fillcolor": f'"{_SUMMED}"'}
    if shown.is_guides:
        style |= {"color": f'"{GUIDE_COLOUR}"', "fontcolor": f'"{GUIDE_COLOUR}"', "style": "dashed"}
    elif shown.guide is not None and node.role == "latent":
        style |= {"color": f'"{GUIDE_COLOUR}"', "penwidth": "1.6"}
    return style | {"label": _label(name, shown, picture, distributions)}


_STYLES: dict[str, Attributes] = {
    "latent": {"shape": "ellipse"},
    "observed": {"shape": "ellipse", "style": "filled", "fillcolor": f'"{_SEEN}"'},
    "deterministic": {"shape": "ellipse", "peripheries": "2"},
    "factor": {"shape": "box", "style": "filled", "fillcolor": "black", "fontcolor": "white", "height": "0.25"},
    "param": {"shape": "plaintext", "height": "0.25"},
}


def _label(name: str, shown: Shown, picture: Picture, distributions: bool) -> str:
    node, guide = shown.node, shown.guide
    below = []
    if distributions and node.family and not (node.role == "param" and node.family == "real"):
        below.append((node.family, GUIDE_COLOUR if shown.is_guides else _QUIET))
    if distributions and guide is not None and not shown.is_guides and guide.role == "latent":
        joint = {each for each, other in picture.nodes.items() if other.node.auxiliary}
        if guide.family != "Delta" or not joint.intersection(guide.parents):  # else an arrow says where it comes from
            below.append((f"q: {guide.family}", GUIDE_COLOUR))
    if shown.is_enumerated:
        below.append(("summed out" if picture.has_guide and guide is None else "enumerated", _QUIET))
    if not below:
        return _quoted(name)
    rows = [f'<br/><font point-size="{_SMALL}" color="{colour}">{escape(text)}</font>' for text, colour in below]
    return f"<{escape(name)}{''.join(rows)}>"


def _edge(edge: Edge, picture: Picture) -> Attributes:
    if not edge.of_guide:
        return {"arrowhead": "none"} if picture.nodes[edge.child].node.role == "factor" else {}
    style = {"style": "dashed", "color": f'"{GUIDE_COLOUR}"'}
    # the model alone decides what lies above what, as far as both have the nodes
    return style if picture.nodes[edge.parent].is_guides else style | {"constraint": "false"}


def _legend(picture: Picture) -> Iterator[str]:
    nodes = [shown for shown in picture.nodes.values() if not shown.rest]
    entries = {
        "grey: observed": any(each.node.role == "observed" for each in nodes),
        "blue: discrete, all values at once": any(each.is_enumerated for each in nodes),
        "double line: deterministic": any(each.node.role == "deterministic" for each in nodes),
        "black: factor": any(each.node.role == "factor" for each in nodes),
        "orange: guide": picture.has_guide,
    }
    said = [entry for entry, is_there in entries.items() if is_there]
    if said:
        text = escape(" · ".join(said))
        yield f'  label=<<font point-size="{_SMALL}" color="{_QUIET}">{text}</font>>; labeljust="c";'


def _listed(attributes: Attributes) -> str:
    return f" [{', '.join(f'{key}={value}' for key, value in attributes.items())}]" if attributes else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
