"""DiscreteHMM against a sum over all paths, and against the same chain written as a sequential program."""

import itertools
import math

import pytest
import torch

import virgil
import virgil.distributions as dist
from virgil.errors import ArgumentError, ShapeError
from virgil.infer import Trace_ELBO, TraceEnum_ELBO, config_enumerate

INITIAL = torch.tensor([0.2, -0.3, 0.5], dtype=torch.float64)
MOVES = torch.tensor([[0.1, 0.4, -0.2], [0.9, -1.0, 0.0], [0.3, 0.2, 0.1]], dtype=torch.float64)
LOCS = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)
DATA = torch.tensor([0.3, 1.7, -0.4, 2.2], dtype=torch.float64)


def hmm(**changes):
    emission = dist.Normal(LOCS, torch.ones((), dtype=torch.float64)).expand([1, 3])
    return dist.DiscreteHMM(INITIAL, MOVES.unsqueeze(0), emission, **{"duration": 4, **changes})


def paths():
    """Probability of each path of states with the data, by hand."""
    start, moves = INITIAL.softmax(0), MOVES.softmax(1)
    for path in itertools.product(range(3), repeat=5):
        weight = start[path[0]].item()
        for step in range(4):
            weight *= moves[path[step], path[step + 1]].item()
            weight *= math.exp(-0.5 * (DATA[step] - LOCS[path[step + 1]]).item() ** 2) / math.sqrt(2 * math.pi)
        yield path, weight


def test_log_prob_is_the_sum_over_all_paths():
    assert hmm().log_prob(DATA).item() == pytest.approx(math.log(sum(weight for _, weight in paths())), rel=1e-12)


def test_the_filter_is_the_posterior_of_the_last_state():
    weights = torch.zeros(3, dtype=torch.float64)
    for path, weight in paths():
        weights[path[-1]] += weight
    torch.testing.assert_close(hmm().filter(DATA).probs, weights / weights.sum())


def test_it_is_the_program_that_sums_its_states_one_after_another():
    @config_enumerate
    def program():
        state = virgil.sample("start", dist.Categorical(logits=INITIAL))
        for t in virgil.markov(range(4)):
            state = virgil.sample(f"state_{t}", dist.Categorical(logits=MOVES[state]))
            virgil.sample(f"x_{t}", dist.Normal(LOCS[state], torch.ones((), dtype=torch.float64)), obs=DATA[t])

    assert TraceEnum_ELBO().loss(program, lambda: None) == pytest.approx(-hmm().log_prob(DATA).item(), rel=1e-10)


def test_steps_may_have_transitions_and_observations_of_their_own():
    many = dist.DiscreteHMM(
        INITIAL, MOVES.expand(4, 3, 3), dist.Normal(LOCS, torch.ones((), dtype=torch.float64)).expand([4, 3])
    )
    torch.testing.assert_close(many.log_prob(DATA), hmm().log_prob(DATA))
    assert many.event_shape == (4,)


def homogeneous(**changes):
    emission = dist.Normal(LOCS, torch.ones((), dtype=torch.float64))
    return dist.DiscreteHMM(INITIAL, MOVES, emission, **changes)


@pytest.mark.parametrize("length", [1, 2, 4])
def test_without_time_dims_a_series_may_have_any_length(length):
    """Against the sum over all paths of that length."""
    start, moves, total = INITIAL.softmax(0), MOVES.softmax(1), 0.0
    for path in itertools.product(range(3), repeat=length + 1):
        weight = start[path[0]].item()
        for step in range(length):
            weight *= moves[path[step], path[step + 1]].item()
            weight *= math.exp(dist.Normal(LOCS[path[step + 1]], 1.0).log_prob(DATA[step]).item())
        total += weight
    for fn in (
        homogeneous(),
        homogeneous(duration=length),
        dist.DiscreteHMM(INITIAL, MOVES[None], homogeneous().observation_dist),
    ):
        assert fn.log_prob(DATA[:length]).item() == pytest.approx(math.log(total), rel=1e-10)


