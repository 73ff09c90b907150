"""An index that is a tensor of one number is a look-up in a recorded function, at other numbers too."""

import pytest
import torch

from virgil.engine.recording.graph import traced
from virgil.errors import CaptureError

TABLE = torch.arange(60.0).reshape(3, 4, 5)
ROWS = torch.tensor([2, 0])
MASK = TABLE[..., 0] > 7

READS = {
    "one": lambda x, i: x[i],
    "after a slice": lambda x, i: x[:, i],
    "after an ellipsis": lambda x, i: x[..., i],
    "before an ellipsis": lambda x, i: x[i, ...],
    "two": lambda x, i: x[i, i],
    "with a number": lambda x, i: x[1, :, i],
    "with a new dim": lambda x, i: x[None, :, i, None],
    "with rows": lambda x, i: x[ROWS, i],
    "with rows on the other side": lambda x, i: x[i, :, ROWS],
    "with a mask": lambda x, i: x[MASK, i],
    "of another type": lambda x, i: x[i.int()],
    "through an operator": lambda x, i: x[i + 1 - 1].exp(),
}


@pytest.mark.parametrize("name", READS)
def test_it_reads_what_torch_reads(name):
    read = READS[name]
    record = traced(lambda x, i: (read(x, i),), TABLE, torch.tensor(0))
    for number in (0, 2, -1, -3):
        index = torch.tensor(number)
        torch.testing.assert_close(record(TABLE + number, index)[0], read(TABLE + number, index), rtol=0, atol=0)


def test_its_derivative_is_torchs():
    def slope(x, i):
        x = x.detach().requires_grad_()
        return torch.autograd.grad((x[:, i] ** 2).sum(), x)

    record = traced(slope, TABLE, torch.tensor(0))
    torch.testing.assert_close(record(TABLE, torch.tensor(3)), slope(TABLE, torch.tensor(3)))


def test_a_number_that_python_asks_for_is_still_refused():
    with pytest.raises(CaptureError, match="used as a Python value"):
        traced(lambda x, i: x[int(i)], TABLE, torch.tensor(0))
