"""``vectorized_markov``: single steps where a program is run, blocks of steps where its variables are summed out."""

import itertools

import pytest
import torch
from scipy.stats import chi2

import virgil
import virgil.distributions as dist
from virgil import poutine
from virgil.errors import ArgumentError, PlateError
from virgil.infer import Predictive, TraceEnum_ELBO, config_enumerate
from virgil.poutine.enumeration import Enumerate, enumerated_dim
from virgil.poutine.runtime import installed

FIRST = torch.tensor([0.7, 0.3])
MOVES = torch.tensor([[0.9, 0.1], [0.4, 0.6]])
LOCS = torch.tensor([-1.0, 2.0])


def vectorized(size):
    return virgil.vectorized_markov("time", size, dim=-1)


def sequential(size):
    return virgil.markov(range(size))


def chain(loop, data=None, size=4):
    state, states = None, []
    for t in loop(size):
        state = virgil.sample(f"z_{t}", dist.Categorical(FIRST if state is None else MOVES[state]))
        virgil.sample(f"x_{t}", dist.Normal(LOCS[state], 1.0), obs=None if data is None else data[t])
        states.append(state)
    return states


def at_once(program, first=-2):
    """The trace of a program whose variables are summed out."""
    return poutine.trace(Enumerate(first, sums=True)(config_enumerate(program))).get_trace()


def rounds(size, history=1):
    found = []

    def program():
        found.extend(virgil.vectorized_markov("time", size, dim=-1, history=history))

    at_once(program)
    return [t if isinstance(t, int) else t.tolist() for t in found], [f"{t}" for t in found]


@pytest.mark.parametrize("handler", [None, poutine.trace(), poutine.enum(first_available_dim=-2)])
def test_whoever_runs_the_program_gets_single_steps(handler):
    def program():
        return list(vectorized(5))

    assert (handler(program) if handler else program)() == [0, 1, 2, 3, 4]


def test_a_prior_draw_is_that_of_the_sequential_chain():
    drawn = []
    for loop in (vectorized, sequential):
        virgil.set_rng_seed(3)
        drawn.append(poutine.trace(chain).get_trace(loop))
    assert list(drawn[0].nodes) == list(drawn[1].nodes)
    for name, site in drawn[0].nodes.items():
        if site.kind == "sample":
            assert torch.equal(site.value, drawn[1].nodes[name].value)
    assert drawn[0].log_prob_sum() == drawn[1].log_prob_sum()


@pytest.mark.parametrize("parallel", [True, False])
def test_prior_draws_follow_the_law_of_the_chain(parallel):
    """Chi-square over all paths; the bound is the quantile at 1 - 1e-6."""
    virgil.set_rng_seed(0)
    count = 4_000 if parallel else 1_000
    draws = Predictive(chain, num_samples=count, parallel=parallel)(vectorized, None, 3)
    paths = torch.stack([draws[f"z_{t}"] for t in range(3)], -1).reshape(-1, 3)
    statistic = 0.0
    for path in itertools.product(range(2), repeat=3):
        expected = count * float(FIRST[path[0]] * MOVES[path[0], path[1]] * MOVES[path[1], path[2]])
        found = int((paths == torch.tensor(path)).all(-1).sum())
        statistic += (found - expected) ** 2 / expected
    assert statistic < chi2.ppf(1 - 1e-6, 7)


@pytest.mark.parametrize(
    ("size", "history", "expected", "names"),
    [
        (4, 1, [0, [0, 1, 2], [1, 2, 3]], ["0", "0:3", "1:4"]),
        (5, 2, [0, 1, [0, 1, 2], [1, 2, 3], [2, 3, 4]], ["0", "1", "0:3", "1:4", "2:5"]),
        (3, 0, [[0, 1, 2]], ["0:3"]),
        (2, 1, [0, [0], [1]], ["0", "0:1", "1:2"]),
        (1, 1, [0], ["0"]),
        (2, 3, [0, 1], ["0", "1"]),
    ],
)
def test_the_rounds_of_blocks(size, history, expected, names):
    assert rounds(size, history) == (expected, names)


def test_the_number_of_rounds_does_not_depend_on_the_size():
    assert len(rounds(10_000, 2)[0]) == 5


def test_what_a_block_states():
    nodes = at_once(lambda: chain(vectorized, torch.zeros(4))).nodes
    assert [name for name, site in nodes.items() if site.kind == "sample"] == ["z_0", "x_0", "z_1:4", "x_1:4"]
    assert enumerated_dim(nodes["z_0:3"]) != enumerated_dim(nodes["z_1:4"])
    assert nodes["z_1:4"].log_prob.shape[-1] == 3
    assert [frame.size for frame in nodes["x_1:4"].frames] == [3]
    assert not nodes["x_0"].frames


