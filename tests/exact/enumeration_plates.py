"""Models whose discrete variables are all summed out: plates, mini-batches, weights, masks, families."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import param
from tests.exact.enumeration import case
from tests.exact.enumeration_models import LOCS2, LOCS3, LOGITS2, LOGITS3, MOVES2, TABLE, X24, X, crossed, pick, see
from virgil import poutine
from virgil.infer import config_enumerate

KEEP4 = torch.tensor([True, False, True, True])
HALF_SLOTS = torch.tensor([0, 2])


@config_enumerate
def nested():
    with virgil.plate("groups", 2, dim=-2):
        g = pick("g", param("logits"))
        with virgil.plate("data", 2, dim=-1):
            z = pick("z", param("moves")[g])
            see("x", param("table")[g, z], X24[:, :2])


@config_enumerate
def nested_below_one():
    top = pick("top", param("logits"))
    with virgil.plate("groups", 2, dim=-2):
        g = pick("g", param("moves")[top])
        with virgil.plate("data", 2, dim=-1):
            z = pick("z", param("moves")[g])
            see("x", param("table")[g, z] + 0.3 * top, X24[:, :2])


@config_enumerate
def siblings():
    top = pick("top", param("logits"))
    with virgil.plate("rows", 2, dim=-2):
        pick_and_see("r", top, X[:2].unsqueeze(-1))
    with virgil.plate("columns", 3, dim=-1):
        pick_and_see("c", top, X[2:5])


def pick_and_see(name, parent, data):
    state = pick(name, param("moves")[parent])
    see(f"x_{name}", param("locs")[state], data)


def below_one(plate, data):
    @config_enumerate
    def model():
        top = pick("top", param("logits"))
        with plate():
            z = pick("z", param("moves")[top])
            see("x", param("table")[top, z], data)

    return model


def only_above(plate, data):
    @config_enumerate
    def model():
        top = pick("top", param("logits"))
        with plate():
            see("x", param("locs")[top], data)

    return model


def plain(size):
    return lambda: virgil.plate("data", size)


def half_of(size):
    return lambda: virgil.plate("data", size, subsample=HALF_SLOTS)


TWICE = X[HALF_SLOTS].repeat(2)  # a slot that stands for two is a slot that comes twice


@config_enumerate
def rounds():
    top = pick("top", param("logits"))
    for i in virgil.plate("data", 3):
        z = pick(f"z_{i}", param("moves")[top])
        see(f"x_{i}", param("table")[top, z], X[i])


def two_loops(size, between=lambda: None, **options):
    """The rounds of the second loop see the variables of the first, of the same round."""

    @config_enumerate
    def model():
        top = pick("top", param("logits"))
        plate = virgil.plate("data", size, **options)
        states = {i: pick(f"z_{i}", param("moves")[top]) for i in plate}
        between()
        for i in plate:
            y = pick(f"y_{i}", param("moves")[states[i]])
            see(f"x_{i}", param("table")[states[i], y] + 0.3 * top, X[i])

    return model


def two_entries(size, **options):
    """The same with slots in the place of rounds."""

    @config_enumerate
    def model():
        top = pick("top", param("logits"))
        plate = virgil.plate("data", size, **options)
        with plate as indices:
            z = pick("z", param("moves")[top])
        with plate:
            y = pick("y", param("moves")[z])
            see("x", param("table")[z, y] + 0.3 * top, X[indices])

    return model


def one_global():
    see("w", param("table")[pick("g", param("logits")), 1], X[5])


def loops_of_a_batch(data):
    @config_enumerate
    def model():
        plate = data()
        states = {i: pick(f"z_{i}", param("logits")) for i in plate}
        for i in plate:
            pick_and_see(f"y_{i}", states[i], X[i])

    return model


@config_enumerate
def all_loops_of_them():
    for i in virgil.plate("data", 4):
        z = pick(f"z_{i}", param("logits"))
        pick_and_see(f"y_{i}", z, TWICE[i])


@config_enumerate
def chains_in_two_loops():
    """Each loop has a chain in each round, and a chain lies between the loops."""
    plate, last = virgil.plate("data", 2), {}
    for i in plate:
        state = torch.tensor(0)
        for t in virgil.markov(range(2)):
            state = pick(f"z_{i}_{t}", param("moves")[state])
        last[i] = state
    other = torch.tensor(0)
    for t in virgil.markov(range(2)):
        other = pick(f"w_{t}", param("moves")[other])
    for i in plate:
        see(f"x_{i}", param("table")[last[i], other], X[i])


@config_enumerate
def rounds_of_a_batch():
    for i in virgil.plate("data", 4, subsample=HALF_SLOTS):
        pick_and_see(f"z_{i}", torch.tensor(0), X[i])


@config_enumerate
def all_of_them():
    for i in virgil.plate("data", 4):
        pick_and_see(f"z_{i}", torch.tensor(0), TWICE[i])


@config_enumerate
def partly_stated():
    """``a`` and ``c`` are data, ``b`` between them is not; neither are two slots of ``d``."""
    a = pick("a", param("logits"), obs=torch.tensor(1))
    b = pick("b", param("moves")[a])
    pick("c", param("moves")[b], obs=torch.tensor(0))
    with virgil.plate("data", 4):
        known = torch.tensor([0, 1, 1, 0])
        d = pick("d", param("moves")[b], obs=known, obs_mask=KEEP4 & (known == 1))
        see("x", param("locs")[d], X[:4])


@config_enumerate
def masked():
    with virgil.plate("data", 4), poutine.mask(mask=KEEP4):
        z = pick("z", param("logits"))
        see("x", param("locs")[z], X[:4])


@config_enumerate
def masked_below_one():
    top = pick("top", param("logits"))
    with virgil.plate("data", 4), poutine.mask(mask=KEEP4):
        z = pick("z", param("moves")[top])
        see("x", param("table")[top, z], X[:4])


@config_enumerate
def scaled_data():
    with virgil.plate("data", 3):
        z = pick("z", param("logits"))
        with poutine.scale(scale=2.5):
            see("x", param("locs")[z], X[:3])


@config_enumerate
def scaled_slots():
    top = pick("top", param("logits"))
    with virgil.plate("data", 3), poutine.scale(scale=torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)):
        see("x", param("locs")[top], X[:3])
        see("y", param("locs")[0], X[3:6])


SLOT_SCALES = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)


@config_enumerate
def scaled_sums():
    """Each slot has a sum of its own, whose logarithm counts as often as its scale says."""
    with virgil.plate("data", 3), poutine.scale(scale=SLOT_SCALES):
        z = pick("z", param("logits"))
        see("x", param("locs")[z], X[:3])
        see("y", param("locs")[z], X[3:6])


def log_mixture(*data):
    each = [torch.distributions.Normal(param("locs"), 1.0).log_prob(x.unsqueeze(-1)) for x in data]
    return (param("logits").log_softmax(-1) + sum(each)).logsumexp(-1)


def scaled_sums_by_hand():
    virgil.factor("x", (SLOT_SCALES * log_mixture(X[:3], X[3:6])).sum())


@config_enumerate
def scaled_sums_of_a_batch():
    with virgil.plate("data", 4, subsample=HALF_SLOTS), poutine.scale(scale=SLOT_SCALES[:2]):
        see("x", param("locs")[pick("z", param("logits"))], X[HALF_SLOTS])


def scaled_sums_of_a_batch_by_hand():
    virgil.factor("x", 2 * (SLOT_SCALES[:2] * log_mixture(X[HALF_SLOTS])).sum())


@config_enumerate
def scaled_groups():
    """A sum over a group's kind and its members' kinds, whose logarithm is scaled by group."""
    with poutine.scale(scale=SLOT_SCALES[:2, None]):
        nested()


def scaled_groups_by_hand():
    locs = torch.distributions.Normal(param("table"), 1.0)
    each = locs.log_prob(X24[:, :2, None, None]) + param("moves").log_softmax(-1)
    groups = (param("logits").log_softmax(-1) + each.logsumexp(-1).sum(1)).logsumexp(-1)
    virgil.factor("x", (SLOT_SCALES[:2] * groups).sum())


@config_enumerate
def scaled_groups_of_a_batch():
    """The scale is that of the group, whatever the weight of its members is; the sum has no variable but ``z``."""
    with poutine.scale(scale=SLOT_SCALES[:2, None]), virgil.plate("groups", 2, dim=-2):
        with virgil.plate("data", 4, subsample=HALF_SLOTS, dim=-1):
            see("w", param("locs")[0], X24[:, HALF_SLOTS])
        g = pick("g", param("logits"))
        with virgil.plate("rest", 4, subsample=HALF_SLOTS, dim=-1):
            see("x", param("locs")[g], X24[:, HALF_SLOTS])


def scaled_groups_of_a_batch_by_hand():
    each = torch.distributions.Normal(param("locs"), 1.0).log_prob(X24[:, HALF_SLOTS].unsqueeze(-1)).sum(1)
    groups = 2 * each[:, 0] + (param("logits").log_softmax(-1) + 2 * each).logsumexp(-1)
    virgil.factor("x", (SLOT_SCALES[:2] * groups).sum())


@config_enumerate
def rounds_of_data():
    top = pick("top", param("logits"))
    for i in virgil.plate("data", 4, subsample=HALF_SLOTS):
        see(f"x_{i}", param("locs")[top], X[i])


@config_enumerate
def families():
    on = virgil.sample("on", dist.Bernoulli(logits=param("on")))
    count = virgil.sample("count", dist.Binomial(2, logits=param("count") + on))
    which = virgil.sample("which", dist.OneHotCategorical(logits=param("logits") * (1.0 + count).unsqueeze(-1)))
    see("x", (which * param("locs")).sum(-1) + 0.5 * count - on, X[0])


@config_enumerate
def of_one_value():
    only = pick("only", param("one"))
    z = pick("z", param("logits") + only)
    none = virgil.sample("none", dist.Binomial(0, logits=param("one")[0]))
    see("x", param("locs")[z] + none, X[0])


LOCAL = {"logits": LOGITS2, "moves": MOVES2, "table": TABLE}
GLOBAL = {"logits": LOGITS3, "locs": LOCS3}
CHILDREN = {"logits": LOGITS2, "moves": MOVES2, "locs": LOCS2}
SIMPLE = {"logits": LOGITS2, "locs": LOCS2}

PLATED = {
    "nested": case(nested, LOCAL),
    "nested below one": case(nested_below_one, LOCAL),
    "siblings": case(siblings, CHILDREN),
    "one above a plate": case(only_above(plain(4), X[:4]), GLOBAL),
    "one above a mini-batch": case(
        only_above(half_of(4), X[HALF_SLOTS]), GLOBAL, reference=only_above(plain(4), TWICE)
    ),
    "local below one": case(below_one(plain(3), X[:3]), LOCAL),
    "local below one, mini-batch": case(
        below_one(half_of(4), X[HALF_SLOTS]), LOCAL, reference=below_one(plain(4), TWICE)
    ),
    "rounds": case(rounds, LOCAL),
    "rounds, mini-batch": case(rounds_of_a_batch, {"moves": MOVES2, "locs": LOCS2}, reference=all_of_them),
    "two loops": case(two_loops(3), LOCAL),
    "two loops around one": case(two_loops(2, one_global), LOCAL),
    "two loops, as slots": case(two_loops(3), LOCAL, reference=two_entries(3)),
    "two loops, mini-batch": case(
        loops_of_a_batch(half_of(4)), {"logits": LOGITS2, "moves": MOVES2, "locs": LOCS2}, reference=all_loops_of_them
    ),
    "chains in two loops": case(chains_in_two_loops, {"moves": MOVES2, "table": TABLE}),
    "partly observed": case(partly_stated, CHILDREN),
    "masked": case(masked, SIMPLE),
    "masked below one": case(masked_below_one, LOCAL),
    "scaled": case(
        poutine.scale(crossed, scale=2.5),
        {"logits": LOGITS2, "others": LOGITS2, "table": TABLE},
        reference=crossed,
        power=2.5,
    ),
    "scaled data": case(scaled_data, SIMPLE),
    "scaled slots": case(scaled_slots, SIMPLE),
    "scaled sums": case(scaled_sums, SIMPLE, reference=scaled_sums_by_hand),
    "scaled sums of a mini-batch": case(scaled_sums_of_a_batch, SIMPLE, reference=scaled_sums_of_a_batch_by_hand),
    "scaled groups": case(scaled_groups, LOCAL, reference=scaled_groups_by_hand),
    "scaled groups of a mini-batch": case(scaled_groups_of_a_batch, SIMPLE, reference=scaled_groups_of_a_batch_by_hand),
    "one above rounds of a mini-batch": case(rounds_of_data, SIMPLE, reference=only_above(plain(4), TWICE)),
    "families": case(families, {"on": 0.3, "count": -0.4, "logits": LOGITS3, "locs": LOCS3}),
    "one value": case(of_one_value, {"one": [0.7], "logits": LOGITS2, "locs": LOCS2}),
}
