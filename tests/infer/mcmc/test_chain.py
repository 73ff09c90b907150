"""Chains of a kernel that counts keep the very states that they should."""

import pytest
import torch

from virgil.errors import ArgumentError
from virgil.infer import MCMC
from virgil.infer.mcmc import MCMCKernel, select_samples


class Counter(MCMCKernel):
    """A chain that adds one in each step."""

    def __init__(self):
        self._params = None

    @property
    def initial_params(self):
        return self._params

    @initial_params.setter
    def initial_params(self, params):
        self._params = params

    def sample(self, params):
        return {name: value + 1 for name, value in params.items()}


def counted(starts, num_samples=5, warmup_steps=2, **given):
    mcmc = MCMC(Counter(), num_samples, warmup_steps, {"x": torch.as_tensor(starts)}, disable_progbar=True, **given)
    mcmc.run()
    return mcmc


def test_a_chain_keeps_the_states_after_its_warm_up():
    mcmc = counted([10.0, 20.0], num_samples=3)
    wanted = torch.tensor([[13.0, 23.0], [14.0, 24.0], [15.0, 25.0]])
    assert torch.equal(mcmc.get_samples()["x"], wanted)
    assert torch.equal(mcmc.get_samples(group_by_chain=True)["x"], wanted[None])


def test_each_chain_begins_at_its_row():
    mcmc = counted([10.0, 20.0], num_samples=2, num_chains=2)
    grouped = mcmc.get_samples(group_by_chain=True)["x"]
    assert torch.equal(grouped, torch.tensor([[13.0, 14.0], [23.0, 24.0]]))
    assert torch.equal(mcmc.get_samples()["x"], grouped.flatten())


@pytest.mark.parametrize(("grouped", "shape"), [(False, (7, 2)), (True, (2, 7, 2))])
def test_so_many_draws_are_chosen_from_those_there_are(grouped, shape):
    mcmc = counted([[0.0, 100.0], [50.0, 200.0]], num_chains=2)
    chosen = mcmc.get_samples(num_samples=7, group_by_chain=grouped)["x"]
    assert chosen.shape == shape
    assert torch.isin(chosen, mcmc.get_samples()["x"]).all()
    assert torch.equal(chosen[..., 1] - chosen[..., 0] > 120, chosen[..., 0] > 25)  # entries of a draw stay together


def test_names_are_chosen_together():
    draws = torch.arange(12.0).reshape(2, 6)
    chosen = select_samples({"x": draws, "y": -draws}, num_samples=30)
    assert torch.equal(chosen["x"], -chosen["y"])
    assert select_samples({"x": draws})["x"].shape == (12,)


def test_the_hook_hears_of_each_step():
    heard = []
    counted(0.0, 3, 2, hook_fn=lambda kernel, params, stage, step: heard.append((stage, step, float(params["x"]))))
    assert heard == [("Warmup", 0, 1.0), ("Warmup", 1, 2.0), ("Sample", 0, 3.0), ("Sample", 1, 4.0), ("Sample", 2, 5.0)]


def interrupt(at):
    def hook(kernel, params, stage, step):
        if (stage, step) == at:
            raise KeyboardInterrupt

    return hook


def test_an_interrupt_keeps_the_draws():
    with pytest.warns(UserWarning, match="interrupted after 3 draws of chain 0"):
        mcmc = counted(0.0, hook_fn=interrupt(("Sample", 2)))
    assert torch.equal(mcmc.get_samples()["x"], torch.tensor([3.0, 4.0, 5.0]))


def test_an_interrupt_of_the_warm_up_ends_the_run():
    with pytest.raises(KeyboardInterrupt):
        counted(0.0, hook_fn=interrupt(("Warmup", 0)))


ERRORS = {
    "no start": (lambda: MCMC(Counter(), 1, disable_progbar=True).run(), "Counter has no initial_params"),
    "another name": (lambda: counted(0.0, save_params=["z"]), "save_params has 'z'; the chain has x"),
    "no number": (lambda: counted(0.0).get_samples(num_samples=0), "num_samples=0; it takes a number from 1"),
    "a share of a draw": (lambda: MCMC(Counter(), 1.5), "num_samples=1.5"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_to_do(case):
    call, text = ERRORS[case]
    with pytest.raises(ArgumentError) as caught:
        call()
    assert text in str(caught.value)
