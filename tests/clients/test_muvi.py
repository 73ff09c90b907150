"""MuVI: factors that two tables of numbers share."""

import muvi
import numpy as np
import pytest

SAMPLES, FEATURES, FACTORS = 80, 12, 2


@pytest.mark.filterwarnings("ignore")  # the libraries' own
def test_factors_explain_what_two_tables_share():
    random = np.random.default_rng(0)
    scores = random.normal(size=(SAMPLES, FACTORS))
    loadings = {name: random.normal(size=(FACTORS, FEATURES)) for name in ("first", "second")}
    noise = 0.2
    tables = {name: scores @ each + noise * random.normal(size=(SAMPLES, FEATURES)) for name, each in loadings.items()}
    model = muvi.MuVI(tables, n_factors=FACTORS, device="cpu", reg_hs=False, normalize=True)
    model.fit(
        batch_size=0, n_epochs=800, n_particles=1, learning_rate=0.02, verbose=False, seed=0, early_stopping=False
    )
    found = model.get_factor_scores(as_df=False)
    assert found.shape == (SAMPLES, FACTORS)
    # the span of the scores is the truth's: each true score is a linear function of the found ones
    design = np.column_stack([found, np.ones(SAMPLES)])
    left = scores - design @ np.linalg.lstsq(design, scores, rcond=None)[0]
    assert (left.var(0) / scores.var(0)).max() < 0.1
