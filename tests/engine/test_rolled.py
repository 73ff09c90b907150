"""The operations and the runs that are found in a graph are what they are said to be."""

import itertools

import numpy as np
import pytest
import torch
from torch.fx.node import map_arg

from tests.engine.loops import LOOPS
from virgil.engine.recording.graph import traced
from virgil.engine.rolled.linear import is_linear
from virgil.engine.rolled.operations import operations
from virgil.engine.rolled.runs import runs
from virgil.engine.rolled.stages import slots, stages
from virgil.engine.rolled.totals import totals

pytestmark = pytest.mark.every_engine


def _found(name):
    rows = operations(traced(LOOPS[name].fn, *LOOPS[name].inputs).graph).rows
    return rows, runs(rows)


@pytest.mark.parametrize("name", LOOPS)
def test_a_run_unrolled_again_is_the_graph(name):
    rows, found = _found(name)
    for run in found:
        for place, read in enumerate(slots(rows, run)):
            for round in range(run.count):
                row = rows[run.start + round * run.period + place]
                assert row.kind == rows[run.start + place].kind
                assert row.reads == tuple(slot.first + round * slot.move for slot in read)
                for slot, number in zip(read, row.reads, strict=True):
                    if slot.place is not None and round >= slot.back:
                        assert number == run.start + (round - slot.back) * run.period + slot.place
                    else:
                        assert number < run.start


@pytest.mark.parametrize("name", LOOPS)
def test_runs_are_apart_and_there_are_as_many_as_loops(name):
    rows, found = _found(name)
    covered = np.zeros(len(rows), int)
    for run in found:
        covered[run.start : run.stop] += 1
    assert covered.max(initial=0) <= 1
    assert found == sorted(found, key=lambda run: run.start)
    assert len(found) >= LOOPS[name].runs if LOOPS[name].runs else not found


@pytest.mark.parametrize("name", LOOPS)
def test_only_the_chain_needs_rounds_in_turn(name):
    rows, found = _found(name)
    for run in found:
        read = slots(rows, run)
        groups = stages(read)
        order = [*groups.before, *groups.chain, *groups.after]
        assert sorted(order) == list(range(run.period))
        for number, place in enumerate(order):
            sources = {slot.place for slot in read[place] if slot.place is not None}
            known = set(groups.before + groups.chain if place in groups.chain else order[:number])
            assert sources <= known
        for place in groups.chain:  # each depends on a cycle, and a cycle on each
            assert any(slot.place in groups.chain for slot in read[place])


@pytest.mark.parametrize("name", LOOPS)
def test_operations_read_earlier_ones_and_are_all_needed(name):
    graph = traced(LOOPS[name].fn, *LOOPS[name].inputs).graph
    found = operations(graph)
    read = set(found.outputs)
    for number, row in enumerate(found.rows):
        assert all(each < number for each in row.reads)
        read.update(row.reads)
    unread = [row for number, row in enumerate(found.rows) if number not in read]
    assert all(row.node.op == "placeholder" for row in unread)


SUMS = {
    "sums": 3,
    "differences": 1,
    "gradient of carry": 1,
    "gradient of slices": 1,
    "read on the way": 0,
    "added twice": 0,
}


def _totals(name):
    found = operations(traced(LOOPS[name].fn, *LOOPS[name].inputs).graph)
    for run in runs(found.rows):
        inside = range(run.start, run.stop)
        read = {each for number, row in enumerate(found.rows) if number not in inside for each in row.reads}
        outside = {each for each in read.union(found.outputs) if each in inside}
        for total in totals(found.rows, run, slots(found.rows, run), outside):
            yield found.rows, run, outside, total


@pytest.mark.parametrize("name", LOOPS)
def test_a_total_is_the_chain_of_its_additions(name):
    for rows, run, outside, total in _totals(name):
        last = total.begin
        for round in range(run.count):
            for place, slot in zip(total.places, total.added, strict=True):
                number = run.start + round * run.period + place
                assert rows[number].node.target is torch.ops.aten.add.Tensor
                assert sorted(rows[number].reads) == sorted([last, slot.first + round * slot.move])
                readers = [row for row in rows[run.start : run.stop] for each in row.reads if each == last]
                assert last == total.begin or (len(readers) == 1 and last not in outside)
                last = number


@pytest.mark.parametrize("name", SUMS)
def test_sums_are_found_where_only_the_last_is_read(name):
    assert len(list(_totals(name))) == SUMS[name]


@pytest.mark.parametrize("name", LOOPS)
def test_what_is_called_linear_is(name):
    graph = traced(LOOPS[name].fn, *LOOPS[name].inputs)
    rows = operations(graph.graph).rows
    values = _values(graph, rows, LOOPS[name].inputs)
    for row in rows:
        for moves in itertools.product([False, True], repeat=len(row.reads)):
            if is_linear(rows, row, moves):
                one = [values[each] for each in row.reads]
                other = [torch.rand_like(each) if moving else each for each, moving in zip(one, moves, strict=True)]
                both = [a + b if moving else a for a, b, moving in zip(one, other, moves, strict=True)]
                torch.testing.assert_close(_applied(row, both), _applied(row, one) + _applied(row, other))


def _values(graph, rows, inputs):
    given, values = iter(inputs), []
    for row in rows:
        if row.node.op == "placeholder":
            values.append(next(given))
        elif row.node.op == "get_attr":
            values.append(graph.constants[row.node.target])
        else:
            values.append(_applied(row, [values[each] for each in row.reads]))
    return values


def _applied(row, given):
    values = iter(given)
    args, kwargs = map_arg((row.node.args, dict(row.node.kwargs)), lambda _: next(values))
    return row.node.target(*args, **kwargs)
