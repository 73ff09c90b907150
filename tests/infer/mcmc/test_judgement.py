"""Judgements at their thresholds, and of kernels that note nothing."""

import pytest
import torch

from virgil.infer.mcmc.judgement import judged

CHAINS, DRAWS = 4, 500
GOOD = torch.randn(CHAINS, DRAWS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize(("cut_off", "is_trusted"), [(0, True), (5, True), (6, False)])
def test_one_trajectory_in_a_hundred_may_be_cut_off(cut_off, is_trusted):
    judgement = judged({"x": GOOD}, [{"tree depth": [10] * cut_off + [3] * (DRAWS - cut_off)}] * CHAINS)
    assert judgement.is_trusted == is_trusted


def test_a_kernel_that_notes_nothing_is_judged_by_its_draws():
    assert judged({"x": GOOD}, [{}] * CHAINS).is_trusted
    assert not judged({"x": GOOD + torch.arange(4.0)[:, None]}, [{}] * CHAINS).is_trusted


def test_each_fault_is_a_line():
    figures = {"divergences": [3], "tree depth": [10] * DRAWS}
    judgement = judged({"x": GOOD}, [figures] * CHAINS)
    assert len(judgement.findings) == 2
    assert str(judgement) == "\n".join(judgement.findings)
