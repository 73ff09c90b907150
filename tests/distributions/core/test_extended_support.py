"""Outside a support with tensors for bounds the log-density is minus infinity, and its derivative zero."""

import pytest
import torch

import virgil.distributions as dist
from virgil.distributions.core.extended_support import extended_log_prob, support_varies
from virgil.distributions.core.validation import checked, unchecked


def _t(*values):
    return torch.tensor(values, dtype=torch.float64)


# family, parameters, a value that the first entry allows and the second forbids
FAMILIES = {
    "Binomial": (lambda n, logits: dist.Binomial(n, logits=logits), (_t(5, 3), _t(0.3, 0.3)), 4.0),
    "BetaBinomial": (lambda a, b, n: dist.BetaBinomial(a, b, n), (_t(1.2, 1.2), _t(0.7, 0.7), _t(5, 3)), 4.0),
    "Uniform": (dist.Uniform, (_t(0.1, 0.1), _t(3.0, 1.0)), 2.0),
    "Uniform, from below": (dist.Uniform, (_t(0.1, 2.5), _t(3.0, 3.0)), 2.0),
    "Pareto": (dist.Pareto, (_t(1.0, 3.0), _t(1.3, 1.3)), 2.0),
    "GeneralizedPareto": (dist.GeneralizedPareto, (_t(1.0, 3.0), _t(1.3, 1.3), _t(0.2, 0.2)), 2.0),
    "GeneralizedPareto, bounded": (dist.GeneralizedPareto, (_t(1.0, 1.0), _t(1.3, 0.2), _t(-0.5, -0.5)), 2.0),
}


def _gradients(total, leaves):
    return torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(("family", "params", "value"), FAMILIES.values(), ids=FAMILIES)
def test_minus_infinity_outside_with_a_derivative_of_zero(family, params, value, validate):
    with checked() if validate else unchecked():
        leaves = [each.clone().requires_grad_(True) for each in params]
        point = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        fn = family(*leaves)
        allowed, forbidden = extended_log_prob(fn, point)
        assert forbidden == -torch.inf
        own = [each[:1].clone().requires_grad_(True) for each in params]
        same = point.detach().clone().requires_grad_(True)
        expected = family(*own).log_prob(same).squeeze()
        assert allowed.item() == pytest.approx(expected.item(), rel=1e-12)
        gradients = _gradients(extended_log_prob(fn, point).logsumexp(0), [*leaves, point])
        for gradient, exact in zip(gradients, _gradients(expected, [*own, same]), strict=True):
            exact = exact.reshape(-1)
            assert gradient.reshape(-1)[:1].tolist() == pytest.approx(exact.tolist(), rel=1e-9)
            assert (gradient.reshape(-1)[1:] == 0).all()


def test_plain_torch_distributions_as_well():
    fn = torch.distributions.Uniform(torch.zeros(2), torch.tensor([1.0, 3.0]), validate_args=True)
    assert extended_log_prob(fn, torch.tensor(2.0)).tolist() == pytest.approx([-torch.inf, -1.0986123])


def test_which_batch_dims_a_support_varies_along():
    bounds = torch.ones(3, 1, 2)
    plain, event = dist.Uniform(torch.zeros(()), bounds), dist.Uniform(torch.zeros(()), bounds).to_event(1)
    assert [support_varies(plain, [dim]) for dim in (-1, -2, -3, -4)] == [True, False, True, False]
    assert [support_varies(event, [dim]) for dim in (-1, -2, -3)] == [False, True, False]
    assert not support_varies(dist.Normal(torch.zeros(3), 1.0), [-1])
    assert not support_varies(dist.Categorical(torch.ones(3, 4)), [-1])
    assert not support_varies(plain, [])
    assert not support_varies(dist.Binomial(4, logits=bounds), [-3])  # one bound for all
    assert support_varies(dist.Binomial(torch.arange(3.0)[:, None], logits=torch.zeros(2)), [-2])
