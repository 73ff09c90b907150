"""Programs from lists of sample statements."""

from __future__ import annotations

import torch

import virgil
import virgil.distributions as dist

ONE = torch.tensor(1.0)
NORMAL = dist.Normal(0.0, 1.0)


def program(*statements):
    """A program from (name, distribution, options) of its sample statements; a plate stands in the options."""

    def run():
        for name, fn, *options in statements:
            given = options[0] if options else {}
            plate = given.get("plate")
            rest = {key: value for key, value in given.items() if key != "plate"}
            if plate is None:
                virgil.sample(name, fn, **rest)
            else:
                with virgil.plate(*plate[:2], **(plate[2] if len(plate) > 2 else {})):
                    virgil.sample(name, fn, **rest)

    return run


P3 = {"plate": ("data", 3)}
