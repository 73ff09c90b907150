"""Programs under the alias: they run as Python runs them, and what they start has the alias."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import virgil

SOURCE = str(Path(virgil.__file__).parents[1])
STARTED = {
    "module": [sys.executable, "-m", "virgil.as_pyro"],
    "command": [sys.executable, "-c", "import sys; from virgil.cli import main; sys.exit(main())", "run"],
}


def started(command, folder, search=(SOURCE,)):
    """The finished process of a command in a folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search), "COLUMNS": "100"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def printed(command, folder, search=(SOURCE,)):
    """The lines that a command prints, which must end well and say nothing else."""
    process = started(command, folder, search)
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout.splitlines()


SHOW = """
import sys
import helper
import pyro
from pyro.infer import SVI

def function():
    pass

if __name__ == "__main__":
    print(sys.argv)
    print(sys.path[0])
    print(__file__)
    print(__spec__ and __spec__.name, __package__)
    print(sys.modules["__main__"].function is function, function.__module__)
    print(SVI.__module__)
"""


@pytest.fixture
def folder(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "helper.py").write_text("import pyro\n")
    (programs / "show.py").write_text(SHOW)
    (programs / "plain.py").write_text(
        SHOW.replace("import pyro", "").replace("from pyro.infer import SVI", "SVI = str")
    )
    return tmp_path


@pytest.mark.thorough
@pytest.mark.parametrize("way", STARTED)
def test_a_script_sees_what_python_shows_it(way, folder):
    arguments = ["programs/show.py", "--version", "-m", "x"]
    lines = printed([*STARTED[way], *arguments], folder)
    (folder / "programs" / "helper.py").write_text("")
    by_python = printed([sys.executable, "programs/plain.py", *arguments[1:]], folder)
    assert lines[:-1] == [line.replace("plain.py", "show.py") for line in by_python[:-1]]
    assert lines[-1] == "virgil.pyro.infer.svi"


@pytest.mark.thorough
def test_a_module_sees_what_python_shows_it(folder):
    lines = printed([*STARTED["module"], "-m", "show", "--version"], folder / "programs")
    (folder / "programs" / "helper.py").write_text("")
    by_python = printed([sys.executable, "-m", "plain", "--version"], folder / "programs")
    assert lines[:-1] == [line.replace("plain", "show") for line in by_python[:-1]]


@pytest.mark.thorough
def test_a_folder_and_a_package_run_their_main(folder):
    package = folder / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text("import pyro, sys; print(pyro.__version__, sys.argv[1:], __name__)")
    line = f"1.9.1+virgil.{virgil.__version__} ['x'] __main__"
    assert printed([*STARTED["module"], "package", "x"], folder) == [line]
    assert printed([*STARTED["module"], "-m", "package", "x"], folder) == [line]


ENDS = [
    (["-c", "import sys, pyro; print(sys.argv); sys.exit(5)", "--x"], 5, "['-c', '--x']\n", ""),
    (["-c", "import pyro; raise SystemExit('words')"], 1, "", "words\n"),
    (
        ["-c", "1 / 0"],
        1,
        "",
        'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\n'
        "ZeroDivisionError: division by zero\n",
    ),
    (["-c", "x = ("], 1, "", "SyntaxError: '(' was never closed\n"),
    (["missing.py"], 2, "", "missing.py': there is no such file\n"),
    (["-m", "missing"], 1, "", "No module named missing\n"),
    (["-m", "missing.below"], 1, "", "(No module named 'missing')\n"),
    (["-c"], 1, "", "argument expected for the -c option\n"),
    (["-c", "import sys; print(sys.argv)", "--", "-h"], 0, "['-c', '--', '-h']\n", ""),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("arguments", "code", "out", "err"), ENDS)
def test_a_program_ends_as_it_does_under_python(arguments, code, out, err, tmp_path):
    process = started([*STARTED["module"], *arguments], tmp_path)
    assert (process.returncode, process.stdout) == (code, out)
    assert process.stderr.endswith(err)
    assert "main_program.py" not in process.stderr


@pytest.mark.thorough
def test_alone_each_says_how_to_use_it(tmp_path):
    process = started(STARTED["module"], tmp_path)
    assert process.returncode == 1
    assert process.stderr == "usage: python -m virgil.as_pyro (script.py | -m module | -c text) [argument ...]\n"
    process = started([*STARTED["command"], "--help"], tmp_path)
    assert process.returncode == 0
    assert process.stdout.startswith("usage: virgil run (script.py | -m module | -c text) [argument ...]\n")
    assert started(STARTED["command"], tmp_path).returncode == 2


