"""What the methods of the mixin do beyond the laws: edge cases, messages, the validation switch."""

import threading

import pytest
import torch

import virgil.distributions as dist
from virgil.distributions.core.validation import checked, unchecked
from virgil.distributions.util import sum_rightmost
from virgil.errors import ArgumentError, ShapeError


class Spike(dist.TorchDistribution):
    """A user's own family, without an expand: noise of parameters of its own in one batch dim of size 1."""

    support = dist.constraints.real
    has_rsample = True

    def __init__(self, width):
        self.width = width
        super().__init__(width.shape)

    def rsample(self, sample_shape=()):
        return self.width * torch.randn(self.shape(sample_shape))

    def log_prob(self, value):
        return dist.Normal(torch.zeros(()), self.width).log_prob(value)


def test_calling_draws_pathwise_where_that_exists():
    loc = torch.zeros(3, requires_grad=True)
    assert dist.Normal(loc, 1.0)((2,)).requires_grad
    assert dist.Poisson(loc.exp())((2,)).shape == (2, 3)
    assert not dist.Poisson(loc.exp())().requires_grad


def test_to_event_says_what_is_wrong():
    fn = dist.Normal(torch.zeros(3), 1.0)
    with pytest.raises(ShapeError, match=r"to_event\(2\) of Normal: its batch_shape is \(3,\), so at most 1 dims"):
        fn.to_event(2)
    with pytest.raises(ShapeError, match="there are none"):
        fn.to_event(-1)
    with pytest.raises(ShapeError, match="there are none"):
        fn.to_event(1).to_event(-2)
    with pytest.raises(ArgumentError, match="got 'x', a str"):
        fn.to_event("x")


def test_mask_says_what_is_wrong():
    fn = dist.Normal(torch.zeros(3), 1.0)
    with pytest.raises(ShapeError, match=r"shape \(2,\), which does not broadcast .* batch_shape \(3,\)"):
        fn.mask(torch.tensor([True, False]))
    with pytest.raises(ArgumentError, match=r"dtype torch.float32 and values other than 0 and 1.*poutine.scale"):
        fn.mask(torch.tensor([1.0, 0.5, 0.0]))
    with pytest.raises(ArgumentError, match="a str; it takes a bool"):
        fn.mask("all")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8, torch.int64])
def test_masks_of_numbers_are_masks_of_bools(dtype):
    mask = torch.tensor([[True, False, True], [False, False, True]])
    fn = dist.Normal(torch.zeros(3), 1.0)
    x = torch.tensor([0.5, torch.nan, 1.0])
    torch.testing.assert_close(fn.mask(mask.to(dtype)).log_prob(x), fn.mask(mask).log_prob(x))
    torch.testing.assert_close(fn.mask(mask.to(dtype)).entropy(), torch.where(mask, fn.entropy(), 0.0))


def test_a_family_with_a_constructor_of_its_own_is_repeated():
    class Offset(dist.Normal):
        def __init__(self, loc, offset):
            self.offset = offset
            super().__init__(loc, 1.0)

        def log_prob(self, value):
            return super().log_prob(value - self.offset)

    fn, plain = Offset(torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])), dist.Normal(torch.tensor([2.0, 4.0]), 1.0)
    x = torch.randn(4, 5, 2)
    for ours, theirs in (
        (fn.expand_by((5,)), plain.expand_by((5,))),
        (fn.to_event(1).expand((5,)), plain.to_event(1).expand((5,))),
        (
            fn.mask(torch.tensor([[True], [False]] * 2 + [[True]])),
            plain.mask(torch.tensor([[True], [False]] * 2 + [[True]])),
        ),
        (fn.to_event(1).expand_by((5,)), plain.to_event(1).expand_by((5,))),
    ):
        assert (ours.batch_shape, ours.event_shape) == (theirs.batch_shape, theirs.event_shape)
        torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x))
        draws = ours.sample((2,))
        assert draws.shape == theirs.sample((2,)).shape
        assert draws.unique().numel() == draws.numel()  # copies are drawn independently


def test_what_is_not_there_is_an_attribute_error():
    class Careless(dist.TorchDistribution):
        def __init__(self):
            self.known = hasattr(self, "_batch_shape")

    fn = Careless()
    assert not fn.known
    assert not hasattr(fn, "batch_shape")
    assert getattr(fn, "event_shape", None) is None
    assert not hasattr(dist.Normal(0.0, 1.0), "nothing")
    with pytest.raises(ArgumentError, match=r"Careless has no batch_shape and event_shape. Call super\(\).__init__"):
        fn.batch_shape  # noqa: B018


def test_a_family_may_be_a_module():
    class Learned(dist.TorchDistribution, torch.nn.Module):
        support = dist.constraints.real

        def __init__(self):
            super().__init__(torch.Size((3,)))
            self.loc = torch.nn.Parameter(torch.zeros(3))
            self.inner = torch.nn.Linear(1, 1)

        def sample(self, sample_shape=()):
            return dist.Normal(self.loc, 1.0).sample(sample_shape)

        def log_prob(self, value):
            return dist.Normal(self.loc, 1.0).log_prob(value)

    fn = Learned()
    assert isinstance(fn.loc, torch.nn.Parameter)
    assert isinstance(fn.inner, torch.nn.Linear)
    assert fn().shape == (3,)
    assert not hasattr(fn, "nothing")
    assert fn.log_prob(torch.zeros(3)).requires_grad


