"""The rooms of families: one family a file, each loaded when first asked for, all handed on."""

import subprocess
import sys
from pathlib import Path

import pytest

import virgil.distributions as dist
from virgil.distributions.core.lazy_names import snake_case

WINGS = [dist.composed, dist.continuous, dist.directional, dist.discrete, dist.matrix, dist.multivariate]
WINGS += [dist.combinatorial, dist.time_series]
each_wing = pytest.mark.parametrize("wing", WINGS, ids=lambda wing: wing.__name__.rpartition(".")[2])


@each_wing
def test_a_wing_has_one_family_a_file_named_after_it(wing):
    files = {path.stem for path in Path(wing.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == {snake_case(name) for name in wing.__all__}


@each_wing
def test_every_family_of_a_wing_is_handed_on(wing):
    assert set(wing.__all__) <= set(dist.__all__)
    for name in wing.__all__:
        family = getattr(dist, name)
        assert family is getattr(wing, name)
        assert family.__module__ == f"{wing.__name__}.{snake_case(name)}"


def test_a_family_is_loaded_when_it_is_first_asked_for():
    program = (
        "import sys, virgil.distributions as dist\n"
        "module = 'virgil.distributions.continuous.gumbel'\n"
        "assert module not in sys.modules and 'Gumbel' in dir(dist) and 'Gumbel' in dir(dist.continuous)\n"
        "assert dist.Gumbel.__module__ == module and dist.Gumbel is vars(dist)['Gumbel']\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("room", [dist, dist.continuous], ids=["distributions", "continuous"])
def test_a_name_that_is_not_there_is_an_attribute_error(room):
    with pytest.raises(AttributeError, match=f"module '{room.__name__}' has no attribute 'Nrmal'"):
        _ = room.Nrmal
