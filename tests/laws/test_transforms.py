"""Every map is the inverse of its inverse, knows its Jacobian, and keeps what a cache, a file and a batch ask of it."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.distributions.transforms import ComposeTransform, IndependentTransform

from tests.laws.transforms import CONDITIONAL, LEARNT, ROWS
from tests.laws.transforms.row import CONTEXT_DIM, drawn
from virgil.distributions.transforms import ComposeTransformModule

ONTO = [name for name, row in ROWS.items() if row.onto]
each_map = pytest.mark.parametrize("name", ROWS)
each_bijection = pytest.mark.parametrize("name", ONTO)
each_learnt = pytest.mark.parametrize("name", LEARNT)
each_family = pytest.mark.parametrize("name", CONDITIONAL)


def uncached(name):
    return ROWS[name].make().with_cache(0)


def log_determinants(transform, x):
    """One for each of the two values."""
    total = transform.log_abs_det_jacobian(x, transform(x))
    return total.reshape(2, -1).sum(-1)


def jacobians(row, transform):
    """Of each value's free coordinates; entries of a batch do not touch each other."""
    u = row.x.flatten(1) if row.coordinates is None else row.coordinates
    shape = row.x.shape if row.coordinates is None else u.shape

    def image(u):
        return row.free(transform(row.whole(u.reshape(shape)))).flatten(1)

    whole = torch.autograd.functional.jacobian(image, u)
    assert not whole[0, :, 1].any()
    assert not whole[1, :, 0].any()
    return torch.stack([whole[0, :, 0], whole[1, :, 1]])


@each_map
def test_the_image_lies_in_the_codomain(name):
    row, transform = ROWS[name], uncached(name)
    y = transform(row.x)
    assert transform.domain.check(row.x).all()
    assert transform.codomain.check(y).all()
    assert transform.forward_shape(row.x.shape) == y.shape
    assert transform.inverse_shape(y.shape) == transform.inv(y).shape
    assert transform.bijective is row.onto


@each_map
def test_the_inverse_gives_the_value_back(name):
    row, transform = ROWS[name], uncached(name)
    y = transform(row.x)
    if row.onto:
        torch.testing.assert_close(transform.inv(y), row.x, rtol=row.accuracy, atol=row.accuracy)
    else:
        torch.testing.assert_close(transform(transform.inv(y)), y, rtol=row.accuracy, atol=row.accuracy)
    assert transform.inv.inv is transform


@each_bijection
def test_the_log_determinant_is_that_of_the_jacobian(name):
    row, transform = ROWS[name], uncached(name)
    expected = jacobians(row, transform).slogdet().logabsdet
    torch.testing.assert_close(log_determinants(transform, row.x), expected, rtol=1e-10, atol=1e-10)


@each_bijection
def test_the_inverse_has_the_negative_log_determinant(name):
    row, transform = ROWS[name], uncached(name)
    y = transform(row.x)
    backward = transform.inv.log_abs_det_jacobian(y, transform.inv(y))
    torch.testing.assert_close(backward, -transform.log_abs_det_jacobian(row.x, y), rtol=1e-8, atol=1e-8)


@each_bijection
def test_the_inverse_has_the_inverse_jacobian(name):
    row, transform = ROWS[name], uncached(name)
    if row.coordinates is not None:
        pytest.skip("the inverse of free coordinates is compared by its value")
    forward = jacobians(row, transform)
    y = transform(row.x).detach()
    backward = torch.autograd.functional.jacobian(lambda y: transform.inv(y), y).reshape(2, y[0].numel(), 2, -1)
    for at in range(2):
        product = forward[at] @ backward[at, :, at]
        torch.testing.assert_close(product, torch.eye(len(product), dtype=torch.double), rtol=1e-6, atol=1e-6)


@each_bijection
def test_the_log_determinant_has_a_value_for_each_event(name):
    row, transform = ROWS[name], uncached(name)
    total = transform.log_abs_det_jacobian(row.x, transform(row.x))
    assert total.shape == row.x.shape[: row.x.dim() - transform.domain.event_dim]


@each_bijection
def test_the_sign_is_that_of_the_slopes(name):
    row, transform = ROWS[name], uncached(name)
    if row.coordinates is not None or row.x.dim() != 2:
        pytest.skip("the sign of a map of matrices is not defined")
    try:
        sign = transform.sign
    except NotImplementedError:
        return
    assert (jacobians(row, transform).det().sign() == sign).all()


@each_map
def test_a_cache_gives_back_the_value_of_a_draw(name):
    row, transform = ROWS[name], ROWS[name].make().with_cache(1)
    y = transform(row.x)
    assert transform.inv(y) is row.x
    assert uncached(name).inv(y) is not row.x


@each_learnt
def test_what_a_program_gives_is_computed_anew_and_a_cleared_cache_too(name):
    row = ROWS[name]
    transform = row.make()
    y = transform(row.x)
    assert transform(row.x) is not y
    transform = row.make().with_cache(1)
    y = transform(row.x)
    transform.clear_cache()
    torch.testing.assert_close(transform.inv(y), row.x, rtol=row.accuracy, atol=row.accuracy)
    assert transform.inv(y) is not row.x


