"""Attention and recurrent layers in the form in which they are recorded."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from virgil.engine.recording.graph import traced

DTYPES = [torch.float32, torch.float64]
TOLERANCES = {torch.float32: (1e-5, 1e-6), torch.float64: (1e-12, 1e-13)}


def assert_as_torch(fn, *args):
    """The recorded function gives torch's values and derivatives, and holds no kernel of a device."""

    def with_gradients(*args):
        outputs = [each for each in fn(*args) if each is not None]
        weights = [torch.linspace(-1, 1, each.numel(), dtype=each.dtype).reshape(each.shape) for each in outputs]
        total = sum((each * weight).sum() for each, weight in zip(outputs, weights, strict=True))
        return outputs, torch.autograd.grad(total, [each for each in args if each.requires_grad])

    record = traced(with_gradients, *args)
    names = " ".join(str(node.target) for node in record.graph.nodes)
    assert not any(word in names for word in ("mkldnn", "flash", "efficient", "cudnn"))
    rtol, atol = TOLERANCES[args[0].dtype]
    torch.testing.assert_close(record(*args), with_gradients(*args), rtol=rtol, atol=atol)


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # the kernel of torch's eager layer has none
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("projection", [0, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_an_lstm(dtype, projection, bias, bidirectional):
    network = nn.LSTM(3, 4, 2, bias=bias, bidirectional=bidirectional, proj_size=projection, dtype=dtype)
    directions = 2 if bidirectional else 1
    x = torch.randn(5, 6, 3, dtype=dtype, requires_grad=True)
    hidden = torch.randn(2 * directions, 6, projection or 4, dtype=dtype, requires_grad=True)
    cell = torch.randn(2 * directions, 6, 4, dtype=dtype, requires_grad=True)

    def run(x, hidden, cell):
        outputs, (hidden, cell) = network(x, (hidden, cell))
        return outputs, hidden, cell

    assert_as_torch(run, x, hidden, cell)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bidirectional", [True, False])
def test_an_lstm_on_sequences_of_several_lengths(dtype, bidirectional):
    network = nn.LSTM(3, 4, 2, batch_first=True, bidirectional=bidirectional, dtype=dtype)
    x = torch.randn(4, 6, 3, dtype=dtype, requires_grad=True)
    packed = pack_padded_sequence(torch.zeros(4, 6, 1), [6, 5, 2, 2], batch_first=True)

    def run(x):
        data = pack_padded_sequence(x, [6, 5, 2, 2], batch_first=True).data
        first = data.new_zeros(4 if bidirectional else 2, 4, 4)
        return torch.lstm(
            data, packed.batch_sizes, (first, first), network._flat_weights, True, 2, 0.0, False, bidirectional
        )

    assert_as_torch(run, x)


def test_an_lstm_drops_between_layers_what_torch_drops():
    """On the same noise the recorded layers give what torch's kernel gives in double precision, which has none."""
    network = nn.LSTM(3, 4, 2, dropout=0.5, dtype=torch.float64)
    x = torch.randn(5, 6, 3, dtype=torch.float64)
    state = torch.get_rng_state()
    expected = network(x)[0]
    record = traced(lambda x: network(x)[0], x)
    torch.set_rng_state(state)
    torch.testing.assert_close(record(x), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"scale": 0.3}], ids=str)
@pytest.mark.parametrize("mask", [None, "causal", "bool", "float"])
def test_attention(dtype, options, mask):
    """Four heads over two of the keys, and a query that sees no key."""
    query = torch.randn(2, 4, 5, 8, dtype=dtype, requires_grad=True)
    key, value = (torch.randn(2, 2, 5, 8, dtype=dtype, requires_grad=True) for _ in range(2))
    seen = torch.rand(5, 5) > 0.4
    seen[1] = False
    given = {"bool": seen, "float": torch.randn(5, 5, dtype=dtype)}.get(mask)
    is_causal = mask == "causal"

    def run(query, key, value):
        attention = functional.scaled_dot_product_attention
        return [attention(query, key, value, given, is_causal=is_causal, enable_gqa=True, **options)]

    assert_as_torch(run, query, key, value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("need_weights", [True, False])
def test_multi_head_attention_is_looked_into(dtype, need_weights):
    network = nn.MultiheadAttention(8, 2, batch_first=True, dtype=dtype)
    x = torch.randn(3, 5, 8, dtype=dtype, requires_grad=True)
    padded = torch.zeros(3, 5, dtype=torch.bool)
    padded[0, 3:] = True
    assert_as_torch(lambda x: network(x, x, x, key_padding_mask=padded, need_weights=need_weights), x)
