"""Names from distributions, functions and loops."""

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.contrib.autoname import autoname, sample, scope
from virgil.contrib.autoname.automatic import fresh_name
from virgil.errors import ArgumentError, DuplicateSiteError


def coin():
    return dist.Bernoulli(0.5)


@autoname
def toss():
    sample(coin())


def names(program, *args):
    return poutine.trace(program).get_trace(*args).stochastic_nodes


def test_sites_are_named_after_their_distribution_and_numbered():
    @autoname
    def model():
        sample(coin())
        sample(coin())
        sample("x", coin())
        sample("x", coin())
        sample(dist.Normal(0.0, 1.0).expand([2]).to_event(1))
        virgil.sample("x", coin())

    assert names(model) == ["model/Bernoulli", "model/Bernoulli1", "model/x", "model/x1", "model/Independent", "x"]


def test_functions_are_scopes_that_are_numbered():
    @autoname
    def model():
        toss()
        toss()
        sample(coin())

    assert names(model) == ["model/toss/Bernoulli", "model/toss__1/Bernoulli", "model/Bernoulli"]
    assert names(model) == names(model)


def test_rounds_of_a_loop_are_scopes():
    @autoname(name="chain")
    def model():
        for _ in autoname(range(2), name="time"):
            sample(coin())
            toss()

    assert names(model) == [
        "chain/time/Bernoulli",
        "chain/time/toss/Bernoulli",
        "chain/time__1/Bernoulli",
        "chain/time__1/toss/Bernoulli",
    ]


def test_rounds_are_numbered_outside_of_all_scopes_as_well():
    def model():
        for _ in autoname(range(3), name="time"):
            sample(coin())

    assert names(model) == ["time/Bernoulli", "time__1/Bernoulli", "time__2/Bernoulli"]


def test_a_sequential_plate_names_its_rounds():
    @autoname
    def model():
        for _ in autoname(virgil.plate("rows", 2)):
            sample(coin())

    assert names(model) == ["model/rows/Bernoulli", "model/rows__1/Bernoulli"]


def test_a_loop_that_is_left_leaves_its_scope():
    @autoname
    def model():
        for _ in autoname(range(2), name="time"):
            sample(coin())
            break
        sample(coin())

    assert names(model) == ["model/time/Bernoulli", "model/Bernoulli"]


def test_blocks_are_scopes_and_share_their_numbers_with_sites():
    @autoname
    def model():
        with autoname(name="a"):
            sample("x", coin())
            with autoname(name="a"):
                sample("x", coin())
        with autoname(name="a"):
            sample("x", coin())
        sample("a", coin())

    assert names(model) == ["model/a/x", "model/a/a/x", "model/a__1/x", "model/a2"]


def test_a_number_does_not_take_a_name_that_is_given():
    @autoname
    def model():
        for name in ("x1", "x", "x"):
            sample(name, coin())

    assert names(model) == ["model/x1", "model/x", "model/x2"]


def test_recursion_nests_scopes():
    @autoname
    def tree(depth):
        sample(coin())
        if depth:
            tree(depth - 1)

    assert names(tree, 2) == ["tree/Bernoulli", "tree/tree/Bernoulli", "tree/tree/tree/Bernoulli"]


def test_prefixes_of_scope_stand_before():
    @autoname
    def model():
        with scope(prefix="s"):
            sample("x", coin())

    assert names(scope(model, prefix="t")) == ["t/s/model/x"]


def test_sample_takes_the_arguments_of_the_statement():
    @autoname
    def model():
        sample("x", dist.Normal(0.0, 1.0), obs=torch.tensor(1.0))
        return sample(dist.Normal(0.0, 1.0), [3], infer={"mark": 1})

    trace = poutine.trace(model).get_trace()
    assert trace["model/x"].observed
    assert trace["model/Normal"].infer == {"mark": 1}
    assert trace["_RETURN"].value.shape == (3,)


def test_outside_of_all_scopes_the_name_stays():
    def model():
        sample(coin())
        sample("x", coin())
        return fresh_name("y"), fresh_name("y")

    assert names(model) == ["Bernoulli", "x"]
    assert model() == ("y", "y")
    assert autoname(model)() == ("y", "y1")
    with pytest.raises(DuplicateSiteError, match="'toss/Bernoulli' is declared twice"):
        names(lambda: (toss(), toss()))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: autoname(range(2)), "autoname() got range(0, 2) to iterate, which has no name"),
        (lambda: autoname(3), "autoname() got 3 as its program, which cannot be called"),
        (lambda: autoname(name=3), "autoname() got name=3; it takes a string"),
        (lambda: autoname().__enter__(), "autoname() has no name."),
        (lambda: sample(), "sample() got no distribution."),
        (lambda: sample("x"), "sample() got no distribution."),
        (lambda: sample("x", 3), "At site 'x', sample() got 3, which is no distribution."),
    ],
)
def test_mistakes_are_named(wrong, message):
    with pytest.raises(ArgumentError) as error:
        wrong()
    assert message in str(error.value)
