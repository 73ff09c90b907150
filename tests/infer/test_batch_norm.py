"""Networks with buffers: the checks that run the programs between a loss and its derivative write into none."""

import pytest
import torch
from torch import nn

import virgil
import virgil.distributions as dist
from virgil.infer import SVI, Trace_ELBO, TraceEnum_ELBO, TraceMeanField_ELBO
from virgil.infer.density.dry_run import dry_run, untouched

DATA = torch.linspace(-2.0, 2.0, 60).reshape(20, 3)


def _encoder():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, momentum=0.5), nn.ReLU(), nn.Linear(4, 1))


def _pair(encoder, family):
    def latent(fn):
        return virgil.sample("z", fn)

    def of(size):
        return virgil.plate("data", 20, subsample_size=size)

    def model(rows, size):
        with of(size) as indices:
            z = latent(dist.Normal(0.0, 1.0) if family is dist.Normal else dist.Bernoulli(0.5))
            fn = dist.Normal(z.unsqueeze(-1), 1.0).expand([size, 3]).to_event(1)
            virgil.sample("x", fn, obs=rows[indices] if len(rows) == 20 else rows)

    def guide(rows, size):
        virgil.module("encoder", encoder)
        with of(size) as indices:
            out = encoder(rows[indices] if len(rows) == 20 else rows).squeeze(-1)
            latent(dist.Normal(out, 1.0) if family is dist.Normal else dist.Bernoulli(logits=out))

    return model, guide


def _means_of(batches):
    """The running means of batch normalisation after these batches, by its definition."""
    encoder, means = _encoder(), torch.zeros(4)
    for rows in batches:
        means = 0.5 * means + 0.5 * encoder[0](rows).mean(0)
    return means.detach()


@pytest.mark.parametrize("objective", [Trace_ELBO, TraceMeanField_ELBO, TraceEnum_ELBO])
@pytest.mark.parametrize("family", [dist.Normal, dist.Bernoulli])
def test_a_last_batch_of_another_size_is_taken_and_each_batch_counts_once(objective, family):
    encoder = _encoder()
    options = {"strict_enumeration_warning": False} if objective is TraceEnum_ELBO else {}
    svi = SVI(*_pair(encoder, family), virgil.optim.SGD({"lr": 0.0}), objective(**options))
    batches = [DATA[:8], DATA[8:16], DATA[16:], DATA[:8]]
    losses = [svi.step(rows, len(rows)) for rows in batches]
    assert torch.isfinite(torch.tensor(losses)).all()
    torch.testing.assert_close(encoder[1].running_mean, _means_of(batches))
    assert int(encoder[1].num_batches_tracked) == 4


def test_mini_batches_drawn_by_the_plate_may_change_their_size():
    svi = SVI(*_pair(_encoder(), dist.Normal), virgil.optim.SGD({"lr": 0.01}), Trace_ELBO())
    assert torch.isfinite(torch.tensor([svi.step(DATA, size) for size in (8, 5, 8, 3)])).all()


@pytest.mark.parametrize("make", [nn.BatchNorm1d, lambda size: torch.jit.script(nn.BatchNorm1d(size))])
@pytest.mark.parametrize("block", [dry_run, untouched])
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_the_derivative_of_a_call_before_is_what_it_was(make, block):
    net = make(3)
    net.eval()
    rows = torch.randn(4, 3, requires_grad=True)
    expected = torch.autograd.grad(net(rows).square().sum(), rows)[0]
    total = net(rows).square().sum()
    net.train()
    with block():
        net(torch.randn(5, 3))
        assert int(net.num_batches_tracked) == 1
    assert int(net.num_batches_tracked) == 0
    assert torch.equal(net.running_mean, torch.zeros(3))
    assert torch.equal(torch.autograd.grad(total, rows)[0], expected)


def test_networks_that_share_a_buffer_share_its_copy():
    one, other = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    other.running_mean = one.running_mean
    shared = one.running_mean
    with dry_run():
        one(torch.randn(4, 2))
        other(torch.randn(4, 2))
        assert other.running_mean is one.running_mean
        assert one.running_mean is not shared
    assert one.running_mean is other.running_mean is shared


def test_blocks_inside_one_another_end_in_order():
    net = nn.BatchNorm1d(2)
    buffer = net.running_mean
    with dry_run():
        net(torch.ones(4, 2))
        outer = net.running_mean
        with dry_run():
            net(torch.ones(4, 2))
        assert net.running_mean is outer
        assert torch.allclose(outer, torch.tensor(0.1))
    assert net.running_mean is buffer
    assert torch.equal(buffer, torch.zeros(2))
