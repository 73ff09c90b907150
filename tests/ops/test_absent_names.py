"""Names that are not there say what to use, however they are asked for."""

import importlib

import pytest

from virgil.ops.absent_names import INSTEAD

ABSENT = [(room, name) for room, names in INSTEAD.items() for name in names]
MISSPELT = {
    ("virgil", "smaple"): "sample",
    ("virgil.infer", "Trace_Elbo"): "Trace_ELBO",
    ("virgil.infer.autoguide", "AutoNormel"): "AutoNormal",
    ("virgil.optim", "Adamw"): "AdamW",
    ("virgil.poutine", "conditon"): "condition",
    ("virgil.distributions", "Norml"): "Normal",
}


def _said(room, name):
    module = importlib.import_module(room)
    assert not hasattr(module, name)
    with pytest.raises(AttributeError) as asked:
        getattr(module, name)
    with pytest.raises(ImportError) as imported:
        exec(f"from {room} import {name}")  # noqa: S102 - a statement, whose words are Python's own elsewhere
    assert str(asked.value) == str(imported.value)
    return str(asked.value)


@pytest.mark.parametrize(("room", "name"), ABSENT)
def test_what_is_not_there_yet_says_what_to_use(room, name):
    assert _said(room, name) == f"{room} has no {name} yet. {INSTEAD[room][name]}."


@pytest.mark.parametrize(("room", "name"), MISSPELT)
def test_a_misspelt_name_has_the_one_that_is_meant(room, name):
    assert _said(room, name) == f"module {room!r} has no attribute {name!r}. Did you mean {MISSPELT[room, name]!r}?"


def test_a_name_like_no_other_is_an_error_without_a_guess():
    assert _said("virgil", "qqqqqq") == "module 'virgil' has no attribute 'qqqqqq'."
