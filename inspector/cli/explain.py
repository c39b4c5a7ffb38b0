"""`onnxlens explain`: heatmaps of what a prediction rests on, each with the verdict of its gradient's check."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from inspector.cli.console import note, print_json, progress_bar
from inspector.cli.methods import BUDGETS, MethodsCommand, method_names, options_by_method
from inspector.cli.open import open_model, open_pictures
from inspector.cli.options import (
    cache_option,
    image_arguments,
    model_argument,
    out_option,
    picture_options,
    shared_options,
)
from inspector.cli.results import Question, Result, notes_on, print_results, record
from inspector.cli.targets import several_targets_each
from inspector.cli.verdicts import mention
from inspector.cli.words import as_spelt

if TYPE_CHECKING:
    from inspector.explain import Merge
    from inspector.lens import Inspector
    from inspector.render import Colours

__all__ = ["explain"]

KINDS = ("png", "npz", "json")


def parse_kinds(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """`png,npz,json`: which files are written."""
    kinds = tuple(kind.strip().lower().lstrip(".") for kind in value.split(","))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(KINDS)}.")
    return kinds


@click.command(cls=MethodsCommand)
@model_argument
@image_arguments()
@click.option("--method", metavar="NAME[,NAME]|all",
              help="Of those below (default: gradcam where there is a map); several: a comparison.")  # fmt: skip
@click.option(
    "--layer", "layers", multiple=True, metavar="L", help="Name, index or OpType:N; repeat for more."
)
@click.option("--merge", type=click.Choice(["mean", "max", "product"]),
              help="Make one map of several layers (default: one for each).")  # fmt: skip
@click.option("--target", "targets", multiple=True, metavar="T[; T]",
              help="Class, label, output[index], top[1], ...: one for all pictures, or one for each.")  # fmt: skip
@click.option("--tokens", metavar="[N+]HxW[+N]",
              help="Tokens as a map: 1+14x14 leaves out one and folds the rest (default: found).")  # fmt: skip
@click.option("--score", type=click.Choice(["logit", "output"]), default="logit", show_default=True,
              help="Before or after a final softmax or sigmoid.")  # fmt: skip
@click.option("--check/--no-check", "checked", default=None,
              help="Check each gradient (default: yes; not in a comparison).")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="[METHOD.]KEY=VALUE",
              help="An option of the method; repeat for more.")  # fmt: skip
@click.option("--colours", "--colors", type=click.Choice(["perceptual", "jet"]), default="perceptual",
              show_default=True, help="jet: the rainbow of other tools, for comparison.")  # fmt: skip
@click.option("--save", "kinds", default="png", show_default=True, metavar="KINDS", callback=parse_kinds,
              help="Of png (figures), npz (arrays), json (what is known): png,npz")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The table as JSON.")
@out_option("explained")
@cache_option
@picture_options
@shared_options
def explain(
    model: Path, images: tuple[Path, ...], method: str | None, layers: tuple[str, ...], merge: Merge | None,
    targets: tuple[str, ...], tokens: str | None, score: Literal["logit", "output"], checked: bool | None,
    settings: tuple[str, ...], colours: Colours, kinds: tuple[str, ...], as_json: bool, out: Path,
    cache: Path | None, labels: Path | None, provider: str | None, threads: int | None, quiet: bool, **picture: Any,
) -> None:  # fmt: skip
    """Draw heatmaps of what a prediction rests on (Grad-CAM, ...).

    For each picture, target and layer: picture, heatmap and overlay in one figure, and the overlay at the picture's own
    size. Of several methods (--method gradcam,lrp or all): one sheet with the overlay of each. Of signals, token ids
    and bytes (.npy, .npz) a bar for each position; --json also gives the relevances.

    The exit code is 1 where a gradient fails its check.
    """
    names = method_names(method)
    several = len(names) > 1
    everything = several and method is not None and method.strip() == "all"
    options = options_by_method(settings, names, everything)
    checked = not several if checked is None else checked
    silent = quiet or as_json
    lens = open_model(model, provider, threads, labels, cache)
    pictures = open_pictures(lens, images, silent, **picture)
    wanted = several_targets_each(targets, len(pictures), lens)
    tensors = [name for layer in lens.layers(plumbing=True) for name in layer.outputs]
    at = [lens.resolve_layer(as_spelt(layer, tensors)).name for layer in layers]
    places: list[tuple[str, ...] | None] = [(name,) for name in at] or [None]
    if merge is not None and at:
        places = [tuple(at)]
    questions = [
        Question(number, sample, target, place)
        for number, (sample, each) in enumerate(zip(pictures, wanted, strict=True), 1)
        for target in each
        for place in places
    ]
    if everything:
        said = ", ".join(
            f"{name} {key}={value}" for name, budget in BUDGETS.items() for key, value in budget.items()
        )
        note(
            f"in a comparison of all, methods that run many copies run fewer: {said}; --set changes it",
            silent,
        )
    results: list[Result] = []
    with progress_bar("explaining", silent) as advance:
        total, done = len(questions) * len(names), 0
        for question in questions:
            answered: list[Result] = []
            for name in names:
                step = Step(advance, done, total, f"{name or 'explaining'} {question.picture.name}")
                answered.append(
                    answer(lens, question, name, options[name], several, step, score=score, check=checked,
                           tokens=tokens, merge=merge or "mean")
                )  # fmt: skip
                done += 1
            _require_one(answered)
            _write(answered, lens, len(pictures), out, kinds, colours, several)
            results += answered
    if as_json:
        print_json([record(result) for result in results])
    else:
        print_results(results, timed=several)
    _tell(results, silent)
    if any(found.check is not None and found.check.verdict == "failed" for found in _found(results)):
        click.get_current_context().exit(1)


class Step:
    """Progress within one method: it stands beside the bar of all methods, or is the bar where there is but one."""

    def __init__(self, advance: Callable[[int, int, str], None], done: int, total: int, what: str) -> None:
        self.advance, self.done, self.total, self.what = advance, done, total, what
        if total > 1:
            advance(done, total, what)

    def __call__(self, done: int, total: int) -> None:
        if self.total == 1:
            self.advance(done, total, self.what)
        else:
            self.advance(self.done, self.total, f"{self.what} {done}/{total}")


def answer(
    lens: Inspector,
    question: Question,
    method: str | None,
    options: Mapping[str, Any],
    several: bool,
    step: Step,
    **asked: Any,
) -> Result:
    """What a method finds; among several, why it finds nothing where it does not work on this model."""
    from inspector.errors import InputError, InspectorError, TargetError

    start = time.perf_counter()
    layers = None if question.layers is None else list(question.layers)
    try:
        found = lens.explain(
            question.picture.x, method, question.asked, layers, progress=step, **asked, **options
        )
    except (InputError, TargetError):
        # wrong for any method
        raise
    except InspectorError as error:
        if not several:
            raise
        return Result(question, method, None, str(error), checked=asked["check"])
    return Result(question, method, found, "", time.perf_counter() - start, asked["check"])


def _require_one(answered: Sequence[Result]) -> None:
    from inspector.errors import InspectorError

    if all(result.found is None for result in answered):
        raise InspectorError(
            f"none of the methods works here: {'; '.join(f'{one.method}: {one.reason}' for one in answered)}"
        )


def _write(
    answered: Sequence[Result], lens: Inspector, images: int, out: Path, kinds: Sequence[str], colours: Colours,
    several: bool,
) -> None:  # fmt: skip
    """The files of one question."""
    from inspector.cli.drawing import draw_result, draw_sheet, save_data

    sheet = [draw_sheet(answered, lens, images, out, colours)] if several and "png" in kinds else []
    for result in answered:
        if result.found is None:
            continue
        if "png" in kinds:
            result.files += sheet or draw_result(result, lens, images, out, colours)
        result.files += save_data(result, lens, images, out, kinds)


def _found(results: Sequence[Result]) -> Iterator[Any]:
    return (result.found for result in results if result.found is not None)


def _tell(results: Sequence[Result], silent: bool) -> None:
    """Notes, what does not work, and verdicts that are no pass."""
    for message in notes_on(results):
        note(message, silent)
    for result in results:
        if result.found is not None and result.found.check is not None:
            mention(result.found.check, result.question.picture.name)
