"""Writes the page from the kept figures: `python -m tests.architectures.table ROWS docs/architectures.md`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.architectures.draws import STEADY
from tests.architectures.row import DOUBLE, KINKED_TOLERANCE, NOT_RUN, SMOOTH_TOLERANCE, Row, read_rows

__all__ = ["render"]

INTRODUCTION = """# Architectures

Written by `make test-architectures`. Every architecture is built from its configuration with random weights (no
branch scaled away, batch normalisation fitted to pictures and then disturbed), exported, and differentiated: the
gradient of one score by `inspector`, in the file, beside `torch.autograd` or `tf.GradientTape`, in the framework.
Distances are relative, in L2, over two samples.

- *input*, *layer*: at the input and at a layer half-way (of text models: at the embedding), in float32. Tolerance:
  {smooth:.0e} where every operator is smooth, {kinked:.0e} where a ReLU or a maximum may flip by rounding.
- *float64*: where one of these is above {smooth:.0e}: the gradient graph in double precision beside the framework's
  model in double precision, at input and layer. Within {double:.0e} the difference in float32 is rounding.
- *own*: the framework's gradients in float32 beside its own in float64.
- *draw*: the pictures are chosen. They are the first of up to eight batches on which *own* is at most {steady:.0e},
  whatever the file gives there: elsewhere a ReLU or a maximum lies within rounding of its kink, and the framework
  disagrees with itself. What the first batch gives is written below wherever it was not the one taken.
- *values*: the largest difference of an output from the framework's, relative to its largest magnitude.
"""
COLUMNS = (
    *(
        "architecture",
        "file",
        "nodes",
        "input",
        "score",
        "kinks",
        "values",
        "input",
        "layer",
        "float64",
        "own",
    ),
    *("draw", "tolerance", ""),
)


def render(rows: Sequence[Row]) -> str:
    """The whole page."""
    absent = [row for row in rows if row.reason == NOT_RUN]
    rows = [row for row in rows if row.reason != NOT_RUN]
    passed = sum(not row.failures() for row in rows)
    unmeasured = f"; {len(absent)} more were not run" if absent else ""
    versions = "; ".join(sorted({row.versions for row in rows}))
    parts = [
        INTRODUCTION.format(smooth=SMOOTH_TOLERANCE, kinked=KINKED_TOLERANCE, double=DOUBLE, steady=STEADY),
        f"**{passed} of the {len(rows)} measured pass{unmeasured}.** Versions: {versions}.\n",
    ]
    for framework in sorted({row.framework for row in rows}):
        mine = sorted(
            (row for row in rows if row.framework == framework),
            key=lambda row: (row.exporter, row.name.lower(), row.opset),
        )
        parts += [f"## {framework}\n", _figures(mine), "### Maps\n", MAPS, _maps(mine)]
    parts += _passed_over(rows)
    failed = [row for row in rows if row.failures()]
    if failed:
        parts.append("## What does not pass\n")
        parts.append(
            "".join(f"- {row.name} ({row.exporter}): {'; '.join(row.failures())}\n" for row in failed)
        )
    if absent:
        names = ", ".join(f"{row.name} ({row.exporter}, opset {row.opset})" for row in absent)
        parts.append(
            f"## Not run\n\nDeclared in the suite (`families/`) and not measured for this page: {names}.\n"
        )
    return "\n".join(parts)


PASSED_OVER = """On the first batch drawn, where another was taken: the file beside the framework, and the framework's
own float32 beside its own float64, which says how much of that is the file's. Two more choices make rounding small,
and are the models', not the file's: pictures have structure at every scale (the row *white noise* has none, and no
choice of batches either), and the variances of batch normalisation are up to three times those of the pictures. With
variances fitted exactly to white noise, earlier runs saw DenseNet121 differ by 2e-3 in float32 (6e-7 in float64), and
ResNet50 by 1.6e-2, where Keras in float32 differed from itself in float64 by 4.7e-2.
"""


def _passed_over(rows: Sequence[Row]) -> list[str]:
    head = "| architecture | file | draw | own there | input, first | layer, first | own, first |\n"
    lines = [
        f"| {row.name} | {row.exporter}, opset {row.opset} | {row.draw} | {_figure(row.own_noise)} | "
        f"{_figure(row.first_input) or 'not measured'} | {_figure(row.first_layer)} | {_figure(row.first_noise)} |\n"
        for row in sorted(rows, key=lambda row: (row.framework, row.name.lower()))
        if row.draw > 1
    ]
    return ["## Batches passed over\n", PASSED_OVER, head + "|" + " --- |" * 7 + "\n" + "".join(lines)]


MAPS = """The layer that `explain` takes by itself, and the shape of its map. Rows for which it was not
recorded are left out.
"""


def _figures(rows: Sequence[Row]) -> str:
    head = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n"
    return head + "".join(_line(row) for row in rows)


def _line(row: Row) -> str:
    wide = [figure for figure in (row.double_input, row.double_layer) if figure is not None]
    cells = [
        row.name,
        f"{row.exporter}, opset {row.opset}",
        str(row.nodes or ""),
        "×".join(map(str, row.input)),
        f"`{row.score}`" if row.score else "",
        ", ".join(row.kinked) or "none",
        _figure(row.forward),
        _figure(row.at_input),
        f"{_figure(row.at_layer)} `{row.layer}`" if row.layer else "",
        " ".join(map(_figure, wide)),
        _figure(row.own_noise),
        str(row.draw or ""),
        f"{row.tolerance:.0e}",
        "passed" if not row.failures() else "**failed**",
    ]
    return f"| {' | '.join(cells)} |\n"


def _maps(rows: Sequence[Row]) -> str:
    head = "| architecture | file | method | layer | map |\n| --- | --- | --- | --- | --- |\n"
    lines = [
        f"| {row.name} | {row.exporter}, opset {row.opset} | {row.method} | {_quoted(row.chosen)} | "
        f"{'×'.join(map(str, row.map))} |\n"
        for row in rows
        if row.chosen
    ]
    return head + "".join(lines)


def _quoted(chosen: str) -> str:
    return chosen.replace("|", "\\|") if chosen.startswith("refused") or chosen == "input" else f"`{chosen}`"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


if __name__ == "__main__":
    source, destination = map(Path, sys.argv[1:])
    destination.write_text(render(read_rows(source)))
