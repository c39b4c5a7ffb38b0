"""Imports run one way: read from the source, so that no import order or late import can hide one."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = [
    "_version", "errors", "render", "model", "surgery", "autodiff", "session", "objectives", "check",
    "explain", "features", "embed", "lens", "quality", "images", "bench", "report", "cli",
]  # fmt: skip
SIBLINGS = {"trainers", "export", "inspector"}
FRAMEWORKS = {"torch", "tensorflow", "keras", "tf2onnx", "onnxscript"}


def modules(package: str) -> Iterator[Path]:
    yield from sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module name that the file imports, at its top or inside a function, TYPE_CHECKING included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the direction"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(path: Path) -> str:
    return path.relative_to(ROOT / "inspector").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", list(modules("inspector")), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_inspector_imports_only_to_the_left(path: Path) -> None:
    if layer_of(path) in {"__init__", "__main__"}:
        return  # the package's own front door names what lies behind it
    own = LAYERS.index(layer_of(path))
    for name in imports(path):
        root, *rest = name.split(".")
        assert root not in FRAMEWORKS | (SIBLINGS - {"inspector"}), f"{path} imports {name}"
        if root == "inspector" and rest and rest[0] in LAYERS:
            assert LAYERS.index(rest[0]) <= own, f"{path} imports {name}, which lies to its right"


@pytest.mark.parametrize("package", ["trainers", "export"])
def test_siblings_meet_only_in_command_functions(package: str) -> None:
    for path in modules(package):
        if "cli" in path.relative_to(ROOT).parts or path.name == "cli.py":
            continue
        for name in imports(path):
            assert name.split(".")[0] not in SIBLINGS - {package}, f"{path} imports {name}"


def loaded_by(code: str, names: set[str]) -> set[str]:
    """Which of `names` a fresh interpreter has imported after running `code`."""
    probe = f"{code}\nimport sys; print(*({names!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_packages_costs_no_framework() -> None:
    heavy = {"numpy", "onnx", "onnx_ir", "onnxruntime", "torch", "tensorflow", "matplotlib"}
    assert loaded_by("import inspector, trainers, export", heavy) == set()


def test_inspecting_needs_no_framework() -> None:
    """The whole inspector, loaded, has imported neither framework."""
    code = (
        "import inspector, inspector.images, inspector.render, inspector.report;"
        "inspector.Inspector, inspector.Target, inspector.Explanation, inspector.GradientCheck"
    )
    assert loaded_by(code, FRAMEWORKS | {"trainers", "export"}) == set()
