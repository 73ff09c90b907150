"""A private name of torch stands in one file, which does without it where torch has moved it."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.house.source import FILES, PACKAGE

# by file, the names; tests take each away and see what is done instead
DOORS = {
    "engine/inductor/code.py": {"torch._dynamo.convert_frame", "torch._inductor.compile_fx"},
    "ops/foreach.py": {"_foreach_"},
    "ops/gradient_graph.py": {
        "torch._C",
        "torch._C._functorch",
        "torch._C._functorch.is_functorch_wrapped_tensor",
    },
    "ops/operators.py": {"torch._ops", "torch.utils._python_dispatch"},  # the first for the checker of types alone
    "ops/trees.py": {"torch.utils._pytree"},
    "ops/all_true.py": {"_is_all_true", "_is_functional_tensor"},
    "optim/torch_step.py": {
        "torch.autograd._profiler_enabled",
        "hooks._global_optimizer_pre_hooks",
        "hooks._global_optimizer_post_hooks",
        "optimizer._optimizer_step_pre_hooks",
        "optimizer._optimizer_step_post_hooks",
    },
    "optim/clipped_adam.py": {"_fused_adam_", "torch._fused_adam_"},
}
_DOTTED = re.compile(r"(torch|hooks|optimizer)(\.\w+)+")  # names in torch's modules, and of its optimisers


def _is_private(name: str) -> bool:
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


def _names(tree: ast.AST) -> Iterator[str]:
    """The dotted names of torch's that a file imports, reads, or asks for by ``getattr`` and ``hasattr``."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] == "torch":
                yield from [module] if _is_private(module) else [f"{module}.{each.name}" for each in names]
            case ast.Import(names=names):
                yield from (each.name for each in names if each.name.startswith("torch."))
            case ast.Attribute() if _DOTTED.fullmatch(dotted := ast.unparse(node)):
                yield dotted
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[ast.Name(id="torch"), name, *_]):
                first = name.values[0] if isinstance(name, ast.JoinedStr) else name
                yield str(first.value) if isinstance(first, ast.Constant) else ""


def test_each_private_name_of_torch_has_one_door() -> None:
    found = defaultdict(set)
    for path in FILES:
        names = {each for each in _names(ast.parse(path.read_text())) if _is_private(each)}
        if names:
            found[path.relative_to(PACKAGE).as_posix()] = names
    assert found == DOORS, "Torch may move a private name: give it a door with a fallback, and add both here."
