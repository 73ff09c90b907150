"""A report speaks of attributes that a plate has widened, and of no others."""

import pytest

import virgil
from tests.nn.pairs import ARGS, of_modules
from tests.nn.programs import PROGRAMS
from tests.pairs.mistaken_modules import MEANT
from virgil.infer.autoguide import AutoNormal


@pytest.mark.parametrize("model", MEANT.values(), ids=MEANT)
def test_what_is_meant_is_not_spoken_of(model):
    assert virgil.explain(model, AutoNormal(model)).problems == ()


READ_IN_A_PLATE = {"plates over a module": ["effect.mean"], "mini-batches": ["z"]}  # in the first by a prior


@pytest.mark.parametrize("name", PROGRAMS)
def test_of_the_module_programs_those_that_read_in_a_plate_have_a_note(name):
    virgil.set_rng_seed(0)
    _, model, guide = of_modules(name)
    notes = [each.site for each in virgil.explain(model, guide, *ARGS).problems if "is first read" in each.cause]
    assert notes == READ_IN_A_PLATE.get(name, [])
