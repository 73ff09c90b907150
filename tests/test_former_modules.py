"""Programs that say `import virgil as pyro` find the modules of old paths as attributes."""

import virgil as pyro
import virgil.poutine
from virgil.infer import predictive


def test_old_modules_are_attributes():
    with pyro.util.ignore_jit_warnings():
        assert pyro.util.torch_isnan(float("nan"))
    assert pyro.util is pyro.util
    assert pyro.poutine.util.prune_subsample_sites is virgil.poutine.prune_subsample_sites
    assert issubclass(pyro.infer.autoguide.guides.AutoNormal, pyro.infer.autoguide.AutoNormal)


def test_a_module_of_todays_precedes():
    assert predictive.__name__ == "virgil.infer.predictive"


def test_they_are_not_among_the_public_names():
    assert "util" not in pyro.__all__
    assert not hasattr(pyro, "utils")
