"""scvi-tools: amortised latent Dirichlet allocation, a model by Lightning on a plan of the old interface."""

import anndata
import numpy as np
import pytest
import torch
from scvi.model import AmortizedLDA

CELLS, GENES, TOPICS = 60, 12, 2


def counts():
    """Two kinds of cells, each with genes of its own."""
    random = np.random.default_rng(0)
    rates = np.full((CELLS, GENES), 0.2)
    rates[: CELLS // 2, : GENES // 2] = 8.0
    rates[CELLS // 2 :, GENES // 2 :] = 8.0
    return random.poisson(rates).astype(np.float32)


@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_a_model_trains_and_gives_topics():
    torch.manual_seed(0)
    data = anndata.AnnData(counts())
    AmortizedLDA.setup_anndata(data)
    model = AmortizedLDA(data, n_topics=TOPICS, n_hidden=16)
    plan = {"optim_kwargs": {"lr": 0.02}, "n_epochs_kl_warmup": None}
    options = {"accelerator": "cpu", "batch_size": 20, "train_size": 1.0, "enable_progress_bar": False}
    model.train(max_epochs=40, plan_kwargs=plan, **options)
    topics = model.get_latent_representation().to_numpy()
    assert topics.shape == (CELLS, TOPICS)
    assert topics.sum(1) == pytest.approx(np.ones(CELLS), abs=1e-4)
    losses = model.history["elbo_train"].to_numpy().astype(float)
    assert losses[-10:].mean() < losses[:10].mean()
    assert np.isfinite(model.get_elbo())
