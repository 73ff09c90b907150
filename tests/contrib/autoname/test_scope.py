"""Prefixes of names, and numbers behind names that are stated again."""

import threading

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.contrib.autoname import name_count, scope
from virgil.errors import ArgumentError, DuplicateSiteError


def draw(name):
    return virgil.sample(name, dist.Bernoulli(0.5))


def names(program):
    return [name for name in poutine.trace(program).get_trace() if not name.startswith("_")]


def test_variables_plates_and_deterministic_values_get_the_prefix_and_parameters_do_not():
    @scope
    def model():
        x = draw("x")
        virgil.param("p", torch.zeros(()))
        with virgil.plate("rows", 2):
            draw("y")
        virgil.deterministic("d", x)
        virgil.factor("f", x)

    assert names(model) == ["model/x", "p", "model/rows", "model/y", "model/d", "model/f"]


def test_scopes_in_each_other_stand_outermost_first():
    @scope(prefix="b")
    def model():
        with scope(prefix="a"):
            draw("x")
        draw("y")

    assert names(model) == ["b/a/x", "b/y"]


def test_a_program_without_a_name_is_known_by_its_class():
    class Model:
        def __call__(self):
            draw("x")

        @scope
        def part(self):
            draw("x")

    assert names(scope(Model())) == ["Model/x"]
    assert names(Model().part) == ["part/x"]


def test_handlers_further_in_know_the_name_without_the_prefix():
    def model():
        with scope(prefix="a"), poutine.condition(data={"x": torch.tensor(1.0), "a/y": torch.tensor(1.0)}):
            draw("x")
            draw("y")

    sites = poutine.trace(poutine.condition(model, data={"a/y": torch.tensor(0.0)})).get_trace()
    assert sites["a/x"].value.item() == 1.0
    assert (sites["a/y"].observed, sites["a/y"].value.item()) == (True, 0.0)


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (None, None, ["a/b/x", "a/b/x__1", "a__1/b/x", "a__1/b/x__1"]),
        (True, None, ["a/b/x", "a/b/x__1", "a/b__1/x", "a/b__1/x__1"]),
        (None, True, ["a/b/x", "a/b/x__1", "a__1/b/x", "a__1/b/x__1"]),
        (True, True, ["a/b/x", "a/b/x__1", "a/b/x__2", "a/b/x__3"]),
    ],
)
def test_inner_leaves_the_number_to_what_is_inside(outer, inner, expected):
    @name_count
    def model():
        for _ in range(2):
            with scope(prefix="a", inner=outer), scope(prefix="b", inner=inner):
                draw("x")
                draw("x")

    assert names(model) == expected
    assert names(model) == expected  # each call counts anew


def test_numbers_are_those_that_are_free():
    @name_count
    def model():
        for name in ("x", "x__1", "x", "x", "x__1", "y__5", "y", "z__z", "z__z"):
            draw(name)

    assert names(model) == ["x", "x__1", "x__2", "x__3", "x__4", "y__5", "y", "z__z", "z__z__1"]


def test_plates_are_numbered_and_parameters_are_not():
    @name_count
    def model():
        for _ in range(2):
            virgil.param("p", torch.zeros(()))
            with virgil.plate("rows", 2):
                draw("x")

    assert names(model) == ["p", "rows", "x", "rows__1", "x__1"]


def test_a_scope_does_not_take_the_name_of_a_site():
    @name_count
    def model():
        for _ in range(2):
            with scope(prefix="a"):
                draw("x")
        draw("a")

    assert names(model) == ["a/x", "a__1/x", "a"]


def test_counters_and_scopes_nest_in_any_order():
    def model():
        draw("x")
        draw("x")

    assert names(scope(name_count(model), prefix="a")) == ["a/x", "a/x__1"]
    assert names(name_count(scope(model, prefix="a"))) == ["a/x", "a/x__1"]


def test_without_a_counter_a_name_is_stated_once():
    def model():
        for _ in range(2):
            with scope(prefix="a"):
                draw("x")

    with pytest.raises(DuplicateSiteError, match="'a/x' is declared twice"):
        names(model)


def test_a_context_may_be_entered_inside_itself():
    again = scope(prefix="a")

    def model():
        with again:
            draw("x")
            with again:
                draw("x")
            draw("y")

    assert names(model) == ["a/x", "a/a/x", "a/y"]


def test_a_program_in_a_scope_runs_in_several_threads():
    inside = threading.Barrier(2)

    @name_count
    @scope(prefix="a")
    def model():
        draw("x")
        inside.wait(10)
        draw("x")

    found = {}
    threads = [threading.Thread(target=lambda at=at: found.update({at: names(model)})) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: ["a/x", "a/x__1"], 1: ["a/x", "a/x__1"]}


def test_an_exception_leaves_the_scope():
    with pytest.raises(ZeroDivisionError), scope(prefix="a"):
        raise ZeroDivisionError
    assert names(lambda: draw("x")) == ["x"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: scope(3), "scope() got 3 as its program, which cannot be called"),
        (lambda: scope(prefix=""), "scope() got prefix=''; it takes a string that is not empty."),
        (lambda: name_count("model"), "name_count() got 'model' as its program"),
        (lambda: scope().__enter__(), "scope() has no prefix. Write scope(prefix=...)"),
    ],
)
def test_mistakes_are_named(wrong, message):
    with pytest.raises(ArgumentError) as error:
        wrong()
    assert message in str(error.value)
