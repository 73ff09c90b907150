"""Without torch's private names programs run as with them, or an engine is not to be had and that is said."""

import functools
import json
import subprocess
import sys

import pytest

from tests.house.source import ROOT


@functools.cache
def found(what):
    command = [sys.executable, "-m", "tests.engine.nameless", what]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
@pytest.mark.parametrize("engine", ["eager", "xla", "auto"])
def test_what_has_a_fallback_gives_the_same_fit(engine):
    expected, without = found("with_all")[engine], found("without_what_has_a_fallback")[engine]
    assert without["engine"] == expected["engine"] == ("xla" if engine == "auto" else engine)
    assert without["losses"] == pytest.approx(expected["losses"], rel=1e-4)


@pytest.mark.long
def test_without_modes_steps_are_eager_and_compiled_ones_are_refused():
    without, expected = found("without_modes"), found("with_all")
    sentence = "does not show what operators run, under any name that Virgil knows"
    assert without["eager"]["losses"] == expected["eager"]["losses"]
    assert without["auto"]["engine"] == "eager"
    assert sentence in without["auto"]["reason"]
    assert without["xla"]["error"].startswith("CaptureError: engine='xla' cannot take these steps: PyTorch ")
    assert sentence in without["xla"]["error"]
