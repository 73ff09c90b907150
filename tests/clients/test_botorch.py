"""BoTorch's fully Bayesian Gaussian process, which states its model and is sampled by `NUTS`."""

import pyro
import pytest
import torch

botorch = pytest.importorskip("botorch", reason="newer ones than 0.14 sample in JAX")


def test_a_fully_bayesian_process_predicts():
    from botorch import fit_fully_bayesian_model_nuts
    from botorch.models.fully_bayesian import SaasFullyBayesianSingleTaskGP

    pyro.set_rng_seed(0)
    x = torch.rand(20, 3, dtype=torch.double)
    y = torch.sin(6 * x[:, :1])
    model = SaasFullyBayesianSingleTaskGP(x, y, train_Yvar=torch.full_like(y, 1e-4))
    fit_fully_bayesian_model_nuts(model, warmup_steps=64, num_samples=64, thinning=8, disable_progbar=True)
    new = torch.rand(50, 3, dtype=torch.double)
    with torch.no_grad():
        mean = model.posterior(new).mixture_mean
    assert float((mean - torch.sin(6 * new[:, :1])).abs().mean()) < 0.1
    lengths = model.median_lengthscale  # the first input alone matters
    assert lengths[0] < lengths[1:].min()
