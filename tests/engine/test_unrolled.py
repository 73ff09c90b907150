"""A graph that a Python loop has made long is told from one that is long otherwise."""

import torch
from torch.fx import Graph

from virgil.engine.recording.capture import capture
from virgil.engine.recording.graph import traced
from virgil.engine.unrolled import unrolled
from virgil.engine.xla.run import XlaRunner


def chain(x, rounds):
    for _ in range(rounds):
        x = torch.tanh(x) * 2 + x
    return x


def test_a_long_loop_is_named_with_its_rounds():
    advice = unrolled(traced(lambda x: chain(x, 700), torch.ones(2)).graph, 2_100)
    assert "2,100 operations" in advice
    assert "about 700 times" in advice
    assert "vectorized_markov" in advice


def test_a_short_one_is_not():
    assert unrolled(traced(lambda x: chain(x, 100), torch.ones(2)).graph, 300) is None


def test_one_that_is_compiled_as_a_loop_is_not():
    def step(state, inputs):
        after = chain(state[0], 700)
        return [after], after.sum(), after.norm()[None]

    program = capture(step, [torch.ones(2)], [])
    assert program.num_nodes > 2_000
    runner = XlaRunner(program)
    assert runner.num_compiled < 30
    assert unrolled(program.graph.graph, runner.num_compiled) is None


def test_a_long_graph_of_different_lines_is_not():
    graph = Graph()
    node = graph.placeholder("x")
    for number in range(3000):
        node = graph.call_function(torch.tanh, (node,))
        node.meta["stack_trace"] = f"line {number}"
    graph.output(node)
    assert unrolled(graph, 3_000) is None
