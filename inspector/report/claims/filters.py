"""Claims 7 to 9: what the report infers from the pictures that maximise the first convolution's filters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inspector.report.claims.base import Claim, Measurement, judge, measure_each
from inspector.report.claims.measures import Array, superiority, total_variation

__all__ = ["mnist_filters_have_one_colour", "section2_has_more_detail", "twenty_five_shown"]

COLOURLESS = 0.01  # mean chroma, of a range of 1
COLOURED = 0.05


def twenty_five_shown(counts: Mapping[str, tuple[int, int]]) -> Claim:
    """7. (filters shown, filters of the layer): holds where they are 25 and 32."""

    def measure(count: tuple[int, int]) -> Measurement:
        shown, total = count
        return Measurement(
            (shown, total) == (25, 32), f"{shown} of {total} shown", {"shown": shown, "total": total}
        )

    return judge(
        7,
        "25 of the 32 filters of the first convolution are shown.",
        "Counted from the figures above and the convolution's weights.",
        measure_each(counts, measure),
    )


def unit_pictures(pictures: Array) -> Array:
    """(n, C, H, W) each scaled to [0, 1] over all its channels together, as it is shown; a constant one to 0."""
    pictures = np.asarray(pictures, np.float64)
    low = pictures.min(axis=(1, 2, 3), keepdims=True)
    spread = pictures.max(axis=(1, 2, 3), keepdims=True) - low
    scaled: Array = np.divide(pictures - low, spread, out=np.zeros_like(pictures), where=spread > 0)
    return scaled


def section2_has_more_detail(
    maximised: Mapping[str, tuple[Array, Array]], kernels: Mapping[str, tuple[Array, Array]] | None = None
) -> Claim:
    """8. Total variation of (n, C, H, W) filter pictures of Section-1 and Section-2 (in this order in each pair).

    Each picture scaled to [0, 1], detail being the mean difference of neighbouring pixels. Holds if a random Section-2
    filter has more than a random Section-1 filter in more than half of all pairs, significantly so (one-sided
    Mann-Whitney test at 5%). The raw kernels' (out, in, kh, kw) medians are given beside it and do not decide.
    """

    def detail(pictures: Array) -> Array:
        return np.asarray(total_variation(unit_pictures(pictures)).mean(axis=1))

    def measure(name: str, pair: tuple[Array, Array]) -> Measurement:
        first, second = detail(pair[0]), detail(pair[1])
        share, error = superiority(second, first)
        values = {
            "median_section1": float(np.median(first)),
            "median_section2": float(np.median(second)),
            "superiority": share,
        }
        figure = (
            f"median detail {values['median_section2']:.4f} against {values['median_section1']:.4f} a pixel; Section-2 "
            f"has more in {share:.0%} of pairs (needs {0.5 + 1.645 * error:.0%})"
        )
        if kernels and name in kernels:
            raw = [float(np.median(detail(array))) for array in kernels[name]]
            values |= {"median_kernel_section1": raw[0], "median_kernel_section2": raw[1]}
            figure += f"; raw kernels {raw[1]:.3f} against {raw[0]:.3f}"
        return Measurement(share > 0.5 + 1.645 * error, figure, values)

    return judge(
        8,
        "The Section-2 filters for Line have more detail than the Section-1 ones.",
        "Mean difference of neighbouring pixels of each maximised filter, scaled to [0, 1]; all pairs compared "
        "(Mann-Whitney, one-sided, 5%).",
        {name: measure(name, pair) for name, pair in maximised.items()},
    )


def mnist_filters_have_one_colour(pictures: Mapping[str, tuple[str, Array]]) -> Claim:
    """9. Mean chroma (greatest minus least colour channel, pictures scaled to [0, 1]) of (dataset, (n, C, H, W)).

    A case named ``mnist`` holds up to 0.01 (one channel has exactly 0), one named ``line`` from 0.05 on.
    """

    def measure(case: tuple[str, Array]) -> Measurement:
        dataset, array = case
        shown = unit_pictures(array)
        chroma = float((shown.max(axis=1) - shown.min(axis=1)).mean())
        channels = array.shape[1]
        holds = chroma <= COLOURLESS if dataset == "mnist" else chroma >= COLOURED
        figure = f"mean chroma {chroma:.3f} over {channels} channel{'s' if channels > 1 else ''}"
        return Measurement(holds, figure, {"chroma": chroma, "channels": channels})

    return judge(
        9,
        "MNIST filters all have the same colour, Line filters do not.",
        "Chroma (greatest minus least colour channel) averaged over the maximised filters, each scaled to [0, 1]: at "
        "most 0.01 for MNIST, at least 0.05 for Line.",
        measure_each(pictures, measure),
    )
