"""Cases of gradient estimation whose latent variables are binary: the exact loss is a sum over all assignments."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import HALF, X1, X3, flip, log_flip, log_normal, param
from tests.exact.estimates import Case, enumerated
from virgil import poutine

KEEP = torch.tensor([True, False, True])


# one variable, and a chain stated by the guide in the other order


def _one_model():
    z = flip("z", HALF)
    virgil.sample("x", dist.Normal(2 * z, 1.0), obs=X1)


def _one_guide():
    flip("z", param("a"))


ONE = Case(
    _one_model,
    _one_guide,
    {"a": 0.4},
    enumerated(
        {"z": ()},
        lambda v, p: log_flip(p["a"], v["z"]),
        lambda v, p: log_flip(0.5, v["z"]) + log_normal(2 * v["z"], X1) - log_flip(p["a"], v["z"]),
    ),
)


def _chain_model():
    a = flip("a", HALF)
    virgil.sample("x", dist.Normal(2 * a, 1.0), obs=X1)
    flip("b", 2 * a - 1)


def _inverse_guide():
    b = flip("b", param("b"))
    flip("a", param("slope") * b + param("a"))


def _inverse_log_q(v, p):
    return log_flip(p["b"], v["b"]) + log_flip(p["slope"] * v["b"] + p["a"], v["a"])


INVERSE = Case(
    _chain_model,
    _inverse_guide,
    {"b": 0.4, "slope": 1.2, "a": -0.3},
    enumerated(
        {"a": (), "b": ()},
        _inverse_log_q,
        lambda v, p: (
            log_flip(0.5, v["a"]) + log_normal(2 * v["a"], X1) + log_flip(2 * v["a"] - 1, v["b"]) - _inverse_log_q(v, p)
        ),
    ),
)


# a variable of the guide alone


def _auxiliary_guide():
    u = flip("u", param("u"), infer={"is_auxiliary": True})
    flip("z", param("a") + 1.5 * u)


def _auxiliary_log_q(v, p):
    return log_flip(p["u"], v["u"]) + log_flip(p["a"] + 1.5 * v["u"], v["z"])


AUXILIARY = Case(
    _one_model,
    _auxiliary_guide,
    {"u": 0.3, "a": -0.6},
    enumerated(
        {"u": (), "z": ()},
        _auxiliary_log_q,
        lambda v, p: log_flip(0.5, v["z"]) + log_normal(2 * v["z"], X1) - _auxiliary_log_q(v, p),
    ),
)


# a plate, vectorised or iterated, with masks, scales and mini-batches


def _plate_model(subsample_size=None):
    g = flip("g", HALF)
    with virgil.plate("data", 3, subsample_size=subsample_size) as indices:
        z = flip("z", g - 0.2)
        virgil.sample("x", dist.Normal(z + g, 1.0), obs=X3[indices])


def _plate_guide(subsample_size=None):
    g = flip("g", param("g"))
    with virgil.plate("data", 3, subsample_size=subsample_size) as indices:
        flip("z", param("z")[indices] + g)


def _rounds_model(subsample_size=None):
    g = flip("g", HALF)
    for i in virgil.plate("data", 3, subsample_size=subsample_size):
        z = flip(f"z_{i}", g - 0.2)
        virgil.sample(f"x_{i}", dist.Normal(z + g, 1.0), obs=X3[i])


def _rounds_guide(subsample_size=None):
    g = flip("g", param("g"))
    for i in virgil.plate("data", 3, subsample_size=subsample_size):
        flip(f"z_{i}", param("z")[i] + g)


def _plate_log_q(v, p):
    return log_flip(p["g"], v["g"]) + log_flip(p["z"] + v["g"], v["z"]).sum()


def _plate_bound(v, p):
    log_p = log_flip(0.5, v["g"]) + (log_flip(v["g"] - 0.2, v["z"]) + log_normal(v["z"] + v["g"], X3)).sum()
    return log_p - _plate_log_q(v, p)


PLATE_PARAMS = {"g": 0.2, "z": [0.4, -0.3, 0.8]}
PLATE_SHAPES = {"g": (), "z": (3,)}
PLATE_LOSS = enumerated(PLATE_SHAPES, _plate_log_q, _plate_bound)


def _minibatch(program):
    return lambda: program(subsample_size=2)


def _masked_model():
    g = flip("g", HALF)
    with virgil.plate("data", 3), poutine.mask(mask=KEEP):
        z = flip("z", g - 0.2)
        virgil.sample("x", dist.Normal(z + g, 1.0), obs=torch.where(KEEP, X3, torch.nan))


def _masked_guide():
    with virgil.plate("data", 3), poutine.mask(mask=KEEP):
        flip("z", param("z"))
    flip("g", param("g"))


def _masked_log_q(v, p):
    return log_flip(p["g"], v["g"]) + log_flip(p["z"], v["z"]).sum()


def _masked_bound(v, p):
    local = log_flip(v["g"] - 0.2, v["z"]) - log_flip(p["z"], v["z"]) + log_normal(v["z"] + v["g"], X3)
    return log_flip(0.5, v["g"]) - log_flip(p["g"], v["g"]) + (local * KEEP).sum()


WEIGHTS = torch.tensor([0.5, 2.0, 1.0], dtype=torch.float64)


def _scaled_model():
    g = flip("g", HALF)
    with virgil.plate("data", 3), poutine.scale(scale=WEIGHTS), poutine.scale(scale=3.0):
        z = flip("z", g - 0.2)
        virgil.sample("x", dist.Normal(z + g, 1.0), obs=X3)


def _scaled_guide():
    g = flip("g", param("g"))
    with virgil.plate("data", 3), poutine.scale(scale=2.0):
        flip("z", param("z") + g)


def _scaled_bound(v, p):
    local = 3 * WEIGHTS * (log_flip(v["g"] - 0.2, v["z"]) + log_normal(v["z"] + v["g"], X3))
    return log_flip(0.5, v["g"]) - log_flip(p["g"], v["g"]) + (local - 2 * log_flip(p["z"] + v["g"], v["z"])).sum()


# partly observed: the slots that are observed are no variables


def _partly_model():
    with virgil.plate("data", 3):
        z = virgil.sample("z", dist.Bernoulli(logits=HALF), obs=torch.tensor([1.0, 0.0, 0.0]), obs_mask=~KEEP)
        virgil.sample("x", dist.Normal(2 * z, 1.0), obs=X3)


def _partly_guide():
    with virgil.plate("data", 3):
        flip("z_unobserved", param("z"))


def _partly_bound(v, p):
    value = torch.where(KEEP, v["z_unobserved"], torch.tensor([1.0, 0.0, 0.0]))
    q = torch.where(KEEP, log_flip(p["z"], v["z_unobserved"]), 0.0)
    return (log_flip(0.5, value) + log_normal(2 * value, X3) - q).sum()


# factors


def _factor_model():
    z = flip("z", HALF)
    virgil.factor("likelihood", -1.5 * z)


def _factor_guide():
    z = flip("z", param("a"))
    virgil.factor("penalty", 0.7 * param("a") * z, has_rsample=True)


FACTOR = Case(
    _factor_model,
    _factor_guide,
    {"a": 0.4},
    enumerated(
        {"z": ()},
        lambda v, p: log_flip(p["a"], v["z"]),
        lambda v, p: log_flip(0.5, v["z"]) - 1.5 * v["z"] - log_flip(p["a"], v["z"]) - 0.7 * p["a"] * v["z"],
    ),
)

SMALL = {"batches": 500, "particles": 20}
DISCRETE = {
    "score": ONE,
    "inverse guide": INVERSE,
    "auxiliary": AUXILIARY,
    "factor": FACTOR,
    "plate": Case(_plate_model, _plate_guide, PLATE_PARAMS, PLATE_LOSS),
    "plate, iterated": Case(_rounds_model, _rounds_guide, PLATE_PARAMS, PLATE_LOSS),
    "plate, mini-batch": Case(_minibatch(_plate_model), _minibatch(_plate_guide), PLATE_PARAMS, PLATE_LOSS, **SMALL),
    "iterated, mini-batch": Case(
        _minibatch(_rounds_model), _minibatch(_rounds_guide), PLATE_PARAMS, PLATE_LOSS, **SMALL
    ),
    "masked": Case(_masked_model, _masked_guide, PLATE_PARAMS, enumerated(PLATE_SHAPES, _masked_log_q, _masked_bound)),
    "scaled": Case(_scaled_model, _scaled_guide, PLATE_PARAMS, enumerated(PLATE_SHAPES, _plate_log_q, _scaled_bound)),
    "partly observed": Case(
        _partly_model,
        _partly_guide,
        {"z": [0.4, -0.3, 0.8]},
        enumerated({"z_unobserved": (3,)}, lambda v, p: log_flip(p["z"], v["z_unobserved"]).sum(), _partly_bound),
    ),
}
