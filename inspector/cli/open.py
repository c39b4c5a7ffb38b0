"""From the command line's words to an `Inspector`, pictures and class names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspector.cli.console import note, warn
from inspector.errors import InputError, InputNotFound

if TYPE_CHECKING:
    from inspector.images import Picture
    from inspector.lens import Inspector

__all__ = ["mention_broken_weights", "open_model", "open_pictures", "read_labels"]


def open_model(
    model: Path,
    provider: str | None = None,
    threads: int | None = None,
    labels: Path | None = None,
    cache: Path | None = None,
) -> Inspector:
    """The model, on the provider asked for, with the class names of the file `labels` where it is given.

    Its gradient graphs are kept in the folder `cache`; None: as the environment says.
    """
    from inspector.lens import Inspector

    if provider is not None:
        from inspector.session import choose_providers

        # also where nothing is run: a word that means nothing is no answer
        choose_providers(provider)
    names = read_labels(labels) if labels is not None else None
    providers = [provider] if provider else None
    return Inspector(model, providers=providers, threads=threads, labels=names, cache=cache)


def mention_broken_weights(lens: Inspector) -> None:
    """What such a model computes can be drawn, to see where it breaks, but not without a word."""
    if lens.model.broken_weight:
        warn(f"{lens.model.broken_weight}; grey places are NaN")


def open_pictures(
    lens: Inspector, images: Sequence[Path], quiet: bool = False, **options: Any
) -> list[Picture]:
    """The pictures for `lens`; what had to be assumed is said once."""
    from inspector.images import load_pictures

    pictures = load_pictures(images, lens.inputs, lens.metadata, **options)
    for message in dict.fromkeys(message for picture in pictures for message in picture.notes):
        note(message, quiet)
    return pictures


def read_labels(path: Path) -> list[str] | dict[str, list[str]]:
    """Class names from a text file, one a line, or from JSON.

    JSON may be a list, an object keyed by class index, where of a list of synonyms (ImageNet's
    `{"0": ["n01440764", "tench"]}`) the last counts, or an object with a list for each output's name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputNotFound(f"there is no file {path} to read class names from.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file of class names.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    names = _from_json(text, path) if path.suffix.lower() == ".json" else _stripped(text.splitlines())
    if not names:
        raise InputError(f"{path} holds no class names: write one a line, in the order of the classes.")
    return names


def _stripped(lines: Sequence[str]) -> list[str]:
    """Lines without surrounding space; empty ones only count between others."""
    names = [line.strip() for line in lines]
    while names and not names[-1]:
        names.pop()
    return names


def _from_json(text: str, path: Path) -> list[str] | dict[str, list[str]]:
    try:
        value = json.loads(text)
        if isinstance(value, dict):
            if value and not any(key.isdecimal() for key in value):
                return {output: list(map(str, names)) for output, names in value.items()}
            value = [value[str(i)] for i in range(len(value))]
        if not isinstance(value, list):
            raise TypeError("it holds a single value")
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is neither a JSON list of class names nor an object with the keys 0, 1, 2, ... or the outputs' "
            f"names: {error}."
        ) from error
    return [str(name[-1]) if isinstance(name, list) and name else str(name) for name in value]
