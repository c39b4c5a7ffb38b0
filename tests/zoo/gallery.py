"""The gallery: pictures of what a trained classifier rests on, and docs/gallery.md around them.

`python -m tests.zoo.gallery` draws all anew. What methods found is kept from one run to the next, in the folder
`gallery` beside the fetched packages: without that folder it is computed again.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inspector import Inspector
from inspector.cli.methods import BUDGETS
from inspector.errors import InspectorError
from inspector.explain import FAMILIES, METHODS, upsample
from inspector.render import Compared, comparison_sheet
from tests.zoo.classifier import classifier, pixels
from tests.zoo.fetch import cache_folder
from tests.zoo.objects import PHOTOGRAPHS, Photograph

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images" / "gallery"
PAGE = ROOT / "docs" / "gallery.md"
# of the thousand classes those that the pictures show
NAMES = {
    281: "tabby", 282: "tiger cat", 285: "Egyptian cat", 504: "coffee mug", 657: "missile", 967: "espresso",
    968: "cup", 99: "goose", 129: "spoonbill", 243: "bull mastiff",
}  # fmt: skip
LARGEST, DPI = 250_000, 130


@dataclass(frozen=True)
class Answer:
    """What one method found, kept from one run to the next.

    Attributes:
        heatmap: (224, 224); None where the method does not work on this model.
        facts: score, layer, seconds; or the reason why it does not.
    """

    heatmap: NDArray[np.float32] | None
    facts: Mapping[str, Any]


@dataclass
class Studio:
    """The classifier, and what was asked of it before."""

    folder: Path

    @cached_property
    def lens(self) -> Inspector:
        return Inspector(
            classifier(), labels=[NAMES.get(number, f"class {number}") for number in range(1000)]
        )

    def ask(self, photograph: Photograph, method: str, **asked: Any) -> Answer:
        """The answer, from an earlier run where the question was the same."""
        asked = {**BUDGETS.get(method, {}), "target": photograph.label, **asked}
        question = f"{photograph.name} {method} {json.dumps(asked, sort_keys=True)}"
        kept = (
            self.folder
            / f"{photograph.name}-{method}-{hashlib.sha256(question.encode()).hexdigest()[:8]}.npz"
        )
        if not kept.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            heatmap, facts = self._explain(photograph, method, asked)
            part = kept.with_suffix(".part.npz")
            np.savez_compressed(part, heatmap=heatmap, facts=json.dumps({"question": question, **facts}))
            part.rename(kept)
        with np.load(kept) as found:
            heatmap = found["heatmap"]
            return Answer(heatmap if heatmap.size else None, json.loads(str(found["facts"])))

    def _explain(
        self, photograph: Photograph, method: str, asked: Mapping[str, Any]
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        start = time.perf_counter()
        try:
            found = self.lens.explain(pixels(photograph.open()), method, **asked)
        except InspectorError as error:
            return np.zeros(0, np.float32), {"reason": str(error)}
        seconds = time.perf_counter() - start
        print(f"{photograph.name} {method} {seconds:.1f} s", flush=True)
        facts = {
            "score": float(found.score[0]), "target": found.target[0], "layer": found.layer, "signed": found.signed,
            "seconds": seconds,
        }  # fmt: skip
        return found.heatmap[0], facts

    def tile(self, photograph: Photograph, answer: Answer, name: str, below: str = "") -> Compared:
        """The answer over the photograph."""
        assert answer.heatmap is not None, answer.facts
        picture = _pixels(photograph)
        large = upsample(answer.heatmap[None], picture.shape[:2])[0]
        return Compared(name, large, bool(answer.facts["signed"]), below)


def _pixels(photograph: Photograph) -> NDArray[np.uint8]:
    return np.asarray(photograph.open())


def _photograph(name: str) -> Photograph:
    return next(each for each in PHOTOGRAPHS if each.name == name)


CAT, COFFEE, GEESE = _photograph("chelsea"), _photograph("coffee"), _photograph("imagenet_15_99")


def every_method(studio: Studio) -> Figure:
    """All methods on one picture; those that do not work on this model are listed."""
    answers = {name: studio.ask(CAT, name) for name in METHODS}
    worked = {name: answer for name, answer in answers.items() if answer.heatmap is not None}
    failed = [
        f"{name}: {answer.facts['reason']}" for name, answer in answers.items() if answer.heatmap is None
    ]
    first = next(iter(worked.values()))
    return comparison_sheet(
        _pixels(CAT),
        [studio.tile(CAT, answer, name) for name, answer in worked.items()],
        f"{NAMES[CAT.label]}: {len(worked)} methods",
        subtitle=f"EfficientNet-Lite0 · score {first.facts['score']:.3g} · CAMs at {first.facts['layer']}",
        foot=["Not possible on this model:", *failed] if failed else [],
    )


def several_objects(studio: Studio) -> Figure:
    """What methods make of several objects of one class."""
    names = ["gradcam", "gradcam++", "layercam", "hirescam", "eigencam", "ablationcam", "reciprocam",
             "guided-gradcam", "integrated-gradients", "smoothgrad", "lrp"]  # fmt: skip
    tiles = [studio.tile(GEESE, studio.ask(GEESE, name), name) for name in names if name in METHODS]
    return comparison_sheet(
        _pixels(GEESE), tiles, f"{NAMES[GEESE.label]}: several in one picture", subtitle="EfficientNet-Lite0"
    )


TARGETS = (
    "espresso", "cup", "coffee mug", "espresso - cup", "cup - espresso", "top(3)", "top - top[1]", "logp(espresso)",
)  # fmt: skip


def targets(studio: Studio) -> Figure:
    """One picture, one method, several questions."""
    tiles = []
    for target in TARGETS:
        answer = studio.ask(COFFEE, "gradcam", target=target)
        tiles.append(studio.tile(COFFEE, answer, target, f"score {answer.facts['score']:.3g}"))
    return comparison_sheet(_pixels(COFFEE), tiles, "One picture, eight targets", subtitle="gradcam")


def layers(studio: Studio) -> Figure:
    """One method at layers from early to late, and their maps merged."""
    maps = [layer for layer in studio.lens.layers() if layer.op_type == "Add" and len(layer.shape or ()) == 4]
    chosen = [maps[0].name, maps[len(maps) // 2].name, maps[-1].name]
    tiles = []
    for name in chosen:
        answer = studio.ask(CAT, "layercam", layer=name)
        size = studio.lens.resolve_layer(name).shape or ()
        tiles.append(studio.tile(CAT, answer, name, f"{size[2]} × {size[3]}"))
    for merge in ("mean", "max", "product"):
        answer = studio.ask(CAT, "layercam", layer=chosen, merge=merge)
        tiles.append(studio.tile(CAT, answer, f"merged: {merge}", "all three"))
    return comparison_sheet(_pixels(CAT), tiles, "Three layers, and the three merged", subtitle="layercam")


def jet(studio: Studio) -> Figure:
    """The colours of other tools."""
    names = ("gradcam", "gradcam++", "layercam", "eigencam", "occlusion")
    tiles = [studio.tile(CAT, studio.ask(CAT, name), name) for name in names if name in METHODS]
    return comparison_sheet(_pixels(CAT), tiles, "The colours of other tools", colours="jet")


@dataclass(frozen=True)
class Plate:
    """One figure of the page."""

    file: str
    heading: str
    text: str
    command: str
    draw: Any


PLATES: Sequence[Plate] = (
    Plate(
        "methods.jpg", "Every method on one picture",
        "Amounts are laid over the picture in viridis. Maps marked ± have a sign: red speaks for the class, blue "
        "against it. Maps of single pixels are drawn up to their 99th percentile. What each method computes, from "
        "whom, and when to use it: [methods.md](methods.md).",
        "onnxlens explain efficientnet.onnx cat.png --target 285 --method all", every_method,
    ),
    Plate(
        "objects.jpg", "Several objects",
        "Grad-CAM weighs channels by their mean gradient, `gradcam++` and `layercam` weigh places.",
        "onnxlens explain efficientnet.onnx geese.jpg --target 99 --method gradcam,gradcam++,layercam,lrp",
        several_objects,
    ),
    Plate(
        "targets.jpg", "Several questions",
        "A class, what speaks for one class rather than another, the three best together, the best rather than the "
        "second best: see [commands.md](commands.md).",
        "onnxlens explain efficientnet.onnx coffee.png --labels names.txt --target 'espresso; espresso - cup; top(3)'",
        targets,
    ),
    Plate(
        "layers.jpg", "Several layers",
        "Early layers see fine detail, late ones whole objects. Merged, each map counts as much as the others.",
        "onnxlens explain efficientnet.onnx cat.png --method layercam --layer L1 --layer L2 --layer L3 --merge product",
        layers,
    ),
    Plate(
        "jet.jpg", "Beside the figures of other tools",
        "Most papers and tools show heatmaps in a rainbow, which has edges where the values have none. For comparison "
        "with them there is `--colours jet`.",
        "onnxlens explain efficientnet.onnx cat.png --colours jet", jet,
    ),
)  # fmt: skip


def write_jpeg(figure: Figure, path: Path) -> None:
    """As good as it gets below the size that a repository should hold."""
    for quality in (88, 80, 72, 64, 56):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="jpg", dpi=DPI, pil_kwargs={"quality": quality, "optimize": True})
        if buffer.tell() <= LARGEST:
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())


def page(studio: Studio) -> str:
    """docs/gallery.md."""
    lines = [
        "# Gallery",
        "",
        "What EfficientNet-Lite0, trained on ImageNet, rests on: the file is exported by `export_torch`, the",
        "photographs are those of scikit-image (Chelsea the cat, a cup of coffee) and foolbox (geese). `make gallery`",
        "fetches them, draws the pictures and writes this page.",
    ]
    for plate in PLATES:
        lines += [
            "", f"## {plate.heading}", "", plate.text, "", "```", plate.command, "```", "",
            f"![{plate.heading}](images/gallery/{plate.file})",
        ]  # fmt: skip
    lines += ["", "## How long each took", "", *_times(studio)]
    return "\n".join(lines) + "\n"


def _times(studio: Studio) -> list[str]:
    """A line per family: seconds of each method."""
    said = ", ".join(f"`{name}` {k}={v}" for name, budget in BUDGETS.items() for k, v in budget.items())
    lines = [
        "For the cat, on one thread of a shared CPU; later methods find some graphs compiled. In `--method all`",
        f"methods that run many changed copies run fewer than by default: {said}.",
        "",
        "| family | seconds |",
        "| --- | --- |",
    ]
    for family, methods in FAMILIES.items():
        timed = [(name, studio.ask(CAT, name).facts.get("seconds")) for name in methods]
        shown = ", ".join(
            f"`{name}` {'-' if seconds is None else f'{seconds:.1f}'}" for name, seconds in timed
        )
        lines.append(f"| {family} | {shown} |")
    return lines


def main() -> None:
    """Compute, draw, write."""
    studio = Studio(cache_folder() / "gallery")
    for plate in PLATES:
        write_jpeg(plate.draw(studio), IMAGES / plate.file)
    PAGE.write_text(page(studio), encoding="utf-8")


if __name__ == "__main__":
    main()
