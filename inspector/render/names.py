"""File names that sort as people count, whatever a tensor is called."""

from __future__ import annotations

import re

__all__ = ["figure_name", "slug"]

LONGEST = 80


def slug(name: str) -> str:
    """`name` with everything that a file system may mind replaced by `-`, at most 80 characters."""
    kept = re.sub(r"[^\w.+]+", "-", name, flags=re.ASCII).strip("-.")
    return kept[:LONGEST] or "tensor"


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

    `what` is appended: `image-01_layer-2-relu_gradcam.png`.
    """
    parts = [f"image-{image:0{max(2, len(str(images)))}d}"]
    if layer is not None:
        index, name = layer
        parts.append(f"layer-{index:0{len(str(layers))}d}-{slug(name)}")
    if what:
        parts.append(slug(what))
    return "_".join(parts) + suffix
