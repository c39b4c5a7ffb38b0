"""The page and the text made from the JSON of a run; nothing is typed in by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.contenders.table import TABLE
from benchmarks.networks import NETWORKS
from benchmarks.tables import GROUPS, Cells, grouped, markdown, plain_table, table, title

__all__ = ["page", "terminal", "write"]

INTRODUCTION = """# Benchmarks

Written by `make bench` (`python -m benchmarks --page`) from one run; `benchmarks/results/default.json` is that run.

Each library runs in a process of its own environment, on the same weights (random ones; an ONNX file made from the
framework's own network), the same images and the same number of threads. Within a case they take turns, A B C A B C: a
turn begins with a pause (threads of the one before may still spin) and a run that is not counted; every figure is the
median over the rounds of a turn's time over that of the reference in the same round, with quartiles in brackets. Who
takes a minute for a first run has that one run.
**Lower is better; seconds are not shown, for they mean nothing elsewhere.** Where nothing else is said the reference
is onnxruntime's plain forward pass of the same images, on the file with a dynamic batch, float32.

A run that was interrupted goes on where it stopped. `python -m benchmarks --quick` takes minutes;
`python -m benchmarks gradient --network resnet50 --batch 32 --threads 8` measures one thing; `--provider cuda` keeps
inputs and outputs on the GPU, adds CUDA graphs where shapes are fixed, and float16, beside PyTorch on the same GPU.
`onnxlens bench MODEL.onnx` measures a file of yours ([commands.md](commands.md#how-fast-bench)).
"""
ABOUT = {
    "forward": "Networks of the card come with their layers as outputs, of which only its own are asked for.",
    "activations": "Every layer's tensor in memory of its own; PyTorch by forward hooks on all modules without parts.",
    "gradcam": "At the last feature map (`layer4` of a ResNet), enlarged and normalised as each library does.",
    "gradient": "Of one class's logit for each image. PyTorch computes nothing for the weights. onnx-ad takes fixed "
    "batches only: see `onnxlens, fixed batch`; onnx2torch reads a file of an older exporter and opset.",
    "perturbation": "The reference is as many bare forward passes, 16 images at a time, as the method makes.",
    "maximise": "The reference is the bare gradient session (`inspector.autodiff.vjp`, extracted), run 100 times on 25 "
    "images.",
    "build": "From the file on; the reference is `onnx.load` and a session. Nothing is run.",
    "memory": "Peak resident memory of the whole process, imports and loading included, over that of PyTorch's.",
    "startup": "The bare script imports the same libraries, loads the model (ResNet-50), compiles it and runs it once. "
    "`explain` checks its gradient in double precision unless told not to.",
}

ROUNDING = (
    "Above 1e-5 some rectifier's input is so near zero that libraries round it to different sides; onnx-ad and "
    "onnxlens run the same forward pass."
)


def page(found: dict[str, Any], pictures: list[Path], folder: Path) -> str:
    """docs/benchmarks.md."""
    parts = [INTRODUCTION, _machine(found)]
    headline = _headline(found)
    if headline:
        parts += ["## In short\n", markdown(headline)]
    shown = {path.stem: path for path in pictures}
    last = ""
    for (suite, batch, where), cases in grouped(found).items():
        if suite != last:
            parts.append(f"## {GROUPS[suite]}\n")
            parts += [ABOUT[suite] + "\n"] if suite in ABOUT else []
            stem = suite.replace("sweep: ", "sweep-")
            if stem in shown:
                parts.append(f"![{GROUPS[suite]}]({shown[stem].relative_to(folder).as_posix()})\n")
        last = suite
        if batch:
            parts.append(f"Batch {batch}{where}:\n")
        parts.append(markdown(_turned(table(cases))))
        parts += [f"{line}\n" for line in _more(suite, cases)]
        parts += [f"- {line}" for line in _errors(cases)]
        parts += [""] if _errors(cases) else []
    return "\n".join(parts)


def _turned(cells: Cells) -> Cells:
    """Cases down where there are many."""
    return [list(row) for row in zip(*cells, strict=True)] if len(cells[0]) > len(cells) + 1 else cells


def terminal(found: dict[str, Any]) -> str:
    """The same tables as text."""
    parts = []
    for (suite, batch, where), cases in grouped(found).items():
        heading = GROUPS[suite] + (f", batch {batch}" if batch else "") + where
        parts += [f"\n{heading}", plain_table(table(cases))]
        parts += [f"  {line}" for line in (*_more(suite, cases), *_errors(cases))]
    return "\n".join([*(f"note: {line}" for line in found["notes"]), *parts])


def write(found: dict[str, Any], path: Path, pictures: Path) -> None:
    """The page and its plots."""
    from benchmarks.plots import draw

    path.write_text(page(found, draw(found, pictures), path.parent))


def _machine(found: dict[str, Any]) -> str:
    machine = found["machine"]
    packages: dict[str, set[str]] = {}
    for each in found["environments"]:
        for name, version in each["packages"].items():
            packages.setdefault(name, set()).add(version)
    versions = ", ".join(f"{name} {' and '.join(sorted(known))}" for name, known in sorted(packages.items()))
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; threads of each library: "
        f"{found['threads']}; {found['began']}, {found['minutes']:.0f} minutes; {_load(found)}GPU: {found['gpu']}.",
        f"Versions: {versions}.",
        *found["notes"],
        *_left_out(found),
        *([] if found.get("finished", True) else ["This run was stopped before all of it was measured."]),
    ]
    return "\n\n".join(lines) + "\n"


def _left_out(found: dict[str, Any]) -> list[str]:
    """What the whole run has and this one has not."""
    suites = {case["suite"] for case in found["cases"]}
    networks = {case["network"] for case in found["cases"]}
    names = {row["name"] for case in found["cases"] for row in case["rows"]}
    missing = [
        *(GROUPS[suite] for suite in GROUPS if suite not in suites),
        *(title(name) for name in NETWORKS if name not in networks),
        *dict.fromkeys(each.name for each in TABLE if "cpu" in each.providers and each.name not in names),
    ]
    return [f"Not part of this run: {', '.join(missing)}."] if missing else []


def _load(found: dict[str, Any]) -> str:
    """What else ran: an idle machine has a load of the threads that are measured, or less."""
    loads = [case["load"] for case in found["cases"] if case.get("load") is not None]
    return f"load of the machine before each case {min(loads)} to {max(loads)}. " if loads else ""


def _headline(found: dict[str, Any]) -> Cells:
    """The work of one image on three networks, who does it, and the ratio."""
    networks = ["resnet18", "resnet50", "mobilenet_v3_large", "vit_b_16"]
    cells = [["work, one image", "by", *map(title, networks)]]
    for suite in ("forward", "activations", "gradcam", "gradient"):
        cases = {
            case["network"]: {row["name"]: row for row in case["rows"]}
            for case in found["cases"]
            if case["suite"] == suite and case["batch"] == 1 and case["provider"] == "cpu"
        }
        names = list(dict.fromkeys(name for rows in cases.values() for name in rows))
        for name in sorted(names, key=lambda name: not name.startswith("onnxlens")):
            if suite != "forward" and name == "onnxruntime":
                continue
            figures = []
            for network in networks:
                ratio = cases.get(network, {}).get(name, {}).get("ratio")
                figures.append(f"{ratio[1]:.2f}" if ratio else "")
            if any(figures):
                ours = name.startswith("onnxlens")
                shown = [f"**{each}**" if each and ours else each for each in figures]
                cells.append([GROUPS[suite], f"**{name}**" if ours else name, *shown])
    return cells if len(cells) > 1 else []


def _more(suite: str, cases: list[dict[str, Any]]) -> list[str]:
    """What ratios do not say."""
    if suite == "perturbation":
        return [
            f"{case['task']}: {1 / row['ratio'][1]:.0%} of the bare throughput ({_passes(case)} passes)."
            for case in cases
            for row in case["rows"]
            if row["name"] == "onnxlens" and "ratio" in row
        ]
    if suite == "build":
        return _growth(cases)
    if suite in ("gradient", "gradcam"):
        worst: dict[str, float] = {}
        for case in cases:
            for row in case["rows"]:
                if row["name"] != "onnxlens" and "difference" in row:
                    worst[row["name"]] = max(worst.get(row["name"], 0.0), row["difference"])
        told = ", ".join(f"{name} {value:.0e}" for name, value in worst.items())
        return (
            [f"Largest difference from what onnxlens returns (L2, relative): {told}. {ROUNDING}"]
            if told
            else []
        )
    return []


def _passes(case: dict[str, Any]) -> int:
    return next(
        (row["facts"]["passes"] for row in case["rows"] if "facts" in row and "passes" in row["facts"]), 0
    )


def _growth(cases: list[dict[str, Any]]) -> list[str]:
    """What a node of the file costs, as a multiple of what it costs in the shortest chain."""
    cost = {}
    for case in cases:
        for row in case["rows"]:
            if case["network"].startswith("chain-") and row["name"] == "onnxlens" and "seconds" in row:
                cost[row["facts"]["nodes"]] = row["seconds"][1] / row["facts"]["nodes"]
    if len(cost) < 2:
        return []
    least = min(cost)
    told = ", ".join(f"{nodes:,} nodes {each / cost[least]:.2f}" for nodes, each in sorted(cost.items()))
    return [f"Time for each node of the file, relative to the shortest chain (1 throughout: linear): {told}."]


def _errors(cases: list[dict[str, Any]]) -> list[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        for row in case["rows"]:
            if "error" in row:
                found.setdefault((row["name"], row["error"]), []).append(title(case["network"]))
    return [f"{name} fails on {', '.join(dict.fromkeys(on))}: {error}" for (name, error), on in found.items()]