CHILDREN = """
import multiprocessing
import sys

import pyro
import torch
from pyro.infer import SVI


class Data(torch.utils.data.Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        import pyro.distributions as dist

        return dist.Normal(0.0, 1.0).log_prob(torch.tensor(float(index)))


def name_of(kind, queue):
    queue.put((kind.__module__, pyro.__version__, sys.argv))


def check(index):
    assert pyro.__version__.startswith("1.9.1")


if __name__ == "__main__":
    for method in ("spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        queue = context.Queue()
        process = context.Process(target=name_of, args=(SVI, queue))
        process.start()
        print(method, queue.get(timeout=200) == (SVI.__module__, pyro.__version__, sys.argv))
        process.join()
    if sys.argv[1:] != ["all"]:
        sys.exit()
    loader = torch.utils.data.DataLoader(Data(), num_workers=1, multiprocessing_context="spawn")
    print([round(batch.item(), 4) for batch in loader])
    torch.multiprocessing.spawn(check, nprocs=1)
"""
FOUND = ["spawn True", "forkserver True"]


@pytest.mark.long
@pytest.mark.parametrize(
    "way",
    [
        "module",
        *(pytest.param(way, marks=pytest.mark.thorough) for way in ("import", "module -m", "command", "beside")),
    ],
)
def test_children_have_the_alias(way, tmp_path):
    (tmp_path / "children.py").write_text(("import virgil.as_pyro\n" if way == "import" else "") + CHILDREN)
    commands = {
        "import": [sys.executable, "children.py", "all"],
        "module": [*STARTED["module"], "children.py", "x"],
        "module -m": [*STARTED["module"], "-m", "children", "x"],
        "command": [*STARTED["command"], "children.py", "x"],
    }
    if way == "beside":  # Virgil is found by the program's own search path alone, which a child has not when it begins
        line = f"import sys; sys.path.insert(0, {SOURCE!r}); import virgil.as_pyro\n"
        (tmp_path / "children.py").write_text(line + CHILDREN)
        assert printed([sys.executable, "children.py", "x"], tmp_path, search=()) == FOUND
    else:
        assert printed(commands[way], tmp_path) == FOUND + ["[-0.9189, -1.4189]"] * (way == "import")


SUITE = """
import multiprocessing

import pyro
from pyro.infer import SVI


def send(queue):
    import pyro

    queue.put(pyro.__version__)


def test_one():
    assert SVI.__module__ == "virgil.pyro.infer.svi"


def test_children():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=send, args=(queue,))
    process.start()
    assert queue.get(timeout=200) == pyro.__version__
    process.join()
"""


@pytest.mark.thorough
@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_a_suite_has_the_alias(workers, tmp_path):
    (tmp_path / "test_suite.py").write_text(SUITE)
    options = ["-p", "virgil.as_pyro", "-q", "-W", "error", "-p", "no:cacheprovider", *workers]
    process = started([sys.executable, "-m", "pytest", *options], tmp_path)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "2 passed" in process.stdout


@pytest.mark.long
def test_the_real_package_imported_before_is_refused(tmp_path):
    (tmp_path / "pyro").mkdir()
    (tmp_path / "pyro" / "__init__.py").write_text("")
    process = started([sys.executable, "-c", "import pyro; import virgil.as_pyro"], tmp_path)
    assert process.returncode == 1
    assert "virgil.errors.AliasError: Another package named pyro has been imported, from " in process.stderr
    assert str(Path("pyro", "__init__.py")) in process.stderr


@pytest.mark.long
def test_a_real_package_beside_it_gives_way(tmp_path):
    """An installed package of that name is not even looked at, nor are its modules that Virgil lacks."""
    (tmp_path / "pyro").mkdir()
    for name in ("__init__", "own"):
        (tmp_path / "pyro" / f"{name}.py").write_text("raise RuntimeError")
    program = "import pyro.infer, importlib.util; print(importlib.util.find_spec('pyro.own')); import pyro.own"
    process = started([*STARTED["module"], "-c", program], tmp_path)
    assert process.stdout == "None\n"
    assert "ModuleNotFoundError: No module named 'pyro.own'" in process.stderr