def test_steps_are_indices_and_what_is_computed_from_them_is_a_plain_tensor():
    def program():
        for t in vectorized(5):
            data = torch.arange(10.0, 15.0)
            found.append((type(data[t]), data[t], data[t - 1], type(t - 1), str(t), f"x_{t}", "%s" % t))  # noqa: UP031

    found: list = []
    at_once(program)
    kind, now, before, index, *texts = found[-1]
    assert kind is index is torch.Tensor
    assert now.tolist() == [11.0, 12.0, 13.0, 14.0]
    assert before.tolist() == [10.0, 11.0, 12.0, 13.0]
    assert texts == ["1:5", "x_1:5", "1:5"]


@pytest.mark.parametrize("leave", ["break", "raise"])
def test_leaving_the_loop_leaves_nothing_behind(leave):
    def program():
        for number, _ in enumerate(vectorized(5)):
            if number == 2:
                if leave == "raise":
                    raise KeyError(leave)
                break
        virgil.sample("after", dist.Normal(torch.zeros(5), 1.0).to_event(1))

    if leave == "raise":
        with pytest.raises(KeyError):
            at_once(program)
    else:
        after = at_once(program).nodes["after"]
        assert not after.frames
        assert not after.steps
    assert installed() == ()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"size": 3, "dim": -1}, "name=None"),
        ({"name": "t", "dim": -1}, "'t' got size=None; it takes a whole number, 1 or more"),
        ({"name": "t", "size": 0, "dim": -1}, "size=0"),
        ({"name": "t", "size": 2.0, "dim": -1}, "size=2.0"),
        ({"name": "t", "size": 2}, "dim=None; it takes the batch dim of the steps"),
        ({"name": "t", "size": 2, "dim": 0}, "dim=0"),
        ({"name": "t", "size": 2, "dim": -1, "history": -1}, "history=-1"),
        ({"name": "t", "size": 2, "dim": -1, "history": True}, "history=True"),
    ],
)
def test_arguments_out_of_range_are_named_before_the_loop_begins(arguments, part):
    with pytest.raises(ArgumentError) as caught:
        virgil.vectorized_markov(**arguments)
    assert part in str(caught.value)


def test_a_dim_that_is_taken_is_named_in_every_run():
    def around():
        with virgil.plate("data", 3):
            vectorized(4)

    def inside():
        for t in vectorized(4):
            with virgil.plate(f"data_{t}", 3):
                virgil.sample(f"x_{t}", dist.Normal(0.0, 1.0))

    for run in (lambda program: poutine.trace(program)(), at_once):
        with pytest.raises(PlateError, match="'time' wants dim -1, which plate 'data' around it occupies"):
            run(around)
        with pytest.raises(PlateError, match="'x_0', plate 'data_0' is at dim -1, which vectorized_markov 'time'"):
            run(inside)


def test_a_chain_inside_another_is_named():
    def program():
        for _ in vectorized(3):
            virgil.vectorized_markov("inner", 2, dim=-2)

    for run in (lambda program: poutine.trace(program)(), at_once):
        with pytest.raises(ArgumentError, match="'inner' stands inside 'time'"):
            run(program)


def test_the_dim_counts_as_nesting_though_single_steps_do_not_use_it():
    def model(data):
        state, plate = torch.tensor(0), virgil.plate("data", 3, dim=-1)
        for t in virgil.vectorized_markov("time", len(data), dim=-3):
            state = virgil.sample(f"z_{t}", dist.Categorical(MOVES[state]))
            with plate:
                virgil.sample(f"x_{t}", dist.Normal(LOCS[state], 1.0), obs=data[t])

    data = torch.arange(12.0).reshape(4, 1, 3)
    flat = lambda data: chain_in_plate(data.squeeze(1))  # noqa: E731
    ours = TraceEnum_ELBO().loss(config_enumerate(model), lambda data: None, data)
    assert ours == pytest.approx(TraceEnum_ELBO().loss(config_enumerate(flat), lambda data: None, data), rel=1e-5)
    objective = TraceEnum_ELBO(max_plate_nesting=2)
    with pytest.raises(PlateError, match=r"at dim -3.*Set max_plate_nesting=3 or more"):
        objective.loss(config_enumerate(model), lambda data: None, data)


def chain_in_plate(data):
    state, plate = torch.tensor(0), virgil.plate("data", 3, dim=-1)
    for t in sequential(len(data)):
        state = virgil.sample(f"z_{t}", dist.Categorical(MOVES[state]))
        with plate:
            virgil.sample(f"x_{t}", dist.Normal(LOCS[state], 1.0), obs=data[t])
