"""`python -m benchmarks startup MODEL.onnx IMAGE`: whole processes beside what they cannot do without."""

from __future__ import annotations

import json
from pathlib import Path

import click

from benchmarks.startup import machine, measure


@click.group()
def main() -> None:
    """Ratios of onnxlens to something known, interleaved in one run."""


@main.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.argument("image", type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=11, show_default=True, help="Of each command, after one to warm up.")
@click.option("--out", type=click.Path(path_type=Path), help="Also write JSON here.")
def startup(model: Path, image: Path, rounds: int, out: Path | None) -> None:
    """`onnxlens --help` beside `import click`, `onnxlens explain` beside its libraries' imports."""
    results = measure(model, image, rounds)
    for result in results:
        low, high = result.quartiles
        click.echo(
            f"{result.name:42} {result.ratio:.2f}  (quartiles {low:.2f} to {high:.2f}, limit {result.limit})"
        )
    if out is not None:
        record = {"machine": machine(), "rounds": rounds, "results": [result.to_json() for result in results]}
        out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
