"""``plate``: vectorised, iterated, nested; its dims, its indices, its errors."""

import itertools
import re

import numpy as np
import pytest
import torch
from torch import distributions as td

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import FitWarning, PlateError, ShapeError
from virgil.poutine.runtime import installed

NORMAL = dist.Normal(0.0, 1.0)


def test_a_plate_broadcasts_what_is_inside():
    with virgil.plate("data", 4) as indices:
        x = virgil.sample("x", NORMAL)
        y = virgil.sample("y", dist.Normal(torch.zeros(4), 1.0))
        z = virgil.sample("z", dist.MultivariateNormal(torch.zeros(2), torch.eye(2)))
    assert (x.shape, y.shape, z.shape) == ((4,), (4,), (4, 2))
    assert indices.tolist() == [0, 1, 2, 3]
    assert len(set(x.tolist())) == 4
    assert len(virgil.plate("other", 4)) == 4


def test_nested_plates_take_the_free_dims_from_the_right():
    with virgil.plate("a", 2), virgil.plate("b", 3), virgil.plate("c", 4):
        x = virgil.sample("x", NORMAL)
    assert x.shape == (4, 3, 2)


def test_explicit_dims_and_gaps():
    with virgil.plate("a", 2, dim=-3), virgil.plate("b", 3):
        assert virgil.sample("x", NORMAL).shape == (2, 1, 3)
    with virgil.plate("c", 3, dim=-1), virgil.plate("d", 2):
        assert virgil.sample("y", NORMAL).shape == (2, 3)
    with virgil.plate("e", 2, dim=-2):
        assert virgil.sample("z", NORMAL).shape == (2, 1)


def test_two_plates_side_by_side_may_share_a_dim():
    with virgil.plate("a", 2, dim=-1):
        virgil.sample("x", NORMAL)
    with virgil.plate("b", 3, dim=-1):
        assert virgil.sample("y", NORMAL).shape == (3,)


def test_a_plate_is_made_once_and_entered_often():
    def model():
        rows, columns = virgil.plate("rows", 3, dim=-2), virgil.plate("columns", 5, subsample_size=2, dim=-1)
        with rows:
            a = virgil.sample("a", NORMAL)
        with columns as first:
            b = virgil.sample("b", NORMAL)
        with rows, columns as second:
            c = virgil.sample("c", dist.Normal(a + b, 1.0))
        assert torch.equal(first, second)
        return a, b, c

    trace = poutine.trace(model).get_trace()
    assert [value.shape for value in trace.nodes["_RETURN"]["value"]] == [(3, 1), (2,), (3, 2)]


def test_iteration_runs_the_body_once_a_slot():
    def model():
        for i in virgil.plate("data", 5, subsample_size=3):
            virgil.sample(f"x_{i}", NORMAL)
            assert len(installed()) == 2
        assert len(installed()) == 1

    trace = poutine.trace(model).get_trace()
    frames = [trace.nodes[name]["cond_indep_stack"][0] for name in trace.stochastic_nodes]
    assert [frame.counter for frame in frames] == [0, 1, 2]
    assert {(frame.dim, frame.size, frame.full_size) for frame in frames} == {(None, 3, 5)}
    assert not frames[0].vectorized


def test_iterated_and_vectorised_plates_have_the_same_density():
    data = torch.randn(4)

    def vectorised():
        with virgil.plate("outer", 2, dim=-2), virgil.plate("data", 4, dim=-1):
            virgil.sample("x", NORMAL, obs=data.expand(2, 4))

    def iterated():
        for o in virgil.plate("outer", 2):
            for i in virgil.plate(f"data_{o}", 4):
                virgil.sample(f"x_{o}_{i}", NORMAL, obs=data[i])

    def mixed():
        for o in virgil.plate("outer", 2):
            with virgil.plate(f"data_{o}", 4):
                virgil.sample(f"x_{o}", NORMAL, obs=data)

    expected = 2 * td.Normal(0.0, 1.0).log_prob(data).sum()
    for program in (vectorised, iterated, mixed):
        assert torch.isclose(poutine.trace(program).get_trace().log_prob_sum(), expected)


