"""`onnxlens evaluate`: how good the explanations of several methods are."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from inspector.cli.console import note, print_json, print_path, print_table, progress_bar, table
from inspector.cli.open import open_model, open_pictures
from inspector.cli.options import (
    cache_option,
    image_arguments,
    model_argument,
    out_option,
    picture_options,
    shared_options,
)
from inspector.cli.targets import one_target_each
from inspector.cli.truth import Truth, inside_boxes, read_truth
from inspector.cli.words import as_spelt, parse_settings

if TYPE_CHECKING:
    from inspector.images import Picture
    from inspector.lens import Inspector
    from inspector.quality import Evaluation, Interval, Sample

__all__ = ["evaluate"]

DEFAULT = "gradcam,layercam,saliency,integrated-gradients,random"
# columns of numbers that stand beside each other in a terminal
ACROSS = 4
ARROWS = {"higher": " ↑", "lower": " ↓", "neither": ""}


@click.command()
@model_argument
@image_arguments()
@click.option("--method", "methods", default=DEFAULT, show_default=True, metavar="A,B,...",
              help="Methods of explain; 'random' and 'centre' are maps that do not look at the model.")  # fmt: skip
@click.option(
    "--metric", "metrics", metavar="A,B,...", help="Default: all that can be measured with what is given."
)
@click.option(
    "--layer", "layers", multiple=True, metavar="L", help="Name, index or OpType:N; repeat for more."
)
@click.option("--target", "targets", multiple=True, metavar="T",
              help="Class, label or output[index]: one for all pictures, or one for each.")  # fmt: skip
@click.option("--truth", type=click.Path(path_type=Path), metavar="FILE",
              help="CSV or JSON: the class of each picture, and boxes around the object.")  # fmt: skip
@click.option("--random-labels", type=click.Path(path_type=Path), metavar="MODEL2.onnx",
              help="The same architecture trained on random labels, for label-randomisation.")  # fmt: skip
@click.option("--score", type=click.Choice(["logit", "output"]), default="logit", show_default=True,
              help="Before or after a final softmax or sigmoid.")  # fmt: skip
@click.option("--set", "given", multiple=True, metavar="NAME.KEY=VALUE",
              help="An option of a method or metric: rise.masks=500; repeat for more.")  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random."
)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
@out_option("evaluated")
@cache_option
@picture_options
@shared_options
def evaluate(
    model: Path, images: tuple[Path, ...], methods: str, metrics: str | None, layers: tuple[str, ...],
    targets: tuple[str, ...], truth: Path | None, random_labels: Path | None, score: Literal["logit", "output"],
    given: tuple[str, ...], seed: int, as_json: bool, out: Path, cache: Path | None, labels: Path | None,
    provider: str | None, threads: int | None, quiet: bool, **picture: Any,
) -> None:  # fmt: skip
    """Measure how good explanations are, method by method.

    Are they faithful to the model, stable, sparse, on the object, and about what this model has learnt?

    Means over the pictures with 95 % bootstrap intervals, as a table, a figure and JSON. Results are kept in DIR,
    picture by picture: the same command goes on where it was stopped, and measures again only what has changed.
    """
    from inspector.quality import evaluate as run
    from inspector.quality.figure import evaluation_figure
    from inspector.render import save_figure, save_text

    lens = open_model(model, provider, threads, labels, cache)
    pictures = open_pictures(lens, images, quiet or as_json, **picture)
    known = read_truth(truth) if truth is not None else {}
    samples = _samples(lens, pictures, targets, known, quiet or as_json)
    options, settings = _by_name(given)
    names = [name for layer in lens.layers(plumbing=True) for name in layer.outputs]
    unlearnt = None if random_labels is None else open_model(random_labels, provider, threads, labels, cache)
    with progress_bar("evaluating", quiet or as_json) as advance:
        found = run(
            lens, samples, _listed(methods), None if metrics is None else _listed(metrics), options=options,
            settings=settings, layer=[as_spelt(layer, names) for layer in layers] or None, score=score,
            random_labels=unlearnt,
            folder=out / "results", seed=seed, progress=advance,
        )  # fmt: skip
    files = [
        save_text(json.dumps(found.to_json(), indent=1, allow_nan=False), out / "evaluation.json"),
        save_figure(evaluation_figure(found), out / "evaluation.png"),
    ]
    if as_json:
        print_json({**found.to_json(), "files": files})
        return
    _print(found)
    for path in files:
        print_path(path)
    for message in found.notes:
        note(message, quiet)


def _samples(
    lens: Inspector, pictures: Sequence[Picture], targets: Sequence[str], known: dict[str, Truth], quiet: bool
) -> list[Sample]:
    from inspector.errors import InputError
    from inspector.quality import Sample

    said = [known.get(picture.path.name) or known.get(picture.path.stem) for picture in pictures]
    if known and not any(said):
        first = next(iter(known))
        raise InputError(
            f"the truth names none of the pictures: it has '{first}', they are '{pictures[0].path.name}'"
        )
    for picture, each in zip(pictures, said, strict=True):
        if known and each is None:
            note(f"the truth does not name {picture.path.name}: its top class is explained", quiet)
    wanted: Sequence[int | str | None] = [None if each is None else each.label for each in said]
    if targets:
        wanted = one_target_each(targets, len(pictures), lens)
    return [
        Sample(picture.name, picture.x, target, inside_boxes(picture, each))
        for picture, target, each in zip(pictures, wanted, said, strict=True)
    ]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _by_name(given: Sequence[str]) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """`name.key=value` as options of methods and of metrics, by name."""
    from inspector.quality import METRICS

    options: dict[str, dict[str, Any]] = {}
    settings: dict[str, dict[str, Any]] = {}
    for text in given:
        where, equals, value = text.partition("=")
        name, dot, key = where.strip().rpartition(".")
        if not equals or not dot:
            raise click.BadParameter(f"--set takes METHOD.key=value or METRIC.key=value, not {text!r}.")
        place = settings if name in METRICS else options
        place.setdefault(name, {}).update(parse_settings([f"{key}={value}"]))
    return options, settings


def _print(found: Evaluation) -> None:
    from rich.text import Text

    columns = list(found.columns)
    for start in range(0, len(columns), ACROSS):
        part = columns[start : start + ACROSS]
        heads = [(_heading(found, column), "right") for column in part]
        made = table([("method", "left"), *heads])
        for method, intervals in found.intervals.items():
            cells = [
                Text(_cell(intervals[column]), style="bold" * (found.best(column) == method))
                for column in part
            ]
            made.add_row(Text(method), *cells)
        print_table(made)


def _heading(found: Evaluation, column: str) -> str:
    """Its name, which numbers are good, and of how many samples they are where not of all."""
    count = max(intervals[column].count for intervals in found.intervals.values())
    some = f" (n={count})" if count < len(found.samples) else ""
    return f"{column}{ARROWS[found.columns[column]]}{some}"


def _cell(interval: Interval) -> str:
    if math.isnan(interval.mean):
        return "–"
    if math.isnan(interval.low):
        return f"{interval.mean:.3g}"
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
