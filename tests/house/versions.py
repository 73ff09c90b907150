"""The suite under other versions of Python and PyTorch; ``make check-versions`` runs it.

Each pair has an environment of its own under ``.venvs``, some gigabytes. Needs only Python's own library.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "VERSIONS", "Versions", "pinned"]

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venvs"


def pinned(package: str) -> str:
    """The version that ``constraints.txt`` pins."""
    found = re.search(rf"^{package}==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(f"constraints.txt does not pin {package}.")
    return found[1]


@dataclass(frozen=True)
class Versions:
    """A pair that the suite is run on.

    Attributes:
        python: such as ``"3.12"``.
        torch: in full. With the pinned one, all else is as ``constraints.txt`` pins it, and otherwise the newest.
        jax: the version that this gave when the suite was last run.
    """

    python: str
    torch: str
    jax: str

    @property
    def folder(self) -> Path:
        """Where its environment is."""
        return FOLDER / f"python{self.python}-torch{self.torch}"

    def environment(self) -> Path | None:
        """The Python of its environment, which is made anew if it is older than what it is made from."""
        python, stamp = self.folder / "bin" / "python", self.folder / ".installed"
        sources = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
        if stamp.exists() and all(stamp.stat().st_mtime > each.stat().st_mtime for each in sources):
            return python
        base = interpreter(self.python)
        if base is None:
            return None
        constraints = ["-c", "constraints.txt"] if self.torch == pinned("torch") else []
        install = [str(python), "-m", "pip", "--disable-pip-version-check", "-q", "install", *constraints]
        _run([str(base), "-m", "venv", "--clear", str(self.folder)])
        _run([*install, f"torch=={self.torch}"])
        _run([*install, f"torch=={self.torch}", "-e", ".[dev]"])
        stamp.touch()
        return python


# what README.md names, and pyproject.toml claims
VERSIONS = [
    Versions("3.11", "2.13.0", "0.10.2"),
    Versions("3.12", "2.13.0", "0.10.2"),
    Versions("3.13", "2.14.1", "0.12.0.1"),
]


def interpreter(version: str) -> Path | None:
    """A Python of this version: on the PATH, or of pyenv's."""
    return next((each for each in _candidates(version) if _is_python(each, version)), None)


def _candidates(version: str) -> Iterator[Path]:
    found = shutil.which(f"python{version}")
    if found is not None:
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python"))


def _is_python(path: Path, version: str) -> bool:
    """Whether a file runs, and is of the version: pyenv puts names on the PATH of Pythons that are not there."""
    asked = [str(path), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    said = subprocess.run(asked, check=False, capture_output=True, text=True)
    return said.returncode == 0 and said.stdout.strip() == version


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> int:
    """Run the suite on each pair whose Python is found; the arguments are pytest's, besides those of the project."""
    failed = []
    for each in VERSIONS:
        name = f"Python {each.python}, PyTorch {each.torch}"
        python = each.environment()
        if python is None:
            _say(f"{name}: no python{each.python} on the PATH or among pyenv's; left out")
            continue
        _say(name)
        if subprocess.run([str(python), "-m", "pytest", "-q", *sys.argv[1:]], check=False, cwd=ROOT).returncode:
            failed.append(name)
    _say(f"failed: {'; '.join(failed)}" if failed else "passed on all that were found")
    return 1 if failed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