def test_families_are_handed_a_size():
    seen = []

    class Counted(dist.TorchDistribution):
        support = dist.constraints.real

        def sample(self, sample_shape):
            seen.append(sample_shape)
            return torch.zeros(sample_shape + self.batch_shape)

    fn = Counted(torch.Size((2,)))
    fn()
    fn((3,))
    fn.mask(True)()
    fn.to_event(1).mask(True).sample()
    fn.expand_by((4,))()
    assert [type(each) for each in seen] == [torch.Size] * 5
    assert seen[:4] == [(), (3,), (), ()]


def test_a_false_mask_does_not_compute():
    fn = dist.Normal(torch.zeros(3), 1.0).mask(False)
    log_prob = fn.log_prob(torch.full((2, 3), torch.nan))  # would be refused if it were scored
    assert log_prob.shape == (2, 3)
    assert (log_prob == 0).all()


def test_a_family_without_expand_is_repeated():
    fn = Spike(torch.tensor([[1.0], [10.0]])).expand((5, 2, 4))
    assert type(fn) is dist.ExpandedDistribution
    x = fn.rsample((1000,))
    assert x.shape == (1000, 5, 2, 4)
    assert x.unique().numel() > 0.99 * x.numel()  # copies are drawn independently
    assert (x.std((0, 1, 3)) / torch.tensor([1.0, 10.0]) - 1).abs().max() < 0.05
    torch.testing.assert_close(fn.log_prob(x), Spike(torch.tensor([[1.0], [10.0]])).log_prob(x))
    assert fn.to_event(1).mask(True).batch_shape == (5, 2)
    with pytest.raises(ShapeError, match=r"cannot be expanded to \(3,\)"):
        fn.expand((3,))


def test_the_mixin_may_also_stand_last():
    class Named(torch.distributions.Normal, dist.TorchDistributionMixin):
        pass

    fn = Named(torch.zeros(2), 1.0)
    assert type(fn.expand_by((3,))) is Named
    assert fn.to_event(1).event_shape == (2,)


def test_bad_arguments_are_named_unless_validation_is_off():
    with pytest.raises(ValueError, match=r"parameter scale .* of distribution Normal\(loc: 0.0, scale: -1.0\)"):
        dist.Normal(0.0, -1.0)
    for family in (dist.LogNormal, dist.Beta, dist.InverseGamma, dist.Weibull):
        with pytest.raises(ValueError, match=family.__name__):
            family(1.0, -1.0)
    with pytest.raises(ValueError, match="StudentT"):
        dist.StudentT(3.0, 0.0, -1.0)
    with unchecked():
        for family in (dist.Normal, dist.LogNormal, dist.Beta, dist.InverseGamma, dist.Weibull, dist.HalfCauchy):
            family(*[torch.tensor(-1.0)] * (1 if family is dist.HalfCauchy else 2))
        with checked(), pytest.raises(ValueError, match="scale"):
            dist.HalfCauchy(-1.0)
        with pytest.raises(ValueError, match="scale"):
            dist.Normal(0.0, -1.0, validate_args=True)


def test_the_switch_is_asked_when_scoring_not_when_made_or_expanded():
    with unchecked():
        fn = dist.Normal(0.0, 1.0).expand((2,))
    with pytest.raises(ValueError, match="within the support"):
        fn.log_prob(torch.tensor([0.0, torch.nan]))
    explicit = dist.Normal(0.0, 1.0, validate_args=False).expand((2,)).to_event(1).expand((3,))
    assert explicit.log_prob(torch.full((3, 2), torch.nan)).isnan().all()


def test_one_thread_does_not_switch_another():
    seen = []
    with unchecked():
        thread = threading.Thread(target=lambda: seen.append(dist.Normal(0.0, 1.0)._validate_args))
        thread.start()
        thread.join()
        assert not dist.Normal(0.0, 1.0)._validate_args
    assert seen == [True]


def test_numbers_take_dtype_of_the_tensor_beside_them():
    half = torch.zeros(3, dtype=torch.double)
    for fn in (dist.Normal(half, 1), dist.Normal(0, half + 1), dist.Normal(half, True)):
        assert fn.loc.dtype is fn.scale.dtype is torch.double
        assert fn.batch_shape == (3,)
    assert dist.Normal(torch.zeros(3, dtype=torch.long), 1.5).scale.tolist() == [1.5] * 3
    with pytest.raises(ValueError, match="must all be instances of"):
        dist.Normal("a", 1.0)


def test_sum_rightmost():
    x = torch.ones(2, 3, 4)
    assert sum_rightmost(x, 0) is x
    assert sum_rightmost(x, 2).tolist() == [12.0, 12.0]
    assert sum_rightmost(x, -1).tolist() == [12.0, 12.0]
    assert sum_rightmost(x, 5) == 24
    assert sum_rightmost(1.5, 2) == 1.5
