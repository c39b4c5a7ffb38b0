"""`onnxlens check`: is the gradient of this file right, here?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from inspector.cli.console import note, plain, print_json, print_table, table
from inspector.cli.open import open_model, open_pictures
from inspector.cli.options import (
    cache_option,
    image_arguments,
    model_argument,
    picture_options,
    shared_options,
)
from inspector.cli.verdicts import HEADINGS, mention, row
from inspector.cli.words import as_spelt

__all__ = ["check"]


@click.command()
@model_argument
@image_arguments(required=False)
@click.option("--layer", metavar="L", help="With respect to this layer (default: the input).")
@click.option("--target", metavar="T", help="Class, label or output[index] (default: the top class).")
@click.option("--score", type=click.Choice(["logit", "output"]), default="logit", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The verdicts as JSON.")
@cache_option
@picture_options
@shared_options
def check(
    model: Path, images: tuple[Path, ...], layer: str | None, target: str | None, score: Literal["logit", "output"],
    as_json: bool, cache: Path | None, labels: Path | None, provider: str | None, threads: int | None, quiet: bool,
    **picture: Any,
) -> None:  # fmt: skip
    """Check the gradient against finite differences.

    The file is run as it is, in double precision where it can be, on either side of the input (without IMAGE, of a
    random one). The exit code is 1 unless every verdict is "passed".
    """
    from inspector.images import random_feeds
    from inspector.model import FLOATS

    lens = open_model(model, provider, threads, labels, cache)
    samples: list[tuple[str, Any]]
    if images:
        samples = [(picture.name, picture.x) for picture in open_pictures(lens, images, quiet, **picture)]
    else:
        feeds = random_feeds(lens.inputs, lens.metadata, **picture)
        samples = [("random input", feeds if len(feeds) > 1 else next(iter(feeds.values())))]
        note("no IMAGE was given: the gradient is checked at a random input (seed 0).", quiet or as_json)
    names = [name for one in lens.layers(plumbing=True) for name in one.outputs] + [
        o.name for o in lens.outputs
    ]
    wrt = lens.resolve_layer(as_spelt(layer, names)).name if layer else None
    wanted = as_spelt(target, names) if target else None
    verdicts = [(name, lens.check(x, target=wanted, wrt=wrt, score=score)) for name, x in samples]
    floats = any(tensor.dtype in FLOATS for tensor in lens.inputs)
    where = wrt or ("the input" if floats else "the first floating-point tensor after the input")
    if as_json:
        print_json(
            [{"image": name, "wrt": wrt, "target": target, **found.to_json()} for name, found in verdicts]
        )
    else:
        click.echo(f"d ({target or 'top class'}) / d ({where})")
        columns = [
            (heading, "left" if heading in ("verdict", "precision") else "right") for heading in HEADINGS
        ]
        made = table([("image", "left"), *columns])
        for name, found in verdicts:
            made.add_row(plain(name), *row(found))
        print_table(made)
    for name, found in verdicts:
        if not as_json:
            click.echo(f"{name}: {found.message}.")
        mention(found, name)
    if not all(found.passed for _, found in verdicts):
        click.get_current_context().exit(1)
