"""Ways to damage a file: cut, flipped, edited, swapped; each is drawn from a generator of its own seed."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable, Mapping
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from virgil.params import tensor_file

JUNK: list[Any] = [None, True, -1, 0, 3, 1.5, "x", "", [], {}, [[[]]], [None], {"tensor": "x"}, {"type": "eval"}]

Damage = Callable[[random.Random, bytes], bytes]


def cut(rng: random.Random, content: bytes) -> bytes:
    """The beginning of the file."""
    return content[: rng.randrange(len(content))]


def longer(rng: random.Random, content: bytes) -> bytes:
    """The file and more bytes."""
    return content + rng.randbytes(rng.randint(1, 40))


def one_bit(rng: random.Random, content: bytes) -> bytes:
    """One bit is another."""
    return _flipped(rng, content, 1)


def some_bits(rng: random.Random, content: bytes) -> bytes:
    """A few bits are others."""
    return _flipped(rng, content, rng.randint(2, 12))


def one_bit_of_the_data(rng: random.Random, content: bytes) -> bytes:
    """One bit of the tensors is another."""
    begin = _begin_of_data(content)
    return content[:begin] + _flipped(rng, content[begin:], 1)


def a_block_of_zeros(rng: random.Random, content: bytes) -> bytes:
    """What a disk may leave of a page."""
    start, size = rng.randrange(len(content)), rng.randint(1, 512)
    return content[:start] + bytes(len(content[start : start + size])) + content[start + size :]


def a_piece_twice(rng: random.Random, content: bytes) -> bytes:
    """A piece of the file stands there twice."""
    start = rng.randrange(len(content))
    return content[:start] + content[max(0, start - rng.randint(1, 99)) :]


def header_text(rng: random.Random, content: bytes) -> bytes:
    """A character of the header is another, the header's length fitting."""
    begin = _begin_of_data(content)
    place = rng.randrange(8, begin)
    return content[:place] + rng.choice(b'{}[]":,0123456789abxyz \\').to_bytes() + content[place + 1 :]


def _flipped(rng: random.Random, content: bytes, count: int) -> bytes:
    damaged = bytearray(content)
    for _ in range(count):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _begin_of_data(content: bytes) -> int:
    return 8 + int(struct.unpack("<Q", content[:8])[0])


DAMAGES: list[Damage] = [
    cut, longer, one_bit, some_bits, one_bit_of_the_data, a_block_of_zeros, a_piece_twice, header_text,
]  # fmt: skip


def edited(rng: random.Random, path: Any) -> bytes:
    """A file whose header was edited by somebody who knows the digest."""
    with safe_open(path, framework="pt") as file:
        metadata: Mapping[str, str] = file.metadata()
        tensors: dict[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    about = json.loads(metadata["virgil"])
    _edit(rng, about["header"] if rng.random() < 0.8 and about["header"] else about)
    if tensors and rng.random() < 0.2:
        name = rng.choice(sorted(tensors))
        tensors[name] = rng.choice([torch.ones(2, 3), torch.tensor(1), tensors[name].reshape(-1)[:0]])
    about["version"] = rng.choice([1, 2])
    text = json.dumps(about)
    return save(tensors, metadata={"virgil": text, "sha256": tensor_file._digest(text, tensors)})


def _edit(rng: random.Random, value: Any) -> None:
    """Put something else in some place of a nest of lists and dicts."""
    places = list(value) if isinstance(value, dict) else range(len(value))
    place = rng.choice(list(places))
    inner = value[place]
    if isinstance(inner, (dict, list)) and inner and rng.random() < 0.8:
        _edit(rng, inner)
    elif rng.random() < 0.3:
        del value[place]
    else:
        value[place] = rng.choice(JUNK)
