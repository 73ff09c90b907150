"""Ways to read a number, such as a program may read besides its arguments.

Each makes a function that reads a number, 1 at first, and one that changes it to another that is positive and whole.
"""

from __future__ import annotations

import array
import collections
import dataclasses
import functools
import json
import os
import threading
import types
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

import virgil

Read = Callable[[], Any]
Change = Callable[[float], object]

NUMBER = 1.0
OTHER = types.ModuleType("other")


def number() -> float:
    return 1.0


class Holder:
    shared = 1.0

    def __init__(self, value=1.0):
        self.value = value

    @property
    def half(self):
        return self.value / 2

    def method(self):
        return 1.0


@dataclass
class Record:
    value: float = 1.0


@dataclass(frozen=True)
class Fixed:
    value: float = 1.0


class Slotted:
    __slots__ = ("value",)


class ByName:
    def __init__(self):
        self.__dict__["_values"] = {"value": 1.0}

    def __getattr__(self, name):
        return self._values[name]


class Scaled(nn.Module):
    """Gives what it has in one of its attributes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("level", torch.tensor(1.0))
        self.frozen = nn.Parameter(torch.tensor(1.0), requires_grad=False)
        self.option, self.options = 1.0, {"level": 1.0}


READ: dict[str, Callable[[], tuple[Read, Change]]] = {}


def way(make: Callable[[], tuple[Read, Change]]) -> Callable[[], tuple[Read, Change]]:
    READ[make.__name__.removeprefix("a_").replace("_", " ")] = make
    return make


def set_to(thing: Any, name: Any) -> Change:
    """Gives an attribute or an item another value."""
    if isinstance(name, str) and not isinstance(thing, (dict, os._Environ)):
        return lambda value: setattr(thing, name, value)
    return lambda value: thing.__setitem__(name, value)


# names


@way
def a_global():
    globals()["NUMBER"] = 1.0
    return lambda: NUMBER, lambda value: globals().update(NUMBER=value)


@way
def a_cell_of_a_closure():
    held = 1.0

    def change(value):
        nonlocal held
        held = value

    return lambda: held, change


@way
def a_default_argument():
    def read(value=1.0):
        return value

    return read, lambda value: setattr(read, "__defaults__", (value,))


@way
def a_default_by_name():
    def read(*, value=1.0):
        return value

    return read, lambda value: read.__kwdefaults__.update(value=value)


@way
def a_function_of_the_module():
    globals()["number"] = lambda: 1.0
    return lambda: number(), lambda value: globals().update(number=lambda: value)


@way
def the_code_of_a_function():
    def read():
        return 1.0

    return read, lambda value: setattr(read, "__code__", read.__code__.replace(co_consts=(None, value)))


@way
def a_name_of_another_module():
    OTHER.number = 1.0
    return lambda: OTHER.number, set_to(OTHER, "number")


@way
def keywords_of_a_partial():
    read = functools.partial(lambda value: value, value=1.0)
    return read, lambda value: read.keywords.update(value=value)


# containers


@way
def a_dict():
    held = {"value": 1.0}
    return lambda: held["value"], set_to(held, "value")


@way
def a_dict_in_a_dict():
    held = {"outer": {"inner": {"value": 1.0}}}
    return lambda: held["outer"]["inner"]["value"], set_to(held["outer"]["inner"], "value")


@way
def a_dict_that_is_replaced():
    held = {"inner": {"value": 1.0}}
    return lambda: held["inner"]["value"], lambda value: held.update(inner={"value": value})


@way
def a_list():
    held = [0.0, 1.0, 0.0]
    return lambda: held[1], set_to(held, 1)


@way
def a_long_list():
    held = [1.0] * 1000
    return lambda: held[999], set_to(held, 999)


@way
def a_tuple_that_is_replaced():
    held = [(0.0, 1.0)]
    return lambda: held[0][1], lambda value: held.__setitem__(0, (0.0, value))


@way
def a_set():
    held = {1.0}

    def change(value):
        held.clear()
        held.add(value)

    return lambda: max(held), change


@way
def a_deque():
    held = collections.deque([1.0], 1)
    return lambda: held[0], held.append


@way
def an_array():
    held = array.array("d", [1.0])
    return lambda: held[0], set_to(held, 0)


# objects


@way
def an_attribute():
    held = Holder()
    return lambda: held.value, set_to(held, "value")


@way
def an_attribute_of_an_object_in_a_list():
    held = [Holder(), Holder()]
    return lambda: held[1].value, set_to(held[1], "value")


@way
def an_object_of_an_object():
    held = Holder(Holder())
    return lambda: held.value.value, set_to(held.value, "value")


@way
def a_slot():
    held = Slotted()
    held.value = 1.0
    return lambda: held.value, set_to(held, "value")


@way
def a_class():
    Holder.shared = 1.0
    return lambda: Holder().shared, set_to(Holder, "shared")


@way
def a_field():
    held = {"record": Record()}
    return lambda: held["record"].value, set_to(held["record"], "value")


@way
def a_frozen_record():
    held = {"record": Fixed()}
    return lambda: held["record"].value, lambda value: held.update(
        record=dataclasses.replace(held["record"], value=value)
    )


@way
def a_property():
    held = {"holder": Holder()}
    return lambda: held["holder"].half * 2, set_to(held["holder"], "value")


@way
def an_attribute_that_is_looked_up():
    held = ByName()
    return lambda: held.value, set_to(held._values, "value")


@way
def a_method_of_an_instance():
    held = Holder()
    return lambda: held.method(), lambda value: setattr(held, "method", lambda: value)


@way
def a_method_of_a_class():
    class Own(Holder):
        pass

    return lambda: Own().method(), lambda value: setattr(Own, "method", lambda self: value)


# what lies outside


@way
def the_environment():
    os.environ["VIRGIL_TEST_NUMBER"] = "1.0"
    return lambda: float(os.environ["VIRGIL_TEST_NUMBER"]), lambda value: os.environ.update(
        VIRGIL_TEST_NUMBER=str(value)
    )


@way
def a_context_variable():
    held = ContextVar("held", default=1.0)
    return held.get, held.set


@way
def a_variable_of_the_thread():
    held = threading.local()
    held.value = 1.0
    return lambda: held.value, set_to(held, "value")


@way
def a_setting_of_virgil():
    def change(value):
        virgil.settings.set(progress=value == 1.0)
        held["value"] = value

    held = {"value": 1.0}
    return lambda: held["value"] if not virgil.settings.get("progress") else 1.0, change


def file(path):
    path.write_text("1.0")
    return lambda: json.loads(path.read_text()), lambda value: path.write_text(json.dumps(value))


# tensors and arrays


@way
def a_tensor():
    held = {"tensor": torch.tensor(1.0)}
    return lambda: held["tensor"], lambda value: held["tensor"].fill_(value)


@way
def a_tensor_through_data():
    held = {"tensor": torch.tensor(1.0)}
    return lambda: held["tensor"], lambda value: held["tensor"].data.fill_(value)


@way
def a_tensor_that_is_replaced():
    held = {"tensor": torch.tensor(1.0)}
    return lambda: held["tensor"], lambda value: held.update(tensor=torch.tensor(value))


@way
def the_memory_of_a_tensor():
    held = {"tensor": torch.tensor(1.0)}
    return lambda: held["tensor"], lambda value: setattr(held["tensor"], "data", torch.tensor(value))


@way
def a_tensor_that_does_not_lie_densely():
    held = torch.ones(4, 4)
    column = held[:, 1]
    return lambda: column.mean(), lambda value: held.fill_(value)


@way
def a_large_tensor():
    held = {"tensor": torch.ones(5000)}
    return lambda: held["tensor"].mean(), lambda value: held["tensor"].data.fill_(value)


@way
def a_tensor_as_a_number():
    held = {"tensor": torch.tensor(1.0)}
    return lambda: held["tensor"].item() + 0.0, lambda value: held["tensor"].data.fill_(value)


@way
def how_many_entries_of_a_tensor_are_positive():
    held = {"tensor": torch.ones(1)}
    return lambda: float((held["tensor"] > 0).sum()), lambda value: held.update(tensor=torch.ones(int(value)))


@way
def a_numpy_array():
    held = np.ones(3, np.float32)
    return lambda: float(held[1]), set_to(held, 1)


@way
def a_numpy_array_that_is_copied():
    held = {"array": np.ones(3, np.float32)}
    return lambda: torch.tensor(held["array"]).mean(), lambda value: held["array"].fill(value)


@way
def a_numpy_array_whose_memory_is_shared():
    held = {"array": np.ones(3, np.float32)}
    return lambda: torch.from_numpy(held["array"]).mean(), lambda value: held["array"].fill(value)


@way
def a_numpy_array_that_is_replaced():
    held = {"array": np.ones(3, np.float32)}
    return lambda: torch.from_numpy(held["array"]).mean(), lambda value: held.update(
        array=np.full(3, value, np.float32)
    )


# networks


@way
def a_flag_of_a_network():
    net = nn.Sequential(nn.Identity())
    held = {"value": 1.0}

    def change(value):
        net[0].train(value == 1.0)
        held["value"] = value

    return lambda: 1.0 if net[0].training else held["value"], change


@way
def an_option_of_a_network():
    net = Scaled()
    return lambda: net.option, set_to(net, "option")


@way
def a_dict_of_a_network():
    net = Scaled()
    return lambda: net.options["level"], set_to(net.options, "level")


@way
def a_buffer_that_is_written():
    net = Scaled()
    return lambda: net.level * 1.0, lambda value: net.level.fill_(value)


@way
def a_buffer_that_is_replaced():
    net = Scaled()
    return lambda: net.level * 1.0, lambda value: setattr(net, "level", torch.tensor(value))


@way
def a_frozen_parameter():
    net = Scaled()
    return lambda: net.frozen * 1.0, lambda value: net.frozen.data.fill_(value)


@way
def a_hook_of_a_network():
    net = nn.Identity()
    hooks = [net.register_forward_hook(lambda module, args, output: output * 1.0)]

    def change(value):
        hooks.pop().remove()
        hooks.append(net.register_forward_hook(lambda module, args, output: output * value))

    return lambda: net(torch.tensor(1.0)), change
