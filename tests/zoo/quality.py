"""`onnxlens evaluate` on the labelled photographs; writes the tables and the figure of docs/quality.md."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnxruntime
from PIL import Image

from inspector import __version__
from inspector.cli import main
from inspector.quality import CONTROLS
from tests.zoo.classifier import classifier
from tests.zoo.fetch import cache_folder
from tests.zoo.objects import PHOTOGRAPHS, labelled

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = cache_folder() / "quality"
BEGIN, END = "<!-- tables: written by make evaluate -->", "<!-- end of tables -->"

METHODS = [
    "gradcam", "gradcam++", "layercam", "eigencam", "saliency", "input-x-gradient", "integrated-gradients",
    "smoothgrad", "occlusion", "random", "centre",
]  # fmt: skip
SETTINGS = [
    "insertion.steps=12", "deletion.steps=12", "road.shares=(0.2, 0.5)", "infidelity.samples=30",
    "mu-fidelity.samples=40", "sensitivity-max.samples=4", "parameter-randomisation.stages=3",
    "parameter-randomisation.layers=2", "integrated-gradients.steps=16", "smoothgrad.samples=16", "occlusion.window=56",
    "occlusion.stride=28", "rise.masks=300",
]  # fmt: skip
FAITHFUL = [
    "insertion", "deletion", "road", "average-drop", "infidelity", "mu-fidelity", "sparseness", "pointing-game",
    "energy-in-box",
]  # fmt: skip
STABLE = ["sensitivity-max", "parameter-randomisation"]
# what runs the model hundreds of times for a map is not made ten times over
DEAR = ("integrated-gradients", "smoothgrad", "occlusion", "rise")


def photographs() -> tuple[Path, Path]:
    """A folder of the photographs, and the file that says what is on them."""
    folder = FOLDER / "photographs"
    folder.mkdir(parents=True, exist_ok=True)
    boxes = {photograph.name: photograph.boxes for photograph in PHOTOGRAPHS}
    truth: dict[str, Any] = {}
    for path, label in labelled():
        shutil.copy(path, folder / path.name)
        width, height = Image.open(path).size
        corners = [
            [left * width, top * height, right * width, bottom * height]
            for left, top, right, bottom in boxes.get(path.stem, ())
        ]
        truth[path.name] = {"class": label, "boxes": corners}
    said = FOLDER / "truth.json"
    said.write_text(json.dumps(truth, indent=1))
    return folder, said


def command(methods: Sequence[str], metrics: Sequence[str], out: Path) -> list[str]:
    folder, truth = photographs()
    named = {setting.split(".")[0] for setting in SETTINGS} & {*methods, *metrics}
    settings = [part for setting in SETTINGS if setting.split(".")[0] in named for part in ("--set", setting)]
    return [
        "evaluate", str(classifier()), str(folder), "--method", ",".join(methods), "--metric", ",".join(metrics),
        "--truth", str(truth), "--fit", "squash", "--out", str(out), "--threads", "1", "--provider", "cpu", *settings,
    ]  # fmt: skip


def run(methods: Sequence[str], metrics: Sequence[str], out: Path) -> dict[str, Any]:
    """What the command finds; it goes on where it was stopped."""
    try:
        main(command(methods, metrics, out))
    except SystemExit as done:
        if done.code:
            raise
    found: dict[str, Any] = json.loads((out / "evaluation.json").read_text())
    return found


def tables(found: dict[str, Any]) -> list[str]:
    """Markdown, at most five columns of numbers beside each other; the best in bold."""
    arrows = {"higher": " ↑", "lower": " ↓", "neither": ""}
    columns = list(found["better"])
    lines = []
    for start in range(0, len(columns), 5):
        part = columns[start : start + 5]
        counts = [max(measured[each]["count"] for measured in found["methods"].values()) for each in part]
        heads = [
            f"{each}{arrows[found['better'][each]]} (n = {count})"
            for each, count in zip(part, counts, strict=True)
        ]
        lines += ["| method | " + " | ".join(heads) + " |"]
        lines += ["| --- |" + " --- |" * len(part)]
        for method, measured in found["methods"].items():
            lines += [
                f"| {method} | " + " | ".join(_cell(found, method, measured, each) for each in part) + " |"
            ]
        lines += [""]
    return lines


def _cell(found: dict[str, Any], method: str, measured: dict[str, Any], column: str) -> str:
    each = measured[column]
    if each["mean"] is None:
        return "not defined"
    text = f"{each['mean']:.3f} [{each['low']:.3f}, {each['high']:.3f}]"
    better = found["better"][column]
    means = {name: other[column]["mean"] for name, other in found["methods"].items()}
    known = {name: mean for name, mean in means.items() if mean is not None and name not in CONTROLS}
    if better == "neither" or method not in known:
        return text
    best = (max if better == "higher" else min)(known.values())
    return f"**{text}**" if known[method] == best else text


def write(faithful: dict[str, Any], stable: dict[str, Any], figure: Path) -> None:
    page = DOCS / "quality.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy"))
    used = {*faithful["options"], *stable["options"]}
    settings = [setting for setting in SETTINGS if setting.split(".")[0] in used]
    made = (
        f"Made by onnxlens {__version__} with onnxruntime {onnxruntime.__version__}, {versions} on a CPU; means over n "
        "photographs [95 % bootstrap interval], the best of the methods in bold. Settings other than the defaults: "
        f"`{' '.join(settings)}`."
    )
    sanity = "Stability, and sanity checks, of methods that need few passes:"
    lines = [BEGIN, "", made, "", *tables(faithful), sanity, "", *tables(stable), END]
    page.write_text(before + "\n".join(lines) + after)
    with Image.open(figure) as picture:
        small = picture.convert("RGB").resize(
            (1400, round(1400 * picture.height / picture.width)), Image.Resampling.LANCZOS
        )
    small.quantize(128).save(DOCS / "images" / "quality.png", optimize=True)


if __name__ == "__main__":
    methods = [*METHODS[:-2], *sys.argv[1:], *METHODS[-2:]]
    faithful = run(methods, FAITHFUL, FOLDER / "faithful")
    stable = run([name for name in METHODS if name not in DEAR], STABLE, FOLDER / "stable")
    write(faithful, stable, FOLDER / "faithful" / "evaluation.png")