@pytest.mark.parametrize("iterate", [False, True])
def test_the_density_of_mini_batches_averages_to_that_of_all(iterate):
    """Exactly, over all subsets: each slot lies in the same share of them."""
    data, size, count = torch.randn(5), 5, 2

    def model(subsample):
        plate = virgil.plate("data", size, subsample=subsample)
        if iterate:
            for i in plate:
                virgil.sample(f"x_{i}", NORMAL, obs=data[i])
        else:
            with plate as indices:
                virgil.sample("x", NORMAL, obs=data[indices])

    subsets = list(itertools.combinations(range(size), count))
    sums = [poutine.trace(model).get_trace(list(subset)).log_prob_sum() for subset in subsets]
    assert torch.isclose(torch.stack(sums).mean(), td.Normal(0.0, 1.0).log_prob(data).sum())
    assert torch.stack(sums).std() > 0.1


def test_guide_and_model_share_indices_by_name():
    def program():
        with virgil.plate("data", 100, subsample_size=5) as indices:
            virgil.sample("z", NORMAL)
        return indices

    guide = poutine.trace(program).get_trace()
    assert torch.equal(poutine.replay(program, trace=guide)(), guide.nodes["_RETURN"]["value"])
    assert not torch.equal(program(), guide.nodes["_RETURN"]["value"])


def test_subsample_cuts_data_to_the_mini_batch():
    data = torch.arange(24.0).reshape(4, 6)
    with virgil.plate("rows", 4, subsample_size=2, dim=-2) as rows, virgil.plate("columns", 6, dim=-1):
        assert torch.equal(virgil.subsample(data, event_dim=0), data[rows])
        assert torch.equal(virgil.subsample(data.unsqueeze(-1).expand(4, 6, 3), event_dim=1)[..., 0], data[rows])
        once = torch.ones(1, 6)
        assert virgil.subsample(once, event_dim=0) is once
        assert virgil.subsample(data[rows], event_dim=0).shape == (2, 6)  # cut already
    rows, columns = virgil.plate("r", 4, subsample_size=2, dim=-2), virgil.plate("c", 6, subsample_size=3, dim=-1)
    with rows, columns:
        assert torch.equal(virgil.subsample(data, event_dim=0), data[rows.indices][:, columns.indices])
    assert virgil.subsample(data, event_dim=0) is data
    with (
        virgil.plate("wrong", 5, subsample_size=2),
        pytest.raises(PlateError, match=r"data of shape \(4, 6\).*full size 5"),
    ):
        virgil.subsample(data, event_dim=0)
    with pytest.raises(virgil.errors.ArgumentError, match="event_dim=-1; it takes a whole number, 0 or more"):
        virgil.subsample(data, event_dim=-1)


def test_a_parameter_with_event_dim_is_cut_and_still_learnt():
    def read():
        with virgil.plate("data", 6, subsample_size=2) as indices:
            return (
                indices,
                virgil.param("p", torch.arange(6.0), event_dim=0),
                virgil.param("w", torch.ones(6, 3), event_dim=1),
            )

    indices, p, w = read()
    assert torch.equal(p, indices.float())
    assert w.shape == (2, 3)
    assert p.unconstrained().shape == (6,)
    p.sum().backward()
    expected = torch.zeros(6)
    expected[indices] = 1.0
    assert torch.equal(p.unconstrained().grad, expected)
    assert virgil.param("p").shape == (6,)


def test_a_plate_decorates_a_function():
    @virgil.plate("data", 3)
    def body():
        """Documented."""
        return virgil.sample("x", NORMAL)

    assert body().shape == (3,)
    assert body().shape == (3,)
    assert body.__doc__ == "Documented."
    assert installed() == ()


