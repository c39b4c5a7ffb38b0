"""`onnxlens explain`: heatmaps of what a prediction rests on, each with the verdict of its gradient's check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from inspector.cli.console import note, print_json, print_path, print_table, table, track
from inspector.cli.open import open_model, open_pictures
from inspector.cli.options import image_arguments, model_argument, out_option, picture_options, shared_options
from inspector.cli.targets import one_target_each
from inspector.cli.verdicts import STYLES, mention
from inspector.cli.words import as_spelt, parse_settings

if TYPE_CHECKING:
    from inspector.explain import Explanation
    from inspector.images import Picture
    from inspector.lens import Inspector

__all__ = ["explain"]


@dataclass
class Result:
    """One heatmap and the files that show it."""

    number: int
    picture: Picture
    found: Explanation
    files: list[Path] = field(default_factory=list)


@click.command()
@model_argument
@image_arguments()
@click.option(
    "--method", metavar="NAME", help="gradcam, saliency, ... (default: gradcam where there is a feature map)."
)
@click.option(
    "--layer", "layers", multiple=True, metavar="L", help="Name, index or OpType:N; repeat for more."
)
@click.option("--target", "targets", multiple=True, metavar="T",
              help="Class, label or output[index]: one for all pictures, or one for each.")  # fmt: skip
@click.option("--tokens", metavar="[N+]HxW[+N]",
              help="Tokens as a map: 1+14x14 leaves out one and folds the rest (default: found).")  # fmt: skip
@click.option("--score", type=click.Choice(["logit", "output"]), default="logit", show_default=True,
              help="Before or after a final softmax or sigmoid.")  # fmt: skip
@click.option("--check/--no-check", "checked", default=True, show_default=True, help="Check each gradient.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="An option of the method; repeat for more."
)
@click.option("--json", "as_json", is_flag=True, help="The table as JSON.")
@out_option("explained")
@picture_options
@shared_options
def explain(
    model: Path, images: tuple[Path, ...], method: str | None, layers: tuple[str, ...],
    targets: tuple[str, ...], tokens: str | None, score: Literal["logit", "output"], checked: bool,
    settings: tuple[str, ...], as_json: bool, out: Path, labels: Path | None, provider: str | None,
    threads: int | None, quiet: bool, **picture: Any,
) -> None:  # fmt: skip
    """Draw heatmaps of what a prediction rests on (Grad-CAM, ...).

    For each picture and layer: picture, heatmap and overlay in one figure, and the overlay at the picture's own size.
    Of signals, token ids and bytes (.npy, .npz) a bar for each position; --json also gives the relevances.

    The exit code is 1 where a gradient fails its check.
    """
    options = parse_settings(settings)
    lens = open_model(model, provider, threads, labels)
    pictures = open_pictures(lens, images, quiet or as_json, **picture)
    wanted = one_target_each(targets, len(pictures), lens)
    names = [name for layer in lens.layers(plumbing=True) for name in layer.outputs]
    at: list[str | None] = [lens.resolve_layer(as_spelt(layer, names)).name for layer in layers] or [None]
    total = len(pictures) * len(at)
    results: list[Result] = []

    def work() -> Iterator[Result]:
        for number, (sample, target) in enumerate(zip(pictures, wanted, strict=True), 1):
            for layer in at:
                found = lens.explain(
                    sample.x, method, target, layer, score=score, check=checked, tokens=tokens, **options
                )
                yield Result(number, sample, found)

    for result in track(work(), "explaining", total, quiet or as_json):
        result.files = _draw(result, lens, wanted, out)
        results.append(result)
    if as_json:
        print_json([_record(result) for result in results])
    else:
        _print(results)
    for message in dict.fromkeys(message for result in results for message in result.found.notes):
        note(message, quiet or as_json)
    for result in results:
        if result.found.check is not None:
            mention(result.found.check, result.picture.name)
    if any(result.found.check is not None and result.found.check.verdict == "failed" for result in results):
        click.get_current_context().exit(1)


def _draw(result: Result, lens: Inspector, targets: Sequence[str | None], out: Path) -> list[Path]:
    """Write the figure, and the overlay pixel by pixel where there is a photograph."""
    from inspector.render import figure_name, heatmap_figure, overlay_pixels, save_figure, save_pixels

    picture, found = result.picture, result.found
    layer = lens.resolve_layer(found.layer) if found.layer is not None else None
    heatmap = found.heatmap[0]
    if heatmap.ndim == 3:
        heatmap = heatmap[heatmap.shape[0] // 2]
    rgb = picture.rgb if picture.placement is not None and heatmap.ndim == 2 else None
    if rgb is not None and picture.placement is not None:
        heatmap = picture.placement.to_photo(heatmap)
    signed = found.signed
    at = f"at layer {layer.index} {layer.name} ({layer.label})" if layer is not None else "at the input"
    figure = heatmap_figure(
        rgb, heatmap, f"{picture.name}: {target_text(found)}", method=found.method, signed=signed,
        subtitle=f"{found.method} {at} · score {_score(found):.4g}",
        verdict=(found.check.verdict, str(found.check)) if found.check is not None else None,
        notes=[*picture.notes, *found.notes], names=_codes(picture, heatmap.size) if heatmap.ndim == 1 else (),
    )  # fmt: skip
    # what was asked for belongs into the name, so that two questions do not overwrite each other's answer
    asked = targets[result.number - 1]
    what = f"{found.method}_{asked}" if asked else found.method
    place = figure_name(
        image=result.number, images=len(targets), layer=(layer.index, layer.name) if layer is not None else None,
        layers=max((one.index for one in lens.layers()), default=1), what=what,
    )  # fmt: skip
    files = [save_figure(figure, out / place)]
    if rgb is not None:
        overlay = overlay_pixels(rgb, heatmap, signed)
        files.append(save_pixels(overlay, out / place.replace(".png", "_overlay.png")))
    return files


def _codes(picture: Picture, count: int) -> list[str]:
    """The numbers that stand for words or bytes, one for each position; none for an input of other numbers."""
    values = picture.tensor[0]
    return [str(code) for code in values] if values.dtype.kind in "iu" and values.shape == (count,) else []


def target_text(found: Explanation) -> str:
    """The target of the first sample, in words."""
    return found.target[0]


def _score(found: Explanation) -> float:
    return float(found.score[0])


def _record(result: Result) -> dict[str, Any]:
    found = result.found
    return {
        "image": result.picture.name,
        "path": result.picture.path,
        "target": target_text(found),
        "score": _score(found),
        "layer": found.layer,
        "method": found.method,
        **({"relevance": found.heatmap[0].tolist()} if found.heatmap.ndim == 2 else {}),
        "check": found.check.to_json() if found.check is not None else None,
        "notes": [*result.picture.notes, *found.notes],
        "files": result.files,
    }


def _print(results: Sequence[Result]) -> None:
    from rich.text import Text

    columns = [
        ("image", "left"),
        ("target", "left"),
        ("score", "right"),
        ("layer", "left"),
        ("method", "left"),
        ("check", "left"),
    ]
    made = table(columns)
    for result in results:
        found = result.found
        verdict = found.check.verdict if found.check is not None else "not checked"
        made.add_row(
            Text(result.picture.name), Text(target_text(found)), f"{_score(found):.4g}", Text(found.layer or "input"),
            found.method, Text(verdict, style=STYLES.get(verdict, "")),
        )  # fmt: skip
    print_table(made)
    for result in results:
        for path in result.files:
            print_path(path)