@each_learnt
def test_the_same_data_are_scored_after_a_step(name):
    """Neither the graph of the last step's derivatives nor the last step's parameters come back."""
    row, transform = ROWS[name], ROWS[name].make()
    y = transform(row.x).detach()
    for _ in range(2):
        x = transform.inv(y)
        (x.square().sum() - transform.log_abs_det_jacobian(x, y).sum()).backward()
        with torch.no_grad():
            for each in transform.parameters():
                each.mul_(0.9)
    fresh = copy.deepcopy(transform)
    torch.testing.assert_close(transform.inv(y), fresh.inv(y))


@each_bijection
def test_a_map_and_its_inverse_compose_to_the_identity(name):
    row, transform = ROWS[name], uncached(name)
    both = ComposeTransformModule([transform, transform.inv])
    y = both(row.x)
    torch.testing.assert_close(y, row.x, rtol=row.accuracy, atol=row.accuracy)
    total = both.log_abs_det_jacobian(row.x, y)
    torch.testing.assert_close(total, torch.zeros_like(total), rtol=0, atol=1e-8)


@each_bijection
def test_log_determinants_of_a_composition_add_up(name):
    row, transform = ROWS[name], uncached(name)
    if transform.domain != transform.codomain:
        pytest.skip("the image is not in the domain")
    twice = ComposeTransform([transform, transform])
    y = transform(row.x)
    expected = transform.log_abs_det_jacobian(row.x, y) + transform.log_abs_det_jacobian(y, transform(y))
    torch.testing.assert_close(twice.log_abs_det_jacobian(row.x, twice(row.x)), expected)


@each_bijection
def test_a_batch_dim_can_belong_to_the_event(name):
    row, transform = ROWS[name], uncached(name)
    joint = IndependentTransform(transform, 1)
    total = joint.log_abs_det_jacobian(row.x, joint(row.x))
    torch.testing.assert_close(total, transform.log_abs_det_jacobian(row.x, transform(row.x)).sum(-1))


@each_map
def test_batches_are_mapped_entry_by_entry(name):
    row, transform = ROWS[name], uncached(name)
    wide = row.x.expand(3, 1, *row.x.shape)
    y = transform(row.x)
    torch.testing.assert_close(transform(wide), y.expand(3, 1, *y.shape))
    torch.testing.assert_close(transform.inv(transform(wide)), transform.inv(y).expand(3, 1, *row.x.shape))


@each_learnt
def test_one_value_needs_no_batch(name):
    row, transform = ROWS[name], uncached(name)
    torch.testing.assert_close(transform(row.x[1]), transform(row.x)[1])
    torch.testing.assert_close(transform.inv(transform(row.x[1])), row.x[1])


@each_learnt
def test_a_file_has_the_map(name):
    row, transform = ROWS[name], ROWS[name].make()
    y = transform(row.x)
    other = row.make()
    with torch.no_grad():
        for each in other.parameters():
            each.add_(1.0)
    other.load_state_dict(transform.state_dict())
    torch.testing.assert_close(other(row.x), y, rtol=0, atol=0)
    torch.testing.assert_close(copy.deepcopy(transform)(row.x), y, rtol=0, atol=0)
    torch.testing.assert_close(pickle.loads(pickle.dumps(transform))(row.x), y, rtol=0, atol=0)


@each_learnt
def test_single_precision_stays_single(name):
    row, transform = ROWS[name], ROWS[name].make().float().with_cache(0)
    x = row.x.float()
    y = transform(x)
    assert {y.dtype, transform.inv(y).dtype, transform.log_abs_det_jacobian(x, y).dtype} == {torch.float32}
    torch.testing.assert_close(y, ROWS[name].make()(row.x).float(), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(transform(transform.inv(y)), y, rtol=1e-3, atol=1e-3)  # a slope may be 1e-6


@each_learnt
def test_all_parameters_take_part(name):
    row, transform = ROWS[name], ROWS[name].make()
    y = transform(row.x)
    (y.sum() + transform.log_abs_det_jacobian(row.x, y).sum()).backward()
    left_out = [each for each, value in transform.named_parameters() if value.grad is None]
    assert not left_out
    assert all(each.grad.isfinite().all() for each in transform.parameters())


@each_family
def test_a_family_of_maps_has_the_map_at_each_context(name):
    make, event = CONDITIONAL[name]
    family = make().double()
    context, x = drawn(4, CONTEXT_DIM), drawn(4, *event)
    at = family.condition(context)
    y = at(x)
    for one in range(4):
        torch.testing.assert_close(family.condition(context[one])(x[one]), y[one])
    torch.testing.assert_close(family.inv.condition(context)(y.clone()), x)
    assert str((family.domain, family.codomain, family.bijective)) == str((at.domain, at.codomain, at.bijective))
    assert not list(at.parameters())


@each_family
def test_a_file_has_the_family_and_all_its_parameters_take_part(name):
    make, event = CONDITIONAL[name]
    family, other = make().double(), make().double()
    context, x = drawn(2, CONTEXT_DIM), drawn(2, *event)
    other.load_state_dict(nn.ModuleList([family])[0].state_dict())
    at = family.condition(context)
    y = at(x)
    torch.testing.assert_close(other.condition(context)(x), y, rtol=0, atol=0)
    (y.sum() + at.log_abs_det_jacobian(x, y).sum()).backward()
    assert all(each.grad is not None for each in family.parameters())
