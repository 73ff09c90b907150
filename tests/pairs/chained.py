"""Models with a ``vectorized_markov``: mistakes with their errors, and some that fit."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.pairs.enumerated import EACH, MOVES, flip, nothing, pick
from tests.pairs.mistake import raised
from virgil import poutine
from virgil.errors import ArgumentError, DuplicateSiteError, MismatchError, PlateError, ShapeError, SiteError
from virgil.infer import config_enumerate
from virgil.ops.indexing import Vindex

X = torch.tensor([0.4, -1.0, 2.0, 0.3, 1.1, -0.2])
LOCS = torch.tensor([-1.0, 1.0])


def steps(size=6, dim=-1, history=1):
    return virgil.vectorized_markov("time", size, dim=dim, history=history)


def see(name, loc, value):
    virgil.sample(name, dist.Normal(loc, 1.0), obs=value)


def body(step):
    """A model whose loop calls ``step(t, state)``, which states a round and returns its state."""

    @config_enumerate
    def model():
        state = torch.tensor(0)
        for t in steps():
            state = step(t, state)

    return model


def plain(t, state):
    state = pick(f"z_{t}", state)
    see(f"x_{t}", LOCS[state], X[t])
    return state


# mistakes


def states_without_step(t, state):
    state = pick("z", state)
    see(f"x_{t}", LOCS[state], X[t])
    return state


def with_a_normal(t, state):
    noise = virgil.sample(f"noise_{t}", dist.Normal(0.0, 1.0))
    state = pick(f"z_{t}", state)
    see(f"x_{t}", LOCS[state] + noise, X[t])
    return state


def one_step_unmarked(t, state):
    return pick(f"z_{t}", state, infer={"enumerate": None})


def formatted(t, state):
    return pick(f"z_{t:02d}", state)


def late_change(t, state):
    logits = MOVES[0] if isinstance(t, int) and t < 3 else MOVES[state]
    state = virgil.sample(f"z_{t}", dist.Categorical(logits=logits))
    see(f"x_{t}", LOCS[state], X[t])
    return state


def seen_alone(t, state):
    state = pick(f"z_{t}", state)
    if isinstance(t, int):
        see(f"x_{t}", LOCS[state], X[t])
    return state


def seen_together(t, state):
    state = pick(f"z_{t}", state)
    if not isinstance(t, int):
        see(f"x_{t}", LOCS[state], X[t])
    return state


def not_at_first(t, state):
    if not (isinstance(t, int) and t == 0):
        state = pick(f"z_{t}", state)
    see(f"x_{t}", LOCS[state], X[t])
    return state


def more_values_later(t, state):
    shape = (2,) if isinstance(t, int) and t == 0 else (*state.shape, 3)
    state = virgil.sample(f"z_{t}", dist.Categorical(logits=torch.ones(shape) * (1 + state.unsqueeze(-1))))
    see(f"x_{t}", state.float(), X[t])
    return state


def summed_over_steps(t, state):
    state = pick(f"z_{t}", state)
    see(f"x_{t}", LOCS[state] + X[t].sum(), X[t])
    return state


def scaled_by_step(t, state):
    with poutine.scale(scale=torch.arange(1.0, 7.0)[t]):
        return plain(t, state)


def own_plate(t, state):
    with virgil.plate(f"data_{t}", 2):
        return pick(f"z_{t}", state)


def other_values_at_first(t, state):
    first = isinstance(t, int) and t == 0
    state = virgil.sample(
        f"z_{t}", _FromOne(logits=MOVES[0], validate_args=False) if first else dist.Categorical(logits=MOVES[state % 2])
    )
    see(f"x_{t}", LOCS[state % 2], X[t])
    return state


class _FromOne(dist.Categorical):
    """Its values are 1 and 2."""

    support = torch.distributions.constraints.integer_interval(1, 2)

    def enumerate_support(self, expand=True):
        return super().enumerate_support(expand) + 1

    def log_prob(self, value):
        return super().log_prob(value - 1)

    def sample(self, sample_shape=()):
        return super().sample(sample_shape) + 1


def counted():
    """The counter is that of the rounds, not the step."""
    state = torch.tensor(0)
    for number, t in enumerate(steps()):
        state = pick(f"z_{t}", state)
        see(f"x_{t}", LOCS[state], X[number])


def masked_or_scaled(handler):
    """The handler is that of the round."""

    def model():
        state = torch.tensor(0)
        for number, t in enumerate(steps()):
            state = pick(f"z_{t}", state)
            with handler(number):
                see(f"x_{t}", LOCS[state], X[t])

    return config_enumerate(model)


def counter_in_names():
    state = torch.tensor(0)
    for number, _ in enumerate(steps()):
        state = pick(f"z_{number}", state)


def accumulated():
    state, drift = torch.tensor(0), 0.0
    for t in steps():
        state, drift = pick(f"z_{t}", state), drift + 0.1
        see(f"x_{t}", LOCS[state] + drift, X[t])


def two_back(history):
    def model():
        past = [torch.tensor(0)] * 3
        for t in steps(history=history):
            past.append(pick(f"z_{t}", past[-1]))
            see(f"x_{t}", LOCS[past[-1]] + 0.5 * past[-3], X[t])

    return config_enumerate(model)


def left_early():
    state = torch.tensor(0)
    for t in steps():
        state = plain(t, state)
        if isinstance(t, int) and t == 3:
            break


def seen_after():
    state = torch.tensor(0)
    for t in steps():
        state = plain(t, state)
    see("y", LOCS[state], X[0])


def above_a_plate_of_states():
    above = state = torch.tensor(0)
    plate = virgil.plate("data", 2, dim=-1)
    for t in steps(dim=-2):
        above = pick(f"above_{t}", above)
        with plate:
            state = virgil.sample(f"z_{t}", dist.Categorical(logits=MOVES[state] + MOVES[above]))
            see(f"x_{t}", LOCS[state], X[:2])


def stated_in_the_guide():
    state = torch.tensor(0)
    for t in steps():
        state = pick(f"z_{t}", state)


AT_ONCE = "the log-probability of steps stated at once is not that of each step alone, as at"

_MISTAKES = {
    "no step in a name": (body(states_without_step), nothing, DuplicateSiteError, ["'z' is declared twice"]),
    "another counter in names": (
        config_enumerate(counter_in_names),
        nothing,
        ArgumentError,
        ["Site 'z_1' in vectorized_markov 'time' lacks the step in its name", "'0:5'", "f'x_{t}'"],
    ),
    "a format of one number": (body(formatted), nothing, ArgumentError, ["0:5", "formatted by '02d'", "f'x_{t}'"]),
    "a normal variable": (
        body(with_a_normal),
        lambda: [virgil.sample(f"noise_{t}", dist.Normal(0.0, 1.0)) for t in range(6)],
        ArgumentError,
        ["Site 'noise_0:5' in vectorized_markov 'time' is latent and not marked", "before the loop", "virgil.markov"],
    ),
    "a variable that is not marked": (body(one_step_unmarked), nothing, ArgumentError, ["'z_0:5'", "Mark it if it is"]),
    "two steps back": (two_back(1), nothing, ShapeError, ["At site 'x_1:6'", "values of 'z_0'", "a larger history="]),
    "another distribution later": (body(late_change), nothing, ShapeError, ["At site 'z_1:6'", f"{AT_ONCE} 'z_1'"]),
    "indexed by another counter": (
        config_enumerate(counted),
        nothing,
        ShapeError,
        ["At site 'x_1:6'", f"{AT_ONCE} 'x_1'", "indexed by the loop's own t"],
    ),
    "masked by another counter": (
        masked_or_scaled(lambda number: poutine.mask(mask=torch.arange(6)[number] < 3)),
        nothing,
        ShapeError,
        ["At site 'x_1:6'", f"{AT_ONCE} 'x_3'"],
    ),
    "scaled by another counter": (
        masked_or_scaled(lambda number: poutine.scale(scale=1.0 + number)),
        nothing,
        ShapeError,
        ["At site 'x_1:6'", f"{AT_ONCE} 'x_1'"],
    ),
    "taken over from round to round": (config_enumerate(accumulated), nothing, ShapeError, [f"{AT_ONCE} 'x_1'"]),
    "summed over steps": (body(summed_over_steps), nothing, ShapeError, [f"{AT_ONCE} 'x_1'"]),
    "stated alone only": (body(seen_alone), nothing, SiteError, ["'x_1'", "stated in its step alone, but not where"]),
    "stated together only": (body(seen_together), nothing, SiteError, ["'x_1'", "part of 'x_1:6'", "not stated alone"]),
    "left early": (config_enumerate(left_early), nothing, SiteError, ["'z_4'", "part of 'z_1:6'", "not stated alone"]),
    "one step conditioned": (
        poutine.condition(body(plain), data={"z_3": torch.tensor(1)}),
        nothing,
        SiteError,
        ["'z_3' of a vectorized_markov is observed, but 'z_1:6'", "is latent", "poutine.condition", "virgil.markov"],
    ),
    "one step intervened on": (
        poutine.do(body(plain), data={"z_3": torch.tensor(1)}),
        nothing,
        ShapeError,
        ["At site 'z_1:6'", f"{AT_ONCE} 'z_4'"],
    ),
    "other values at first": (
        body(other_values_at_first),
        nothing,
        SiteError,
        ["'z_0'", "other values than 'z_1:6': [1, 2], not [0, 1]"],
    ),
    "other number of values at first": (
        body(more_values_later),
        nothing,
        SiteError,
        ["'z_0'", "other values than 'z_1:6': [0, 1], not [0, 1, 2]"],
    ),
    "not there at first": (body(not_at_first), nothing, ShapeError, [AT_ONCE]),
    "seen after the loop": (config_enumerate(seen_after), nothing, PlateError, ["'y' depends on 'z_1:6'", "outside"]),
    "scaled by step": (body(scaled_by_step), nothing, PlateError, ["'z_1:6'", "different scales"]),
    "a plate at its dim": (body(own_plate), nothing, PlateError, ["'data_0' is at dim -1", "keeps for its steps"]),
    "a chain above a plate of chains": (
        config_enumerate(above_a_plate_of_states),
        nothing,
        PlateError,
        ["'above_1:6' (in plates ['time[1:6]'])", "'z_1:6' (in plates ['data', 'time[1:6]'])", "exponential"],
    ),
    "drawn in the guide": (
        body(plain),
        stated_in_the_guide,
        MismatchError,
        ["Site 'z_1' is in the guide, but in the model it is part of 'z_1:6'", "virgil.markov in the model"],
    ),
    "enumerated in the guide": (
        body(plain),
        config_enumerate(stated_in_the_guide),
        MismatchError,
        ["Site 'z_1' is in the guide, but in the model it is part of 'z_1:6'"],
    ),
}
MISTAKES = {name: raised(*row) for name, row in _MISTAKES.items()}
OF_THE_GUIDE = ["a normal variable", "drawn in the guide", "enumerated in the guide"]


# what fits


def at_step(noise, t):
    """Counted from the right, with the steps' dim kept, so that particles may run at once."""
    return noise[..., [t], :] if isinstance(t, int) else noise[..., t, :]


