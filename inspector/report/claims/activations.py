"""Claims 1 to 6: what the report infers from the activations of the first layers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from inspector.report.claims.base import Claim, Measurement, judge, measure_each
from inspector.report.claims.measures import (
    Array,
    channel_rows,
    constant_rows,
    correlations,
    enlarge,
    high_frequency_share,
    own_scale,
    total_variation,
    viridis_hues,
)

__all__ = [
    "batch_norm_is_invisible",
    "detail_is_lost",
    "every_filter_differs",
    "green_becomes_blue",
    "pooling_blurs",
    "sections_differ",
]

IDENTICAL = 1e-3  # 1 - |r| below this: two pictures nobody tells apart
VISIBLE_STEP = 1 / 256  # one colour of a 256-colour map
SAME_FILTER = 0.95  # |r| from here on: one filter does the other's work
NOTICEABLE_LOSS = 0.01  # of the total variation


def every_filter_differs(convolutions: Mapping[str, Array]) -> Claim:
    """1. Distance 1 - |r| between every pair of channels of (N, C, H, W) convolution outputs.

    A pair is identical below 0.001 (either sign: a negative is the same picture inverted), and so are two
    constant channels. Holds if no pair is identical.
    """

    def measure(maps: Array) -> Measurement:
        rows = channel_rows(maps)
        dead = int(constant_rows(rows).sum())
        distance = 1 - np.abs(correlations(rows, rows))
        pairs = distance[np.triu_indices(len(rows), 1)]
        identical = int((pairs < IDENTICAL).sum()) + dead * (dead - 1) // 2
        nearest = float(pairs.min()) if pairs.size else 1.0
        figure = (
            f"{identical} identical pairs of {pairs.size}; smallest distance 1 - |r| = {nearest:.2g}; "
            f"{dead} constant filters of {len(rows)}"
        )
        values = {"smallest_distance": nearest, "identical_pairs": identical, "dead_filters": dead}
        return Measurement(identical == 0, figure, values)

    return judge(
        1,
        "Every filter of the first convolution gives a different output.",
        "Correlation r between every pair of the convolution's channels over all probe images; identical means "
        "1 - |r| < 0.001, or both constant.",
        measure_each(convolutions, measure),
    )


def green_becomes_blue(pairs: Mapping[str, tuple[Array, Array]]) -> Claim:
    """2. Values below 0, and viridis colours, of (N, C, H, W) maps before and after ReLU.

    Coloured as in the grids, each channel of each image on its own scale. Blue is a hue of 180 to 300 degrees,
    green 80 to 180. Holds if every negative value is exactly 0 after, no other value changed, and more
    than half of the pixels that were green are blue after.
    """

    def measure(pair: tuple[Array, Array]) -> Measurement:
        before, after = (np.asarray(maps) for maps in pair)
        zeroed = float((before < 0).mean())
        exact = bool(np.array_equal(after, np.maximum(before, 0)))
        hue_before, hue_after = viridis_hues(own_scale(before)), viridis_hues(own_scale(after))
        green_before, green_after = _green(hue_before), _green(hue_after)
        blue_before, blue_after = _blue(hue_before), _blue(hue_after)
        was_green = int(green_before.sum())
        turned = float((green_before & blue_after).sum()) / was_green if was_green else 0.0
        figure = (
            f"{zeroed:.1%} of values set to 0{'' if exact else ' (not exactly max(x, 0))'}; "
            f"{turned:.0%} of green pixels became blue; "
            f"green {green_before.mean():.1%} to {green_after.mean():.1%}, "
            f"blue {blue_before.mean():.1%} to {blue_after.mean():.1%} of pixels"
        )
        values = {
            "zeroed_share": zeroed,
            "exact": float(exact),
            "green_turned_blue": turned,
            "green_before": float(green_before.mean()),
            "green_after": float(green_after.mean()),
            "blue_before": float(blue_before.mean()),
            "blue_after": float(blue_after.mean()),
        }
        return Measurement(exact and turned > 0.5, figure, values)

    return judge(
        2,
        "After ReLU all negative numbers are 0, and most of the green becomes blue.",
        "Each channel of each probe image coloured with viridis on its own scale; blue is a hue of 180-300 degrees "
        "(violet included), green 80-180. 'Most' is more than half of the pixels green before.",
        measure_each(pairs, measure),
    )


def _green(hue: Array) -> Array:
    return np.asarray((hue >= 80) & (hue < 180))


def _blue(hue: Array) -> Array:
    return np.asarray((hue >= 180) & (hue < 300))


def detail_is_lost(pairs: Mapping[str, tuple[Array, Array]]) -> Claim:
    """3. Total variation (differences of neighbouring pixels, in activation units) of maps before and after ReLU.

    Detail is also lost where distinct values become one: the share of the neighbouring pairs that differed before and
    are equal after. Holds if at least 1% of the total variation is gone.
    """

    def measure(pair: tuple[Array, Array]) -> Measurement:
        before, after = (np.asarray(maps, np.float64) for maps in pair)
        variation = float(total_variation(before).sum())
        lost = 1 - float(total_variation(after).sum()) / variation if variation > 0 else 0.0
        steps_before = [np.diff(before, axis=axis) != 0 for axis in (-2, -1)]
        steps_after = [np.diff(after, axis=axis) == 0 for axis in (-2, -1)]
        distinct = sum(int(step.sum()) for step in steps_before)
        merged = sum(int((a & b).sum()) for a, b in zip(steps_before, steps_after, strict=True))
        merged_share = merged / distinct if distinct else 0.0
        figure = (
            f"{lost:.1%} of the total variation lost; {merged_share:.0%} of differing neighbours became equal"
        )
        return Measurement(
            lost >= NOTICEABLE_LOSS, figure, {"lost_variation": lost, "merged_neighbours": merged_share}
        )

    return judge(
        3,
        "After ReLU some detail is lost.",
        "Total variation (sum of the differences of neighbouring pixels) of the channels before and after, over all "
        "probe images; lost from 1% on.",
        measure_each(pairs, measure),
    )


def batch_norm_is_invisible(pairs: Mapping[str, tuple[Array, Array]]) -> Claim:
    """4. Per-channel correlation of (N, C, H, W) maps before and after, and their largest difference as shown.

    As shown: each map scaled to its own range. Holds if every channel's |r| >= 0.9999 (an affine map of itself) and no
    shown pixel moves by more than one of 256 colours. A negative scale inverts a picture: that is visible.
    """

    def measure(pair: tuple[Array, Array]) -> Measurement:
        before, after = pair
        rows_before, rows_after = channel_rows(before), channel_rows(after)
        alive = ~(constant_rows(rows_before) | constant_rows(rows_after))
        each = np.array(
            [correlations(rows_before[i : i + 1], rows_after[i : i + 1])[0, 0] for i in np.flatnonzero(alive)]
        )
        weakest = float(np.abs(each).min()) if each.size else 1.0
        inverted = int((each < 0).sum())
        shown = own_scale(np.asarray(before)[:, alive]) - own_scale(np.asarray(after)[:, alive])
        largest = float(np.abs(shown).max()) if shown.size else 0.0
        figure = (
            f"smallest |r| = {weakest:.6f}; {inverted} channels inverted; largest difference as shown {largest:.2g} "
            f"(one colour step is {VISIBLE_STEP:.2g})"
        )
        values = {
            "smallest_correlation": weakest,
            "inverted_channels": inverted,
            "largest_difference": largest,
        }
        return Measurement(weakest >= 0.9999 and largest <= VISIBLE_STEP, figure, values)

    return judge(
        4,
        "Batch normalisation makes no observable change.",
        "Correlation of each channel with itself before, over all probe images, and the largest difference of any "
        "pixel once each channel of each image is scaled to its own range; visible from one of 256 colours on.",
        measure_each(pairs, measure),
    )


def pooling_blurs(pairs: Mapping[str, tuple[Array, Array]]) -> Claim:
    """5. Size, and fine detail at equal display size, of (N, C, H, W) maps before pooling and (N, C, h, w) after.

    The pooled maps are enlarged back bilinearly; fine detail is the share of spectral energy above half the Nyquist
    frequency. Holds if the size shrinks and that share falls.
    """

    def measure(pair: tuple[Array, Array]) -> Measurement:
        before, after = (np.asarray(maps, np.float64) for maps in pair)
        size_before, size_after = before.shape[-2:], after.shape[-2:]
        fine_before = high_frequency_share(before)
        fine_after = high_frequency_share(enlarge(after, (size_before[0], size_before[1])))
        smaller = size_after[0] * size_after[1] < size_before[0] * size_before[1]
        figure = (
            f"{size_before[0]} x {size_before[1]} to {size_after[0]} x {size_after[1]} pixels; fine detail "
            f"{fine_before:.1%} to {fine_after:.1%} of the energy"
        )
        return Measurement(
            smaller and fine_after < fine_before,
            figure,
            {"fine_before": fine_before, "fine_after": fine_after},
        )

    return judge(
        5,
        "Max pooling makes the image more blurry as its size decreases.",
        "Share of the spectral energy above half the Nyquist frequency, before, and after pooling with the result "
        "enlarged back to the same size.",
        measure_each(pairs, measure),
    )


def sections_differ(
    pairs: Mapping[str, tuple[Array, Array]], controls: Mapping[str, float] | None = None
) -> Claim:
    """6. Best |r| of each Section-1 channel with any Section-2 channel, (N, C, H, W) outputs for the same images.

    A filter has a counterpart from |r| = 0.95 on. Holds if fewer than half of Section-1's filters have one.
    ``controls`` gives the same median for two trainings of one and the same section (see ``median_best_match``): the
    measure shows that outputs differ, not why.
    """

    def measure(pair: tuple[Array, Array]) -> Measurement:
        best = _best_match(*pair)
        matched = float((best >= SAME_FILTER).mean()) if best.size else 0.0
        median = float(np.median(best)) if best.size else 0.0
        figure = f"median best |r| = {median:.3f}; {matched:.0%} of filters have a counterpart"
        return Measurement(matched < 0.5, figure, {"median_best_match": median, "matched_share": matched})

    note = "".join(
        f" For comparison, {name} (two trainings of one architecture): median best |r| = {value:.3f}."
        for name, value in (controls or {}).items()
    )
    return judge(
        6,
        "The first convolution's output for Line data differs between Section-1 and Section-2.",
        "For each Section-1 filter the best |r| with any Section-2 filter over the same probe images; a counterpart "
        "from 0.95 on. This shows that they differ; that what follows the convolution is the cause it cannot show, "
        "since another random start alone gives other filters." + note,
        measure_each(pairs, measure),
        "it takes Section-1 and Section-2 for Line in one framework, with the same probe images",
    )


def _best_match(first: Array, second: Array) -> Array:
    rows_first, rows_second = channel_rows(first), channel_rows(second)
    rows_first = rows_first[~constant_rows(rows_first)]
    if not len(rows_first):
        return np.empty(0)
    return np.asarray(np.abs(correlations(rows_first, rows_second)).max(axis=1))


def median_best_match(first: Array, second: Array) -> float:
    """The median over the first's channels of the best |r| with a channel of the second; 0 if all are constant."""
    best = _best_match(first, second)
    return float(np.median(best)) if best.size else 0.0
