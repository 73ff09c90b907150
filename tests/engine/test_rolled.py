"""The operations and the runs that are found in a graph are what they are said to be."""

import numpy as np
import pytest

from tests.engine.loops import LOOPS
from virgil.engine.graph import traced
from virgil.engine.rolled_operations import operations
from virgil.engine.rolled_runs import runs
from virgil.engine.rolled_stages import slots, stages


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