@config_enumerate
def of_different_lengths():
    """A batch of sequences with masks, noise by step from the guide, and a variable above them."""
    with virgil.plate("time", 4, dim=-2):
        noise = virgil.sample("noise", dist.LogNormal(torch.zeros(()), 1.0))
    top, state = flip("top").long(), torch.tensor(0)
    table, mask = torch.stack([MOVES, MOVES.flip(0)]), torch.tensor([[1, 1], [1, 1], [1, 0], [1, 0]]).bool()
    with virgil.plate("sequences", 2, dim=-1):
        for t in steps(4, dim=-2):
            with poutine.mask(mask=mask[t]):
                state = virgil.sample(f"z_{t}", dist.Categorical(logits=Vindex(table)[..., top, state, :]))
                virgil.sample(f"x_{t}", dist.Normal(LOCS[state], at_step(noise, t)), obs=X[:2])


def noise_guide():
    with virgil.plate("time", 4, dim=-2):
        virgil.sample("noise", dist.LogNormal(virgil.param("loc", torch.zeros(4, 1)), 0.1))
    flip("top", virgil.param("logit", torch.tensor(0.2)), **EACH)


@config_enumerate
def of_one_step():
    for t in steps(1):
        plain(t, torch.tensor(0))


PAIRS = {
    "steps at once": (body(plain), nothing),
    "steps at once, two back": (two_back(2), nothing),
    "steps at once, of different lengths": (of_different_lengths, noise_guide),
    "one step, in the guide": (of_one_step, lambda: pick("z_0", **EACH)),
}
