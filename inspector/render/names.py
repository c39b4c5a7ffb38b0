"""File names that sort as people count, whatever a tensor is called."""

from __future__ import annotations

import hashlib
import re

__all__ = ["figure_name", "question_slug", "slug"]

LONGEST = 80
LONGEST_LAYER = 28
# so that a name with `_overlay.png` at its end is still within LONGEST
ENDING = 12
DIGITS = 8


def slug(name: str, longest: int = LONGEST) -> str:
    """`name` with everything that a file system may mind replaced by `-`, at most `longest` characters.

    A longer one is cut and ends in a digest of the whole name, so that two that begin alike stay two files.
    """
    kept = re.sub(r"[^\w.+]+", "-", name, flags=re.ASCII).strip("-.") or "tensor"
    if len(kept) <= longest:
        return kept
    return f"{kept[: longest - DIGITS - 1].rstrip('-._')}-{_digest(name)}"


def question_slug(text: str) -> str:
    """`slug` of a target as it is typed, so that no two targets share a name.

    Words with spaces and one index stay as they are read (`tiger cat`, `angle[9]`); of `top(1)`, `-3` or `a - b` a
    digest follows, for `top[1]`, `3` and `a-b` would be called the same.
    """
    kept = slug(text)
    plain = re.sub(r"(?<=\w) (?=\w)", "-", re.sub(r"^(\w+)\[(\w+)\]$", r"\1-\2", text, flags=re.ASCII))
    if kept == plain:
        return kept
    return f"{kept}-{_digest(text)[: DIGITS // 2]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def figure_name(
    *,
    image: int,
    images: int = 1,
    layer: tuple[int, str] | None = None,
    layers: int = 1,
    what: str = "",
    suffix: str = ".png",
) -> str:
    """`image-01_layer-2-relu.png`; numbers padded to the widest among `images` and `layers` (its largest index).

    `what` is appended: `image-01_layer-2-relu_gradcam.png`. At most 80 characters: `slug` shortens long names.
    """
    parts = [f"image-{image:0{max(2, len(str(images)))}d}"]
    if layer is not None:
        index, name = layer
        parts.append(f"layer-{index:0{len(str(layers))}d}-{slug(name, LONGEST_LAYER)}")
    if what:
        parts.append(slug(what, LONGEST - ENDING - len("_".join(parts)) - 1))
    return "_".join(parts) + suffix