def test_plate_stack():
    with virgil.plate_stack("p", [2, 3, 4]):
        assert virgil.sample("x", NORMAL).shape == (2, 3, 4)
    with virgil.plate_stack("p", [2, 3], rightmost_dim=-2):
        trace = poutine.trace(lambda: virgil.sample("x", NORMAL)).get_trace()
    assert trace.nodes["x"]["value"].shape == (2, 3, 1)
    assert {f.name: (f.dim, f.size) for f in trace.nodes["x"]["cond_indep_stack"]} == {"p_0": (-3, 2), "p_1": (-2, 3)}
    with (
        pytest.raises(virgil.errors.ArgumentError, match="rightmost_dim=0; a dim counts from the right"),
        virgil.plate_stack("q", [2], 0),
    ):
        pass
    assert installed() == ()


@pytest.mark.parametrize("size", [5, np.int64(5), np.int32(5), torch.tensor(5), np.array(5)])
def test_sizes_of_other_integer_types(size):
    plate = virgil.plate(
        "data", size, subsample_size=type(size)(2) if isinstance(size, np.integer) else 2, dim=np.int64(-2)
    )
    assert (type(plate.size), plate.size, len(plate), plate.dim) == (int, 5, 2, -2)
    with plate:
        assert virgil.sample("x", NORMAL).shape == (2, 1)


def test_subsample_given_as_indices():
    for indices in ([4, 0], torch.tensor([4, 0]), np.array([4, 0]), (4, 0)):
        with virgil.plate("data", 5, subsample=indices) as given:
            assert given.tolist() == [4, 0]
            trace = poutine.trace(lambda: virgil.sample("x", NORMAL)).get_trace()
        assert trace.nodes["x"]["cond_indep_stack"][0].weight == 2.5
    assert virgil.plate("data", subsample=torch.arange(3)).size == 3


@pytest.mark.parametrize("dim", [-1, -2])
def test_a_plate_without_a_size_has_that_of_what_stands_in_it_first(dim):
    shape = (5, *(1,) * (-1 - dim))

    def model(first, data, size=None):
        made = virgil.plate("data", size, dim=dim)
        with made as indices:
            virgil.deterministic("nothing", torch.zeros(()))
            z = virgil.sample("z", first)
            virgil.sample("x", dist.Normal(z, 1.0), obs=data[indices])
        with made:
            virgil.sample("again", NORMAL)
        return len(made), made.size, made.indices

    data = torch.randn(shape)
    for first in (dist.Normal(torch.zeros(shape), 1.0), dist.Normal(torch.zeros(shape[1:] or (5,)).expand(shape), 1.0)):
        got = poutine.trace(model).get_trace(first, data)
        virgil.set_rng_seed(0)
        expected = poutine.replay(model, trace=got)
        expected = poutine.trace(expected).get_trace(first, data, 5)
        assert got.nodes["_RETURN"]["value"][:2] == (5, 5)
        assert torch.equal(got.nodes["_RETURN"]["value"][2], torch.arange(5))
        assert torch.equal(got.log_prob_sum(), expected.log_prob_sum())
        assert got.nodes["again"]["value"].shape == shape
        for name in ("z", "x", "again"):
            assert got.nodes[name]["cond_indep_stack"] == expected.nodes[name]["cond_indep_stack"]


def test_a_plate_without_a_size_has_that_of_the_data_where_the_distribution_has_one_for_all():
    with virgil.plate("data"):
        trace = poutine.trace(lambda: virgil.sample("x", NORMAL.expand([1]), obs=torch.zeros(5))).get_trace()
    assert trace.nodes["x"]["cond_indep_stack"][0].size == 5
    assert trace.nodes["x"].fn.batch_shape == (5,)


def test_the_indices_answer_as_a_distribution_does():
    site = poutine.trace(lambda: virgil.plate("data", 10, subsample_size=4)).get_trace().nodes["data"]
    fn = site["fn"]
    assert (fn.event_shape, fn.batch_shape, fn.has_rsample, fn.event_dim) == ((4,), (), False, 1)
    assert fn.sample().shape == (4,)
    assert fn.log_prob(site["value"]) == 0.0
    assert repr(fn) == "SubsampleIndices(size=10, subsample_size=4)"
    with pytest.raises(PlateError, match=r"one mini-batch at a time, but sample_shape is \(2,\)"):
        fn.sample((2,))


