"""The tree of exceptions is the one that its docstring draws."""

import re

import pytest

import virgil.errors as errors
from virgil.errors import did_you_mean

CLASSES = {
    name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.VirgilError)
}


def drawn():
    """By class: the depth at which it is drawn, and the built-in exception in brackets."""
    for line in errors.__doc__.splitlines():
        match = re.match(r"^    ([│ ├└─]*)(\w+(?:Error))\b(.*)$", line)
        if match:
            branch, name, text = match.groups()
            builtin = re.search(r"\((\w+Error)\)", text)
            yield len(branch) // 4, name, builtin and builtin.group(1)


def test_the_drawing_shows_every_class_below_its_parent():
    path, seen = [], set()
    for depth, name, builtin in drawn():
        path[depth:] = [name]
        seen.add(name)
        if depth:
            assert CLASSES[path[depth - 1]] in CLASSES[name].__bases__
        if builtin:
            assert issubclass(CLASSES[name], getattr(__builtins__, builtin, None) or __builtins__[builtin])
    assert seen == CLASSES.keys()


def test_a_missing_parameter_reads_as_a_sentence():
    assert str(errors.MissingParamError("There is none.")) == "There is none."


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("sigmma", ["mu", "sigma"], "Did you mean 'sigma'?"),
        ("x", ["mu", "sigma"], "Known names: 'mu', 'sigma'."),
        ("x", [], "No names are known."),
        ("zzz", [f"site{i:02d}" for i in range(12)], "'site09', ..."),
    ],
)
def test_hints(name, known, hint):
    assert did_you_mean(name, known).endswith(hint)
