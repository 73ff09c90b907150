"""The import lines that users write: each yields Virgil."""

from __future__ import annotations

import pytest

LINES = """
import pyro
import pyro.distributions as dist
import pyro.distributions.constraints as constraints
import pyro.distributions.transforms as T
import pyro.infer
import pyro.infer.autoguide
import pyro.nn
import pyro.nn.module
import pyro.ops.indexing
import pyro.optim
import pyro.optim as optim
import pyro.params
import pyro.poutine as poutine
import pyro.poutine.runtime
import pyro.settings
import pyro.util
from pyro import condition, deterministic, do, factor, markov, param, plate, sample
from pyro import distributions as dist, infer, nn, ops, optim, params, poutine
from pyro import clear_param_store, get_param_store, set_rng_seed, validation_enabled
from pyro import render_model
from pyro.distributions import Bernoulli, Beta, Categorical, Delta, Normal, constraints
from pyro.distributions import Distribution, TorchDistribution
from pyro.distributions.constraints import positive, unit_interval
from pyro.distributions.torch import Normal
from pyro.distributions.torch_distribution import TorchDistribution, TorchDistributionMixin
from pyro.distributions.transforms import AffineTransform
from pyro.distributions.util import sum_rightmost
from pyro.generic import distributions, infer, ops, optim, pyro as language, pyro_backend
from pyro.infer import SVI, JitTrace_ELBO, Predictive, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from pyro.infer import autoguide, config_enumerate, infer_discrete
from pyro.infer import is_validation_enabled
from pyro.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoGuide, AutoMultivariateNormal, AutoNormal
from pyro.infer.autoguide import AutoGuideList, init_to_feasible, init_to_mean, init_to_median, init_to_sample
from pyro.infer.autoguide.guides import AutoNormal, deep_setattr
from pyro.infer.autoguide.initialization import init_to_median, init_to_value
from pyro.infer.autoguide.utils import helpful_support_errors
from pyro.infer.discrete import infer_discrete
from pyro.infer.elbo import ELBO
from pyro.infer.enum import config_enumerate
from pyro.infer.predictive import Predictive
from pyro.infer.svi import SVI
from pyro.infer.trace_elbo import Trace_ELBO
from pyro.infer.trace_mean_field_elbo import TraceMeanField_ELBO
from pyro.infer.traceenum_elbo import TraceEnum_ELBO
from pyro.nn import DenseNN, PyroModule, PyroParam, PyroSample
from pyro.nn.module import PyroModule, PyroParam, PyroSample, to_pyro_module_
from pyro.ops.indexing import Vindex
from pyro.optim import Adam, ClippedAdam, ExponentialLR, PyroOptim
from pyro.params import param_store
from pyro.poutine import block, condition, mask, replay, scale, trace
from pyro.poutine.messenger import Messenger
from pyro.poutine.subsample_messenger import _Subsample
from pyro.poutine.trace_struct import Trace
from pyro.poutine.util import prune_subsample_sites, site_is_subsample
from pyro.primitives import param, plate, sample
from pyro.util import ignore_jit_warnings, set_rng_seed, warn_if_nan
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_a_line_imports(line):
    names = {}
    exec(line, names)  # noqa: S102
    found = [value for name, value in names.items() if name != "__builtins__"]
    assert found
    assert all((getattr(value, "__module__", None) or value.__class__.__module__) for value in found)
