"""Operators of images beside torch's own: values and gradients in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from inspector.autodiff import vjp

from .case import Array, Case, Fixed, integers, ints, normal
from .cases_sampling import grid
from .truth import Evaluator

Torch = Callable[..., torch.Tensor]

SIZES = ((5, 4), (3, 4, 5))


def compare(case: Case, ours_to_theirs: Torch) -> None:
    """The case's value and its gradients against those of a function of torch tensors."""
    inputs = [torch.tensor(case.feeds_in_double[name], requires_grad=True) for name in case.wrt]
    theirs = ours_to_theirs(*inputs)
    u = np.random.default_rng(6).normal(size=tuple(theirs.shape))
    names = [f"gradient.{name}" for name in case.wrt]
    evaluator = Evaluator(vjp(case.model(), ["y0"], case.wrt))
    value, *gradients = evaluator.run(["y0", *names], {**case.feeds_in_double, "cotangent.y0": u})
    np.testing.assert_allclose(value, theirs.detach().numpy(), rtol=1e-6, atol=1e-6)
    expected = torch.autograd.grad(theirs, inputs, torch.tensor(u))
    for ours, truth in zip(gradients, expected, strict=True):
        # attributes and scales are single-precision numbers in the file
        np.testing.assert_allclose(ours, truth.numpy(), rtol=1e-6, atol=1e-6 * float(truth.abs().max()))


@pytest.mark.parametrize(
    ("sizes", "mode", "padding", "aligned"),
    [
        (sizes, mode, padding, aligned)
        for sizes, mode, padding, aligned in product(
            SIZES, ("linear", "nearest", "cubic"), ("zeros", "border", "reflection"), (False, True)
        )
        if not (len(sizes) == 3 and mode == "cubic")
    ],
)
def test_grid_sample(sizes: Sequence[int], mode: str, padding: str, aligned: bool) -> None:
    places = grid(sizes, 2, *(3,) * len(sizes), aligned=aligned)
    case = Case(
        "GridSample",
        [normal(2, 3, *sizes), places],
        {"mode": mode, "padding_mode": padding, "align_corners": int(aligned)},
        opset=22,
    )
    name = {"linear": "bilinear", "nearest": "nearest", "cubic": "bicubic"}[mode]
    compare(
        case,
        lambda x, g: functional.grid_sample(x, g, mode=name, padding_mode=padding, align_corners=aligned),
    )


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 2, 4, 3)])
def test_affine_grid(shape: tuple[int, ...], aligned: bool) -> None:
    rank = len(shape) - 2
    case = Case(
        "AffineGrid",
        [normal(2, rank, rank + 1), ints(*shape)],
        {"align_corners": int(aligned)},
        opset=20,
    )
    compare(case, lambda theta: functional.affine_grid(theta, list(shape), align_corners=aligned))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": [1, 0]},
        {"stride": [2, 1], "padding": [1, 1]},
        {"dilation": [1, 2]},
    ],
)
def test_fold(options: dict[str, list[int]]) -> None:
    image, block = (6, 5), (3, 2)
    columns = functional.unfold(torch.zeros(2, 3, *image), block, **options)
    names = {"stride": "strides", "dilation": "dilations", "padding": "pads"}
    attributes = {names[key]: value * 2 if key == "padding" else value for key, value in options.items()}
    case = Case("Col2Im", [normal(*columns.shape), ints(*image), ints(*block)], attributes)
    compare(case, lambda x: functional.fold(x, image, block, **options))


def test_max_unpool() -> None:
    x = normal(2, 3, 6, 8)
    pooled, places = functional.max_pool2d(torch.tensor(x), 2, 2, return_indices=True)
    # torch counts in each channel, the standard through the whole tensor
    start = np.arange(6).reshape(2, 3, 1, 1) * 48
    case = Case(
        "MaxUnpool",
        [pooled.numpy(), integers(places.numpy() + start)],
        {"kernel_shape": [2, 2], "strides": [2, 2]},
    )
    compare(case, lambda x: functional.max_unpool2d(x, places, 2, 2))


RESIZINGS: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"mode": "linear"}, {"mode": "bilinear"}),
    (
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
        {"mode": "bilinear", "align_corners": True},
    ),
    ({"mode": "cubic"}, {"mode": "bicubic"}),
    (
        {"mode": "cubic", "coordinate_transformation_mode": "align_corners"},
        {"mode": "bicubic", "align_corners": True},
    ),
    ({"mode": "linear", "antialias": 1, "exclude_outside": 1}, {"mode": "bilinear", "antialias": True}),
    (
        {"mode": "cubic", "antialias": 1, "exclude_outside": 1, "cubic_coeff_a": -0.5},
        {"mode": "bicubic", "antialias": True},
    ),
    (
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"mode": "nearest"},
    ),
    ({"mode": "nearest", "nearest_mode": "round_prefer_ceil"}, {"mode": "nearest-exact"}),
)


@pytest.mark.parametrize("size", [(9, 7), (3, 2), (4, 11)])
@pytest.mark.parametrize(("ours", "theirs"), RESIZINGS)
def test_interpolate(ours: dict[str, Any], theirs: dict[str, Any], size: tuple[int, int]) -> None:
    case = Case("Resize", [normal(2, 3, 6, 5), None, None, ints(2, 3, *size)], ours)
    compare(case, lambda x: functional.interpolate(x, size=size, **theirs))


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 2, 3, 4, 3)])
def test_interpolate_lines_and_volumes(shape: tuple[int, ...]) -> None:
    size = [2 * n + 1 for n in shape[2:]]
    case = Case("Resize", [normal(*shape), None, None, ints(*shape[:2], *size)], {"mode": "linear"})
    mode = "linear" if len(shape) == 3 else "trilinear"
    compare(case, lambda x: functional.interpolate(x, size=size, mode=mode))


def test_what_the_file_holds_may_be_the_image() -> None:
    """A fixed image that is read at places which are computed: only the places are differentiated by."""
    x = normal(1, 2, 4, 5)
    case = Case("GridSample", [Fixed(x), grid((4, 5), 1, 3, 2)], opset=20)
    image: Array = x.astype(np.float32).astype(np.float64)
    compare(case, lambda g: functional.grid_sample(torch.tensor(image), g, align_corners=False))
