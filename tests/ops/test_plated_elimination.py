"""Orders of elimination: what they join is what a Cholesky factor has entries for."""

from itertools import product

import pytest
import torch

from virgil.ops.plated_elimination import PlatedGraph, eliminate

NONE = frozenset()
A, B, BOTH = frozenset({"a"}), frozenset({"b"}), frozenset({"a", "b"})
SLOTS = {"a": 3, "b": 2}

# variables with their plates, and factors: variables that meet, and the plates along which slots meet their own
GRAPHS = {
    "chain": ({"x": NONE, "y": NONE, "z": NONE, "w": NONE}, [("xy", BOTH), ("yz", BOTH), ("zw", BOTH)]),
    "ring": ({"x": NONE, "y": NONE, "z": NONE, "w": NONE}, [("xy", BOTH), ("yz", BOTH), ("zw", BOTH), ("wx", BOTH)]),
    "hierarchy": ({"m": NONE, "s": NONE, "x": A, "y": A}, [("ms", BOTH), ("msx", BOTH), ("xy", BOTH)]),
    "crossed": ({"m": NONE, "x": A, "y": B}, [("mx", BOTH), ("my", BOTH), ("xy", BOTH)]),
    "nested": ({"x": A, "y": BOTH, "z": B}, [("xy", BOTH), ("yz", BOTH)]),
    "mixed": ({"x": A, "y": BOTH}, [("x", NONE), ("xy", BOTH)]),
    "by the other": ({"x": BOTH, "y": BOTH}, [("xy", A)]),
}


def made(variables, factors):
    graph = PlatedGraph(dict.fromkeys(variables, 1), variables, SLOTS)
    for names, along in factors:
        graph.join(names, along)
    return graph


def slots_of(plates):
    names = sorted(plates)
    return [dict(zip(names, each, strict=True)) for each in product(*(range(SLOTS[name]) for name in names))]


def meets(one, other, along):
    return all(one[name] == other[name] for name in along if name in one and name in other)


@pytest.mark.parametrize("name", GRAPHS)
def test_the_factor_of_a_precision_has_no_other_entries(name):
    """Slot by slot: a random precision with the factors' entries, and its Cholesky factor in the order found."""
    variables, factors = GRAPHS[name]
    ground = [(each, slot) for each in variables for slot in slots_of(variables[each])]
    precision = torch.eye(len(ground), dtype=torch.float64)
    for names, along in factors:
        for (i, (one, slot)), (j, (other, place)) in product(enumerate(ground), repeat=2):
            if i < j and one in names and other in names and meets(slot, place, along):
                precision[i, j] = precision[j, i] = 0.02 + 0.03 * torch.rand(())
    stages = {stage.name: stage for stage in eliminate(made(variables, factors))}
    order = sorted(range(len(ground)), key=lambda at: list(stages).index(ground[at][0]))
    factor = torch.linalg.cholesky(precision[order][:, order])
    for row, column in (factor.abs() > 1e-12).tril(-1).nonzero().tolist():
        (later, place), (first, slot) = ground[order[row]], ground[order[column]]
        stage = stages[first]
        if later == first:
            assert not meets(slot, place, variables[first]) or slot == place
            assert meets(slot, place, stage.plates)
        else:
            assert meets(slot, place, dict(stage.others)[later])


def test_a_chain_is_summed_out_from_an_end_and_a_hub_comes_last():
    variables, factors = GRAPHS["chain"]
    assert [len(stage.others) for stage in eliminate(made(variables, factors))] == [1, 1, 1, 0]
    hub = {"hub": NONE, **{f"leaf{at}": NONE for at in range(5)}}
    graph = PlatedGraph(dict.fromkeys(hub, 1), hub, {})
    for leaf in hub:
        graph.join(["hub", leaf], NONE)
    stages = eliminate(graph)
    assert [len(stage.others) for stage in stages] == [1, 1, 1, 1, 1, 0] or stages[-2].name == "hub"


def test_the_larger_of_two_crossed_plates_goes_first():
    variables, factors = GRAPHS["crossed"]
    first, second, last = eliminate(made(variables, factors))
    assert (first.name, first.plates) == ("x", A)
    assert {second.name: second.plates, last.name: last.plates} == {"y": NONE, "m": NONE}


def test_slots_stay_apart_where_an_order_allows_it():
    variables = {"p": NONE, "q": NONE, "r": NONE, "x": B}  # p meets fewer numbers than a slot of x
    factors = [("px", BOTH), ("qx", BOTH), ("rx", BOTH)]
    stages = eliminate(made(variables, factors))
    assert (stages[0].name, stages[0].plates) == ("x", B)


def test_a_plate_that_is_kept_goes_first_of_two_crossed_ones():
    variables, factors = GRAPHS["crossed"]
    stages = {stage.name: stage.plates for stage in eliminate(made(variables, factors), B)}
    assert (stages["x"], stages["y"]) == (NONE, B)
