"""Settings under the alias: what old programs expect, by their names."""

from __future__ import annotations

import logging
import math

import pyro
import pyro.settings
import pytest

from virgil import settings
from virgil.errors import ArgumentError
from virgil.pyro.table import DEFAULTS

VALIDATIONS = [f"validate_{part}" for part in ("distributions_pyro", "distributions_torch", "infer", "poutine")]


def test_the_alias_sets_what_old_programs_expect():
    assert {name: settings.get(name) for name in DEFAULTS} == DEFAULTS


def test_all_settings():
    everything = pyro.settings.get()
    assert {name: everything[name] for name in VALIDATIONS} == dict.fromkeys(VALIDATIONS, True)
    assert everything["binomial_approx_sample_thresh"] == math.inf
    assert everything["mismatch"] == "warn"
    with pyro.settings.context():
        pyro.settings.set(**everything)
        assert pyro.settings.get() == everything


@pytest.mark.parametrize("name", VALIDATIONS)
def test_the_switches_of_validation_are_one(name):
    with pyro.settings.context(**{name: False}):
        assert settings.get("validate") is False
        assert {pyro.settings.get(each) for each in VALIDATIONS} == {False}
    assert settings.get("validate") is True


def test_a_context_decorates_a_function():
    @pyro.settings.context(validate_infer=False, cholesky_relative_jitter=2.0)
    def inside():
        return pyro.settings.get("validate"), pyro.settings.get("cholesky_relative_jitter")

    assert inside() == inside() == (False, 2.0)
    assert pyro.settings.get("cholesky_relative_jitter") == 4.0


def test_an_unknown_setting():
    with pytest.raises(ArgumentError, match="no setting 'validate_infr'"):
        pyro.settings.get("validate_infr")


@pytest.mark.parametrize("room", [pyro, pyro.distributions, pyro.infer])
def test_validation_in_a_block(room):
    with room.validation_enabled(False):
        assert not pyro.distributions.is_validation_enabled()
        assert not pyro.infer.is_validation_enabled()
        assert not pyro.poutine.is_validation_enabled()
        with room.validation_enabled():
            assert pyro.infer.is_validation_enabled()
    assert pyro.poutine.is_validation_enabled()


@pytest.mark.parametrize("room", [pyro, pyro.distributions, pyro.infer, pyro.poutine])
def test_validation_for_good(room):
    room.enable_validation(False)
    assert settings.get("validate") is False
    room.enable_validation(True)
    assert settings.get("validate") is True


def test_the_logger(capsys):
    assert pyro.log is pyro.logger.log is logging.getLogger("pyro")
    assert pyro.log.isEnabledFor(logging.INFO)
    assert not pyro.log.isEnabledFor(logging.DEBUG)
