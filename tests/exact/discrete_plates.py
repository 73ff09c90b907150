"""Cases of gradient estimation with binary variables in several plates, or in one plate that is entered twice."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist
from tests.exact.binary import HALF, X3, flip, log_flip, log_normal, param
from tests.exact.estimates import Case, enumerated

X23 = torch.tensor([[1.5, -0.5, 0.7], [0.1, 2.0, -1.0]], dtype=torch.float64)


# nested plates, and plates that cross


def _nested_model():
    with virgil.plate("groups", 2, dim=-2):
        g = flip("g", HALF)
        with virgil.plate("data", 3, dim=-1):
            z = flip("z", g - 0.2)
            virgil.sample("x", dist.Normal(z + g, 1.0), obs=X23)


def _nested_guide():
    with virgil.plate("groups", 2, dim=-2):
        g = flip("g", param("g"))
        with virgil.plate("data", 3, dim=-1):
            flip("z", param("z") + g)


def _nested_log_q(v, p):
    return log_flip(p["g"], v["g"]).sum() + log_flip(p["z"] + v["g"], v["z"]).sum()


def _nested_bound(v, p):
    log_p = log_flip(0.5, v["g"]).sum() + (log_flip(v["g"] - 0.2, v["z"]) + log_normal(v["z"] + v["g"], X23)).sum()
    return log_p - _nested_log_q(v, p)


X22 = torch.tensor([[1.5, -0.5], [0.1, 2.0]], dtype=torch.float64)


def _crossed_model():
    rows, columns = virgil.plate("rows", 2, dim=-2), virgil.plate("columns", 2, dim=-1)
    with rows:
        r = flip("r", HALF)
    with columns:
        c = flip("c", HALF)
    with rows, columns:
        virgil.sample("x", dist.Normal(2 * r - c, 1.0), obs=X22)


def _crossed_guide():
    with virgil.plate("rows", 2, dim=-2):
        flip("r", param("r"))
    with virgil.plate("columns", 2, dim=-1):
        flip("c", param("c"))


def _crossed_log_q(v, p):
    return log_flip(p["r"], v["r"]).sum() + log_flip(p["c"], v["c"]).sum()


def _crossed_bound(v, p):
    log_p = log_flip(0.5, v["r"]).sum() + log_flip(0.5, v["c"]).sum() + log_normal(2 * v["r"] - v["c"], X22).sum()
    return log_p - _crossed_log_q(v, p)


# a variable outside the plate joins its slots, and the plate is entered again


def _joined_model():
    plate = virgil.plate("data", 2)
    with plate:
        z = flip("z", HALF)
    u = flip("u", z.sum(-1, keepdim=True) - 1)
    with plate:
        v = flip("v", 2 * u - 1)
        virgil.sample("x", dist.Normal(v + z, 1.0), obs=X3[:2])


def _joined_guide():
    plate = virgil.plate("data", 2)
    with plate:
        z = flip("z", param("z"))
    u = flip("u", param("slope") * (z.sum(-1, keepdim=True) - 1))
    with plate:
        flip("v", param("v") + 2 * u)


def _joined_rounds_model():
    plate = virgil.plate("data", 2)
    z = [flip(f"z_{i}", HALF) for i in plate]
    u = flip("u", z[0] + z[1] - 1)
    for i in plate:
        v = flip(f"v_{i}", 2 * u - 1)
        virgil.sample(f"x_{i}", dist.Normal(v + z[i], 1.0), obs=X3[i])


def _joined_rounds_guide():
    plate = virgil.plate("data", 2)
    z = [flip(f"z_{i}", param("z")[i]) for i in plate]
    u = flip("u", param("slope") * (z[0] + z[1] - 1))
    for i in plate:
        flip(f"v_{i}", param("v")[i] + 2 * u)


def _joined_log_q(v, p):
    u = log_flip(p["slope"] * (v["z"].sum() - 1), v["u"])
    return log_flip(p["z"], v["z"]).sum() + u + log_flip(p["v"] + 2 * v["u"], v["v"]).sum()


def _joined_bound(v, p):
    log_p = log_flip(0.5, v["z"]).sum() + log_flip(v["z"].sum() - 1, v["u"]) + log_flip(2 * v["u"] - 1, v["v"]).sum()
    return log_p + log_normal(v["v"] + v["z"], X3[:2]).sum() - _joined_log_q(v, p)


JOINED_PARAMS = {"z": [0.3, -0.5], "slope": 1.5, "v": [0.2, -0.8]}
JOINED_LOSS = enumerated({"z": (2,), "u": (), "v": (2,)}, _joined_log_q, _joined_bound)


NESTED = {
    "nested": Case(
        _nested_model,
        _nested_guide,
        {"g": [[0.2], [-0.5]], "z": [[0.4, -0.3, 0.8], [0.0, 0.6, -0.9]]},
        enumerated({"g": (2, 1), "z": (2, 3)}, _nested_log_q, _nested_bound),
    ),
    "crossed": Case(
        _crossed_model,
        _crossed_guide,
        {"r": [[0.2], [-0.5]], "c": [0.7, -0.1]},
        enumerated({"r": (2, 1), "c": (2,)}, _crossed_log_q, _crossed_bound),
    ),
    "joined": Case(_joined_model, _joined_guide, JOINED_PARAMS, JOINED_LOSS),
    "joined, iterated": Case(_joined_rounds_model, _joined_rounds_guide, JOINED_PARAMS, JOINED_LOSS),
}
