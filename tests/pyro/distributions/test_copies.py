"""Copies of any object with its tensors moved or detached."""

import torch
from torch import nn

import virgil.distributions as dist
from virgil.pyro.distributions.copies import deep_to, detach


def test_a_detached_copy_shares_data_and_no_gradient():
    loc = torch.ones(2, requires_grad=True)
    fn = dist.TransformedDistribution(dist.Normal(loc, 1.0), [dist.transforms.ExpTransform()])
    obj = {"fn": [fn], "same": loc, "text": "a"}
    copied = detach(obj)
    inner = copied["fn"][0].base_dist
    assert type(copied["fn"][0]) is type(fn)
    assert not inner.loc.requires_grad
    assert inner.loc.data_ptr() == loc.data_ptr()
    assert copied["same"] is not loc
    assert loc.requires_grad
    assert fn.base_dist.loc.requires_grad
    assert not copied["fn"][0].log_prob(torch.ones(2)).requires_grad


def test_what_is_one_tensor_stays_one():
    one = torch.zeros(2, requires_grad=True)
    first, second = detach([one, (one,)])
    assert first is second[0]


def test_tensors_and_modules_are_moved():
    net, fn = nn.Linear(2, 1), dist.Normal(torch.zeros(3), 1.0)
    copied = deep_to({"net": net, "fn": fn, "number": 3}, dtype=torch.double)
    assert copied["fn"].loc.dtype is torch.double
    assert fn.loc.dtype is torch.float
    assert copied["net"] is not net
    assert copied["net"].weight.dtype is torch.double
    assert isinstance(copied["net"].weight, nn.Parameter)
    assert copied["net"](torch.zeros(2, dtype=torch.double)).shape == (1,)
    assert net.weight.dtype is torch.double  # a module is moved in place, as torch does it
    assert copied["number"] == 3


def test_functions_and_classes_are_not_copied():
    def fn():
        return 1

    assert detach([fn, dist.Normal]) == [fn, dist.Normal]