def test_any_length_with_batches_and_the_shape_algebra():
    """Rows of a batch are series of their own, each with the value that it has alone."""
    data = torch.stack([DATA, DATA.flip(0), 0.5 * DATA])
    rows = torch.stack([homogeneous().log_prob(row) for row in data])
    torch.testing.assert_close(homogeneous().log_prob(data), rows)
    torch.testing.assert_close(homogeneous().expand((3,)).log_prob(data), rows)
    torch.testing.assert_close(homogeneous().expand((3,)).to_event(1).log_prob(data), rows.sum())
    torch.testing.assert_close(homogeneous().expand((3,)).to_event(1).expand((2,)).log_prob(data), rows.sum().expand(2))
    starts = torch.stack([INITIAL, INITIAL.flip(0), 2 * INITIAL])
    moves = torch.stack([MOVES, MOVES.T, 2 * MOVES])
    batch = dist.DiscreteHMM(starts, moves.unsqueeze(1), homogeneous().observation_dist)
    assert (batch.batch_shape, batch.event_dim) == ((3,), 1)
    alone = [
        dist.DiscreteHMM(start, move, homogeneous().observation_dist).log_prob(row)
        for start, move, row in zip(starts, moves, data, strict=True)
    ]
    torch.testing.assert_close(batch.log_prob(data), torch.stack(alone))
    mask = torch.tensor([True, False, True])
    torch.testing.assert_close(batch.mask(mask).log_prob(data), torch.stack(alone) * mask)
    torch.testing.assert_close(homogeneous().filter(data).probs[1], homogeneous().filter(data[1]).probs)


def test_a_model_of_any_length_is_a_likelihood_in_a_plate():
    data = torch.stack([DATA, DATA.flip(0), 0.5 * DATA])

    def model():
        with virgil.plate("series", 3):
            virgil.sample("x", homogeneous(), obs=data)

    loss = Trace_ELBO().loss(model, lambda: None)
    assert loss == pytest.approx(-homogeneous().log_prob(data).sum().item(), rel=1e-6)


def test_a_draw_needs_a_length():
    assert homogeneous(duration=5).sample((2,)).shape == (2, 5)
    with pytest.raises(ArgumentError, match=r"no number of steps.*Pass duration="):
        homogeneous().sample()
    with pytest.raises(ShapeError, match=r"value of shape \(\); it takes at least one step"):
        homogeneous().log_prob(torch.zeros((), dtype=torch.float64))
    with pytest.raises(ValueError, match="support"):
        homogeneous().log_prob(torch.full((3,), math.nan, dtype=torch.float64))


def test_an_impossible_series_has_no_slope():
    """In both states the observation is impossible: minus infinity, and a derivative of 0, not NaN."""
    initial = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    emission = dist.Bernoulli(logits=torch.full((2,), -torch.inf, dtype=torch.float64))
    value = dist.DiscreteHMM(initial, torch.zeros(2, 2, dtype=torch.float64), emission).log_prob(
        torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    )
    assert value == -torch.inf
    assert torch.autograd.grad(value, initial)[0].tolist() == [0.0, 0.0]


def test_observations_with_events():
    emission = (
        dist.Normal(LOCS.unsqueeze(-1).expand(3, 2), torch.ones((), dtype=torch.float64)).to_event(1).expand([1, 3])
    )
    pair = dist.DiscreteHMM(INITIAL, MOVES.unsqueeze(0), emission, duration=4)
    value = torch.stack([DATA, DATA.flip(0)], -1)
    assert pair.event_shape == (4, 2)
    assert pair.log_prob(value).shape == ()
    assert pair.sample((5,)).shape == (5, 4, 2)


def test_samples_have_the_marginal_mean():
    """Mean of the last observation by propagating the states; 20,000 draws, |z| < 5: false alarm below 1e-6."""
    virgil.set_rng_seed(0)
    share = INITIAL.softmax(0)
    for _ in range(4):
        share = share @ MOVES.softmax(1)
    mean = (share * LOCS).sum().item()
    spread = math.sqrt((share * LOCS.square()).sum().item() - mean**2 + 1)
    drawn = hmm().sample((20_000,))[:, -1].mean().item()
    assert abs(drawn - mean) < 5 * spread / math.sqrt(20_000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transition_logits": MOVES[0]}, r"must end in \(steps or 1, 3, 3\), or be \(3, 3\)"),
        ({"transition_logits": MOVES[:2]}, r"must end in \(steps or 1, 3, 3\), or be \(3, 3\)"),
        ({"observation_dist": dist.Normal(0.0, 1.0)}, r"must end in \(steps or 1, 3\), or be \(3,\)"),
        ({"observation_dist": dist.Normal(LOCS[:2], 1.0)}, r"must end in \(steps or 1, 3\), or be \(3,\)"),
        ({"transition_logits": MOVES.expand(2, 3, 3), "duration": 1}, r"the numbers of steps \[1, 2\] differ"),
        ({"transition_logits": MOVES.expand(5, 3, 3)}, r"the numbers of steps \[4, 5\] differ"),
    ],
)
def test_shapes_that_do_not_fit_are_named(arguments, message):
    emission = dist.Normal(LOCS, torch.ones((), dtype=torch.float64)).expand([1, 3])
    fields = {"transition_logits": MOVES.unsqueeze(0), "observation_dist": emission, "duration": 4, **arguments}
    with pytest.raises(ShapeError, match=message):
        dist.DiscreteHMM(INITIAL, **fields)
