"""A script, module or text run as Python runs it: as the main program, with its own arguments and search path."""

from __future__ import annotations

import importlib.util
import io
import pkgutil
import runpy
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType, TracebackType

__all__ = ["USAGE", "run"]

USAGE = "(script.py | -m module | -c text) [argument ...]"
_WRONG_USE, _FAILED = 2, 1


def run(argv: Sequence[str]) -> int:
    """Run the program of a command line as Python would run it, in this process.

    ``sys.argv``, ``sys.path[0]`` and ``__main__`` are the program's from then on, so that the processes which it
    starts find its main file. An exception is shown without the frames of this function.

    Args:
        argv: a script, or ``-m`` and a module, or ``-c`` and a text; then the program's arguments.

    Returns:
        The exit code: 0, 1 after an exception, 2 if there is no such file.

    Raises:
        SystemExit: the program ends by it.
    """
    first, rest = argv[0], list(argv[1:])
    if first in ("-m", "-c"):
        if not rest:
            return _say(f"argument expected for the {first} option")
        start = _module if first == "-m" else _text
        return _guarded(lambda: start(rest[0], rest[1:]))
    if not Path(first).exists():
        return _say(f"can't open file {str(Path(first).absolute())!r}: there is no such file", _WRONG_USE)
    return _guarded(lambda: _file(first, rest))


def _file(path: str, arguments: list[str]) -> int:
    _search_first(str(Path(path).resolve().parent))
    sys.argv[:] = [path, *arguments]
    if pkgutil.get_importer(path) is not None:  # a folder or an archive, whose __main__ Python runs
        del sys.path[:1]
        runpy.run_path(path, run_name="__main__")
        return 0
    file = str(Path(path).absolute())
    with io.open_code(file) as source:
        code = compile(source.read(), file, "exec", dont_inherit=True)
    return _execute(code, file=file)


def _module(name: str, arguments: list[str]) -> int:
    _search_first(str(Path.cwd()))
    sys.argv[:] = ["-m", *arguments]
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        return _say(f"Error while finding module specification for {name!r} ({error})")
    code = None if spec is None or spec.loader is None else spec.loader.get_code(name)  # type: ignore[attr-defined]
    if spec is None or code is None:
        return _say(f"No module named {name}")
    sys.argv[0] = spec.origin or name
    return _execute(code, file=spec.origin, spec=spec)


def _text(text: str, arguments: list[str]) -> int:
    _search_first("")
    sys.argv[:] = ["-c", *arguments]
    return _execute(compile(text, "<string>", "exec", dont_inherit=True))


def _execute(code: CodeType, file: str | None = None, spec: ModuleSpec | None = None) -> int:
    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=__builtins__, __annotations__={}, __spec__=spec)
    if file is not None:
        main.__file__ = file
        main.__loader__ = SourceFileLoader("__main__", file) if spec is None else spec.loader
    if spec is not None:
        main.__package__ = spec.parent
    sys.modules["__main__"] = main
    exec(code, main.__dict__)  # noqa: S102 the user's program
    return 0


def _search_first(folder: str) -> None:
    """Put the program's folder where the folder of the command stands."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def _guarded(start: Callable[[], int]) -> int:
    try:
        return start()
    except Exception as error:
        shown = error.with_traceback(_without_ours(error.__traceback__))
        sys.excepthook(type(shown), shown, shown.__traceback__)
        return _FAILED


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_frame.f_code.co_filename in (__file__, runpy.__file__):
        traceback = traceback.tb_next
    return traceback


def _say(words: str, code: int = _FAILED) -> int:
    sys.stderr.write(f"virgil: {words}\n")
    return code
