"""Learning curves as inline SVG: they scale to any screen, print sharply and follow the page's colours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Curve", "learning_curves", "line_chart"]

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 34


@dataclass(frozen=True)
class Curve:
    """One line: its name, its values from epoch 1 on, and the class that styles it (``train``, ``validation``)."""

    name: str
    values: tuple[float, ...]
    style: str


def learning_curves(history: Sequence[Mapping[str, float]]) -> str:
    """Loss and accuracy of training and validation over the epochs, as two charts."""
    if not history:
        return ""
    charts = []
    for key, title in (("loss", "Loss"), ("accuracy", "Accuracy")):
        curves = [
            Curve(name, tuple(float(epoch[full]) for epoch in history), style)
            for full, name, style in ((key, "training", "train"), (f"val_{key}", "validation", "validation"))
            if all(full in epoch for epoch in history)
        ]
        if curves:
            charts.append(line_chart(title, curves, logarithmic=key == "loss"))
    return "\n".join(charts)


def line_chart(title: str, curves: Sequence[Curve], *, logarithmic: bool = False) -> str:
    """An SVG of curves over epochs 1, 2, ...; finite values only, on a logarithmic axis positive ones only."""

    def usable(value: float) -> bool:
        return math.isfinite(value) and (value > 0 or not logarithmic)

    def height(value: float) -> float:
        return math.log10(value) if logarithmic else value

    heights = [height(value) for curve in curves for value in curve.values if usable(value)]
    if not heights:
        return ""
    ticks = (
        _logarithmic_ticks(min(heights), max(heights)) if logarithmic else _ticks(min(heights), max(heights))
    )
    low, high = height(ticks[0]), height(ticks[-1])
    epochs = max(len(curve.values) for curve in curves)

    def x(epoch: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((epoch - 1) / (epochs - 1) if epochs > 1 else 0.5)

    def y(position: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - position) / (high - low)

    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_in_words(title, curves))}">'
    ]
    for value in ticks:
        position = y(height(value))
        parts.append(
            f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{position:.1f}" y2="{position:.1f}"/>'
            f'<text x="{LEFT - 5}" y="{position + 3.5:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    for epoch in _epochs(epochs):
        parts.append(
            f'<text x="{x(epoch):.1f}" y="{HEIGHT - BOTTOM + 14}" text-anchor="middle">{epoch}</text>'
        )
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">epoch</text>')
    for curve in curves:
        points = [
            (x(epoch), y(height(value))) for epoch, value in enumerate(curve.values, 1) if usable(value)
        ]
        path = " ".join(f"{left:.1f},{top:.1f}" for left, top in points)
        parts.append(f'<polyline class="curve {curve.style}" points="{path}"/>')
        parts += [
            f'<circle class="{curve.style}" cx="{left:.1f}" cy="{top:.1f}" r="2.2"/>' for left, top in points
        ]
    parts.append("</svg>")
    scale = " (logarithmic)" if logarithmic else ""
    legend = " ".join(f'<span class="key {curve.style}">{escape(curve.name)}</span>' for curve in curves)
    return f"<figure><figcaption>{escape(title)}{scale} {legend}</figcaption>{''.join(parts)}</figure>"


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that enclose the range, equally far apart."""
    if high - low < 1e-9:
        low, high = low - 0.5, high + 0.5
    magnitude = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if (high - low) / (magnitude * factor) <= 4.5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * number for number in range(first, last + 1)]


def _logarithmic_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, or also their double and fivefold, that enclose the range of decimal logarithms."""
    factors = (1,) if high - low > 1.5 else (1, 2, 5)
    values = [
        factor * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for factor in factors
    ]
    first = max(place for place, value in enumerate(values) if math.log10(value) <= low + 1e-9)
    last = min(place for place, value in enumerate(values) if math.log10(value) >= high - 1e-9)
    return values[first : last + 1] if last > first else [values[first], values[first] * 2]


def _epochs(epochs: int) -> list[int]:
    step = max(1, math.ceil(epochs / 8))
    ticks = list(range(1, epochs + 1, step))
    return (
        ticks
        if ticks[-1] == epochs
        else [*ticks, epochs]
        if epochs - ticks[-1] > step / 2
        else [*ticks[:-1], epochs]
    )


def _in_words(title: str, curves: Sequence[Curve]) -> str:
    ends = ", ".join(f"{curve.name} from {curve.values[0]:.3g} to {curve.values[-1]:.3g}" for curve in curves)
    return f"{title} over {len(curves[0].values)} epochs: {ends}"
