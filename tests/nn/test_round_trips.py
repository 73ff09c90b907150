"""A module that has been stored, copied or moved is the same program, and what it was made of is unharmed."""

import copy
import io
import pickle
import threading

import pytest
import torch
from torch import nn

import virgil
from tests.nn.layers import Declared, Network, Recurrent
from tests.nn.pairs import ARGS, around, of_modules, svi_of
from tests.nn.programs import PROGRAMS
from virgil.params import ParamStore

each_program = pytest.mark.parametrize("name", PROGRAMS)


def fitted(name):
    """A program after three steps: module, model, guide and SVI."""
    module, model, guide = of_modules(name)
    svi = svi_of(name, model, guide)
    for _ in range(3):
        svi.step(*ARGS)
    return module, model, guide, svi


def loss_of(name, model, guide):
    """The loss on given noise, in a store of its own."""
    with ParamStore():
        virgil.set_rng_seed(3)
        return svi_of(name, model, guide).evaluate_loss(*ARGS)


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@each_program
def test_a_state_goes_into_modules_that_were_never_called(name):
    module, model, guide, _ = fitted(name)
    fresh, *_ = of_modules(name, seed=7)
    state = through_a_file(module.state_dict())
    fresh_model, fresh_guide = around(name, fresh)
    missing = fresh.load_state_dict(state)
    assert not any(missing)
    if isinstance(guide, nn.Module):
        if not PROGRAMS[name].makes_early:
            fresh_guide(*ARGS)
        fresh_guide.load_state_dict(through_a_file(guide.state_dict()))
    assert loss_of(name, fresh_model, fresh_guide) == loss_of(name, model, guide)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["copy", "pickle"]
)
@each_program
def test_a_copy_is_the_same_program_and_shares_nothing(name, copied):
    if copied is not copy.deepcopy and not PROGRAMS[name].has_names:
        pytest.skip("functions without a name cannot be pickled")
    module, model, guide, svi = fitted(name)
    leaves = dict(svi.problem.gradients(ARGS, {})[1])
    pair = copied((module, model, guide))
    expected = loss_of(name, model, guide)
    assert loss_of(name, *pair[1:]) == expected
    for parameter in pair[0].parameters():
        with torch.no_grad():
            parameter.fill_(0.123)
    for buffer in pair[0].buffers():
        buffer.zero_()
    # the live ones are unharmed: same leaves, same loss, and they go on
    assert all(leaves[each] is leaf for each, leaf in svi.problem.gradients(ARGS, {})[1].items())
    svi.step(*ARGS)
    assert loss_of(name, model, guide) != expected


@each_program
def test_a_store_that_was_saved_goes_into_new_modules(name, tmp_path):
    fitted(name)
    file = tmp_path / "params.safetensors"
    virgil.get_param_store().save(file)
    learnt = dict(virgil.get_param_store().items())
    with ParamStore() as store:
        store.load(file)
        _, new_model, new_guide = of_modules(name, seed=7)
        leaves = svi_of(name, new_model, new_guide).problem.gradients(ARGS, {})[1]
        assert leaves
        for each in leaves:
            torch.testing.assert_close(store[each], learnt[each])


@each_program
def test_double_precision(name):
    module = of_modules(name)[0]
    module.double()
    virgil.set_rng_seed(0)
    torch.set_default_dtype(torch.float64)  # for what the programs make themselves
    svi = svi_of(name, *around(name, module))
    virgil.set_rng_seed(1)
    loss, leaves = svi.problem.gradients(tuple(each.double() for each in ARGS), {})
    assert loss == loss
    assert {leaf.dtype for leaf in leaves.values()} == {torch.float64}


def test_to_takes_priors_and_lazy_parameters_along():
    network, declared = Network().double(), Declared().double()
    assert {value.dtype for value in (network.fc1.weight, network.fc3.bias)} == {torch.float64}
    assert {leaf.dtype for leaf in declared.parameters()} == {torch.float64}
    assert [name for name, _ in declared.named_parameters()] == [
        "gain_unconstrained",
        "shift_unconstrained",
        "w_unconstrained",
    ]


def test_threads_do_not_mix_their_draws():
    network, x = Network(), ARGS[0]
    rounds, traces = 50, {}

    def work(key):
        traces[key] = [virgil.poutine.trace(network).get_trace(*ARGS) for _ in range(rounds)]

    threads = [threading.Thread(target=work, args=(key,)) for key in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for trace in (trace for each in traces.values() for trace in each):
        values = {name: site.value for name, site in trace.iter_stochastic_nodes()}
        assert len(values) == 6
        y = x
        for layer in ("fc1", "fc2", "fc3"):
            y = nn.functional.linear(y, values[f"{layer}.weight"], values[f"{layer}.bias"])
            y = torch.tanh(y) if layer != "fc3" else y
        torch.testing.assert_close(trace.nodes["y"].fn.loc, y[:, 0])
    draws = {tuple(trace.nodes["fc1.bias"].value.tolist()) for each in traces.values() for trace in each}
    assert len(draws) == 4 * rounds


def test_a_layer_that_was_copied_is_its_own():
    network = Network()
    alone = copy.deepcopy(network.fc1)
    first, second = network.fc1, alone
    tr = virgil.poutine.trace(lambda: (first(torch.ones(1, 2)), second(torch.ones(1, 2)))[0])
    with pytest.raises(virgil.errors.DuplicateSiteError):
        tr.get_trace()
    network.fc4 = alone
    assert virgil.poutine.trace(network.fc4).get_trace(torch.ones(1, 2)).stochastic_nodes == ["fc4.weight", "fc4.bias"]


def test_a_recurrent_network_is_unharmed_by_being_stored():
    network = Recurrent()
    again = pickle.loads(pickle.dumps(network))
    x = torch.ones(6, 2)
    assert torch.equal(network.mean(x), again.mean(x))
    assert "_flat_weights" not in vars(again.rnn)