def _entered(**first):
    def enter(**second):
        with virgil.plate(**{"name": "a", "size": 2, **first}), virgil.plate(**{"name": "b", "size": 3, **second}):
            pass

    return enter


ERRORS = [
    (lambda: virgil.plate("p", subsample_size=2), "Plate 'p' has no size. Write plate('p', size)"),
    (lambda: list(virgil.plate("p")), "Plate 'p' has no size, and nothing stated inside has given it one yet"),
    (lambda: len(virgil.plate("p")), "Plate 'p' has no size, and nothing stated inside has given it one yet"),
    (
        lambda: virgil.plate("p")(lambda: virgil.sample("x", NORMAL))(),
        "Plate 'p' was made without a size, and its first site 'x' has no batch dim -1 to take it from",
    ),
    (lambda: virgil.plate("p", 0), "Plate 'p' has size 0; it must be a positive integer"),
    (lambda: virgil.plate("p", 2.5), "Plate 'p' has size 2.5; it must be a positive integer"),
    (lambda: virgil.plate("p", torch.tensor(2.0)), "it must be a positive integer"),
    (lambda: virgil.plate("p", 3, subsample_size=4), "subsample_size=4; it must be between 1 and its size, 3"),
    (lambda: virgil.plate("p", 3, subsample_size=0), "subsample_size=0; it must be between 1 and its size, 3"),
    (lambda: virgil.plate("p", 3, subsample_size=1.5), "subsample_size=1.5; it must be between 1 and its size, 3"),
    (lambda: virgil.plate("p", 3, 2, [0]), "got 1 indices in subsample, but subsample_size=2. Give only one"),
    (lambda: virgil.plate("p", 2, subsample=torch.zeros(0).long()), "got no indices in subsample"),
    (lambda: virgil.plate("p", 3, subsample=[0.5, 1.5]), "dtype torch.float32; it takes a list of indices"),
    (lambda: virgil.plate("p", 3, subsample=torch.tensor([True, False])), "To leave slots out, use poutine.mask"),
    (lambda: virgil.plate("p", 4, subsample=torch.zeros(2, 2).long()), "a subsample of shape (2, 2)"),
    (lambda: virgil.plate("p", 3, dim=0), "Plate 'p' has dim=0; a plate's dim counts from the right and is negative"),
    (lambda: virgil.plate("p", 3, dim=-1.0), "Plate 'p' has dim=-1.0"),
    (_entered(name="b"), "Plate 'b' is entered inside itself. Give the inner plate a name of its own"),
    (lambda: _entered(dim=-1)(dim=-1), "Plate 'b' wants dim -1, which plate 'a' around it occupies. Leave dim out"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors(call, message):
    with pytest.raises(PlateError, match=re.escape(message)):
        call()
    assert installed() == ()


@pytest.mark.parametrize(
    ("size", "indices", "message"),
    [
        (
            2,
            [0, 1, 0],
            "Plate 'p' got 3 indices in subsample, more than its size 2, so that each counts less",
        ),
        (
            3,
            [0, 3],
            "Plate 'p' got indices from 0 to 3 in subsample, where its size is 3: they should lie between 0 and 2",
        ),
        (3, [-1, 1], "Plate 'p' got indices from -1 to 1 in subsample"),
    ],
)
def test_indices_that_do_not_fit_the_size_are_doubtful(size, indices, message):
    with pytest.warns(FitWarning, match=re.escape(message)) as caught:
        made = virgil.plate("p", size, subsample=indices)
    assert (made.indices.tolist(), caught[0].filename) == (indices, __file__)
    with made:
        trace = poutine.trace(lambda: virgil.sample("x", NORMAL)).get_trace()
    assert trace.nodes["x"]["cond_indep_stack"][0].weight == size / len(indices)


def test_a_distribution_that_does_not_fit_is_refused_by_name():
    message = r"At site 'x'.* batch shape \(4,\) has size 4 at dim -1, where plate 'data' has size 3\. Make it 3 or 1"
    with virgil.plate("data", 3), pytest.raises(ShapeError, match=message) as error:
        virgil.sample("x", dist.Normal(torch.zeros(4), 1.0))
    assert error.value.site == "x"
