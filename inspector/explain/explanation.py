"""What `explain` returns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from inspector.check import GradientCheck
from inspector.render import Colours

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["Explanation"]

_OF_IMAGE = re.compile(r"image (?P<number>\d+): (?P<note>.*)", re.DOTALL)


@dataclass(frozen=True)
class Explanation:
    """Where in the input the evidence for a target lies. In a notebook it shows itself.

    Attributes:
        heatmap: float32, the input's spatial shape: (N, H, W), (N, T) in 1-D, (N, D, H, W) in 3-D. `raw` divided by its
            largest magnitude per image: in [0, 1], or in [-1, 1] where the method has a sign. A map of zeros stays so.
        raw: the same before that division, in the units of the score.
        map: the map at the layer's own resolution; for methods at the input, `raw`.
        target: what was explained, one text per image.
        score: (N,), the targets' values.
        layer: the tensor that the map was taken from; None for methods at the input, names joined by ` + ` of several.
        layers: the tensors that it was taken from.
        method: the method's name, also where it was chosen.
        measures: numbers beside the map, one per image, by name (the completeness gap of integrated gradients).
        signed: whether the map has a sign, and is drawn on a diverging scale.
        notes: what a reader must know: a map that is zero, a method that was chosen.
        check: verdict of the finite-difference check, where one was made; of several images the worst.
        pictured: (N, C, spatial...), the input that the map lies over, as the model was fed it.
    """

    heatmap: NDArray[np.float32] = field(repr=False)
    raw: NDArray[np.float32] = field(repr=False)
    map: NDArray[np.float32] = field(repr=False)
    target: tuple[str, ...]
    score: NDArray[np.float32]
    layer: str | None
    method: str
    layers: tuple[str, ...] = ()
    measures: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    signed: bool = False
    notes: list[str] = field(default_factory=list)
    check: GradientCheck | None = None
    pictured: NDArray[Any] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.heatmap)

    def take(self, rows: Sequence[int]) -> Explanation:
        """The explanation of some of the images, in that order; the check remains that of all."""
        several = len(self.target) == len(self)
        notes = [
            f"image {place}: {note}"
            for place, row in enumerate(rows, start=1)
            for number, note in self._numbered_notes()
            if number == row
        ]
        return replace(
            self,
            heatmap=self.heatmap[list(rows)],
            raw=self.raw[list(rows)],
            map=self.map[list(rows)],
            target=tuple(self.target[row] for row in rows) if several else self.target,
            score=self.score[list(rows)] if several else self.score,
            measures={
                name: np.asarray(values)[list(rows)] if np.shape(values)[:1] == (len(self),) else values
                for name, values in self.measures.items()
            },
            notes=[*(note for number, note in self._numbered_notes() if number is None), *notes],
            pictured=None if self.pictured is None else self.pictured[list(rows)],
        )

    def notes_of(self, sample: int) -> list[str]:
        """The notes on one image and those on all."""
        return [note for number, note in self._numbered_notes() if number in (None, sample)]

    def plot(
        self, image: ArrayLike | None = None, sample: int = 0, colours: Colours = "perceptual"
    ) -> Figure:
        """Picture, heatmap and overlay side by side, with target, score, method, layer, verdict and notes.

        Args:
            image: (H, W, 3) of any size, uint8 or in [0, 1], that shows the whole of what the model saw; None: the
                model's input, stretched to visible colours.
            sample: which of the batch.
            colours: "perceptual" (viridis), or "jet" as other tools have it. Signed maps are diverging in either.

        Raises:
            InputError: there is no such image in the batch, `image` is no picture, or there are no such colours.
        """
        from inspector.explain.showing import draw

        return draw(self, image, sample, colours)

    def save(
        self,
        path: str | os.PathLike[str],
        image: ArrayLike | None = None,
        sample: int = 0,
        colours: Colours = "perceptual",
    ) -> Path:
        """Write one file, whole or not at all, of the kind that its suffix names; returns its path.

        Args:
            path: `.png` (`.jpg`, `.pdf`, `.svg`): the figure of one image; `.npz`: the arrays heatmap, raw, map and
                score of the whole batch; `.json`: everything else about it (`to_json`).
            image, sample, colours: of a figure, as for `plot`.

        Raises:
            InputError: of no such suffix, or as for `plot`.
            OutputError: the file cannot be written.
        """
        from inspector.explain.showing import save

        return save(self, path, image, sample, colours)

    def to_json(self) -> dict[str, Any]:
        """Target, score, method, layer, notes, measures and check as JSON values; lists have an entry per image."""
        from inspector.render import plain_values

        values: dict[str, Any] = plain_values(
            {
                "method": self.method,
                "layer": self.layer,
                "layers": self.layers,
                "target": self.target,
                "score": self.score,
                "signed": self.signed,
                "shape": self.heatmap.shape,
                "measures": dict(self.measures),
                "notes": self.notes,
                "check": None if self.check is None else self.check.to_json(),
            }
        )
        return values

    def _repr_html_(self) -> str:
        from inspector.explain.showing import as_html

        return as_html(self)

    def _numbered_notes(self) -> list[tuple[int | None, str]]:
        """Notes, each with the image that it is on; None: it is on all."""
        found: list[tuple[int | None, str]] = []
        for note in self.notes:
            match = _OF_IMAGE.fullmatch(note)
            found.append((int(match["number"]) - 1, match["note"]) if match else (None, note))
        return found
