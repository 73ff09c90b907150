"""The imports between rooms as pictures, made from the code; ``make drawing`` writes them.

A room is a module or package inside another package. Floors are those of the layers in ``pyproject.toml``. Arrows go
from a room to those that it imports; an arrow that follows from two or more others is left out of the picture.
"""

from __future__ import annotations

import re
import tomllib

import grimp

from tests.house.source import ROOT

__all__ = ["HOUSES", "arrows", "drawn_arrows", "floors", "shown", "upward"]

FOLDER = ROOT / "docs" / "design"
# the packages whose rooms are drawn, with the file of the picture
HOUSES = {"virgil": "house.svg", "virgil.infer": "infer.svg", "virgil.engine": "engine.svg"}
Arrow = tuple[str, str]


def floors(house: str) -> list[list[str]]:
    """The floors of a package, from the top, as the contract says."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each.get("containers") == [house])
    return [[room.strip(" ()") for room in layer.split("|")] for layer in layers]


def arrows(house: str) -> set[Arrow]:
    """Which room imports which, by their names in the package; imports for types count."""
    graph = grimp.build_graph("virgil", include_external_packages=False, exclude_type_checking_imports=False)
    rooms = {name: f"{house}.{name}" for floor in floors(house) for name in floor}
    inside = {
        name: {module, *graph.find_descendants(module)} for name, module in rooms.items() if module in graph.modules
    }
    room_of = {module: name for name, modules in inside.items() for module in modules}
    found = {
        (room_of[each], room_of[imported])
        for each in room_of
        for imported in graph.find_modules_directly_imported_by(each)
        if imported in room_of
    }
    return {(one, other) for one, other in found if one != other}


def upward(house: str) -> set[Arrow]:
    """The arrows that do not go to a lower floor."""
    level = {room: number for number, floor in enumerate(floors(house)) for room in floor}
    return {(one, other) for one, other in arrows(house) if level[other] <= level[one]}


def shown(edges: set[Arrow]) -> set[Arrow]:
    """The arrows that do not follow from others."""
    return {(one, other) for one, other in edges if not _follows(one, other, edges)}


def _follows(one: str, other: str, edges: set[Arrow]) -> bool:
    between = {end for start, end in edges if start == one and end != other}
    return any(other in _reachable(room, edges) for room in between)


def _reachable(room: str, edges: set[Arrow]) -> set[str]:
    found, ahead = set(), [room]
    while ahead:
        present = ahead.pop()
        for one, other in edges:
            if one == present and other not in found:
                found.add(other)
                ahead.append(other)
    return found


def drawn_arrows(house: str) -> set[Arrow]:
    """The arrows of the picture that is there."""
    titles = re.findall(r"<title>(\w+)&#45;&gt;(\w+)</title>", (FOLDER / HOUSES[house]).read_text())
    return set(titles)


def draw(house: str) -> None:
    """Write the picture; needs pygraphviz, whose wheel carries Graphviz."""
    import pygraphviz

    picture = pygraphviz.AGraph(directed=True, rankdir="TB", nodesep=0.35, ranksep=0.35, fontname="Helvetica")
    picture.node_attr.update(shape="box", fontname="Helvetica", fontsize=11, style="rounded", height=0.3)
    picture.edge_attr.update(arrowsize=0.6, color="gray40")
    edges = shown(arrows(house))
    level = {room: number for number, floor in enumerate(floors(house)) for room in floor}
    present = {room for edge in edges for room in edge}
    for floor in floors(house):
        names = [room for room in floor if room in present]
        for name in names:
            picture.add_node(name)
        if len(names) > 1:
            picture.add_subgraph(names, rank="same")
    for one, other in sorted(edges, key=lambda edge: (level[edge[0]], level[edge[1]])):
        picture.add_edge(one, other)
    picture.draw(FOLDER / HOUSES[house], format="svg", prog="dot")


if __name__ == "__main__":
    for each in HOUSES:
        draw(each)
