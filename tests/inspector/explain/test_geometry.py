"""What axes count, and how tensors are folded to maps: against NumPy's own reshapes of an array of places."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from inspector import Inspector
from inspector.errors import InputError, LayerNotFound
from inspector.explain.geometry import Places, guessed_grid, parse_tokens, places_of, token_grid
from tests.inspector.graphs import model

ROWS, COLUMNS = 6, 4


def ints(**named: list[int]) -> dict[str, NDArray[np.int64]]:
    return {name: np.array(value, dtype=np.int64) for name, value in named.items()}


def traced(nodes: list[onnx.NodeProto], weights: dict[str, NDArray[np.generic]]) -> tuple[Inspector, Places]:
    """A model of `x` (2, 3, 6, 4) that goes through a 1 x 1 convolution, so that its axes are known, and `nodes`."""
    weights = {"w": np.eye(3, dtype=np.float32)[:, :, None, None], **weights}
    first = helper.make_node("Conv", ["x", "w"], ["maps"])
    last = nodes[-1].output[0]
    lens = Inspector(model([first, *nodes], {"x": ["n", 3, ROWS, COLUMNS]}, {last: None}, weights))
    x = np.zeros((2, 3, ROWS, COLUMNS), np.float32)
    return lens, places_of(lens.model, lens.model.graph, lens.inputs[0], {"x": x})


X = np.random.default_rng(0).normal(size=(2, 3, ROWS, COLUMNS)).astype(np.float32)

FOLDED: dict[str, tuple[list[onnx.NodeProto], dict[str, NDArray[np.generic]], str]] = {
    "tokens after samples": (
        [
            helper.make_node("Reshape", ["maps", "flat"], ["list"]),
            helper.make_node("Transpose", ["list"], ["tokens"], perm=[0, 2, 1]),
        ],
        ints(flat=[0, 3, -1]),
        "tokens",
    ),
    "tokens before samples": (
        [
            helper.make_node("Reshape", ["maps", "flat"], ["list"]),
            helper.make_node("Transpose", ["list"], ["tokens"], perm=[2, 0, 1]),
        ],
        ints(flat=[0, 3, -1]),
        "tokens",
    ),
    "channels last": ([helper.make_node("Transpose", ["maps"], ["tokens"], perm=[0, 2, 3, 1])], {}, "tokens"),
    "samples and tokens in one axis": (
        [
            helper.make_node("Transpose", ["maps"], ["last"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", ["last", "rows"], ["tokens"]),
        ],
        ints(rows=[-1, 3]),
        "tokens",
    ),
    "heads beside channels": (
        [
            helper.make_node("Reshape", ["maps", "parted"], ["heads"]),
            helper.make_node("Transpose", ["heads"], ["tokens"], perm=[0, 1, 3, 2]),
        ],
        ints(parted=[0, 3, 1, ROWS * COLUMNS]),
        "tokens",
    ),
    "windows": (
        [
            helper.make_node("Reshape", ["maps", "parted"], ["parts"]),
            helper.make_node("Transpose", ["parts"], ["moved"], perm=[0, 2, 4, 3, 5, 1]),
            helper.make_node("Reshape", ["moved", "windows"], ["tokens"]),
        ],
        ints(parted=[0, 3, ROWS // 2, 2, COLUMNS // 2, 2], windows=[-1, 4, 3]),
        "tokens",
    ),
}


@pytest.mark.parametrize("case", FOLDED)
def test_a_sequence_that_stands_for_a_map_is_folded_back(case: str) -> None:
    nodes, weights, name = FOLDED[case]
    lens, places = traced(nodes, weights)
    grid = places.grid(name)
    assert grid is not None
    assert grid.sides == (ROWS, COLUMNS)
    values = lens.activations(X, [name])[name]
    np.testing.assert_array_equal(grid.fold(values), X)
    if case == "channels last":
        with pytest.raises(LayerNotFound, match="cannot be read as maps of 6x4"):
            grid.fold(values[:, :5])


def test_tokens_before_and_behind_are_left_out() -> None:
    nodes = [
        helper.make_node("Reshape", ["maps", "flat"], ["list"]),
        helper.make_node("Transpose", ["list"], ["patches"], perm=[0, 2, 1]),
        helper.make_node("Shape", ["x"], ["samples"], end=1),
        helper.make_node("Concat", ["samples", "rest"], ["shape"], axis=0),
        helper.make_node("Expand", ["class", "shape"], ["classes"]),
        helper.make_node("Concat", ["classes", "patches", "classes"], ["tokens"], axis=1),
    ]
    weights = {**ints(flat=[0, 3, -1], rest=[2, 3]), "class": np.ones((1, 2, 3), np.float32)}
    lens, places = traced(nodes, weights)
    grid = places.grid("tokens")
    assert grid is not None
    assert (grid.sides, grid.skipped) == ((ROWS, COLUMNS), 4)
    np.testing.assert_array_equal(grid.fold(lens.activations(X, ["tokens"])["tokens"]), X)


def test_what_was_rolled_is_no_map_until_it_is_added_to_one() -> None:
    nodes = [
        helper.make_node("Slice", ["maps", "two", "end", "axis"], ["below"]),
        helper.make_node("Slice", ["maps", "zero", "two", "axis"], ["above"]),
        helper.make_node("Concat", ["below", "above"], ["rolled"], axis=2),
        helper.make_node("Add", ["maps", "rolled"], ["sum"]),
    ]
    _, places = traced(nodes, ints(zero=[0], two=[2], end=[100], axis=[2]))
    assert places.grid("rolled") is None
    assert places.grid("sum") is not None


def test_a_convolution_lays_a_new_grid_over_what_was_cut_out() -> None:
    nodes = [
        helper.make_node("Slice", ["maps", "one", "end", "axes"], ["cut"]),
        helper.make_node("Conv", ["cut", "w"], ["after"]),
    ]
    _, places = traced(nodes, ints(one=[1, 1], end=[5, 3], axes=[2, 3]))
    assert places.grid("cut") is None
    after = places.grid("after")
    assert after is not None
    assert after.sides == (4, 2)


@pytest.mark.parametrize(
    ("shape", "picture", "sides", "skipped"),
    [
        ((2, 197, 8), (224, 224), (14, 14), 1),
        ((2, 196, 8), (224, 224), (14, 14), 0),
        ((2, 201, 8), (224, 224), (14, 14), 5),
        ((1, 25, 8), (48, 32), (6, 4), 1),
    ],
)
def test_a_grid_is_guessed_from_the_pictures_proportions(
    shape: tuple[int, ...], picture: tuple[int, ...], sides: tuple[int, ...], skipped: int
) -> None:
    grid = guessed_grid(shape, picture)
    assert grid is not None
    assert (grid.sides, grid.skipped) == (sides, skipped)


def test_no_grid_is_guessed_where_none_fits() -> None:
    assert guessed_grid((2, 30, 8), (224, 224)) is None
    assert guessed_grid((2, 8), (224, 224)) is None
    assert guessed_grid((2, 197, 8), (512,)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14x14", (0, (14, 14), 0)),
        ("1+14X14", (1, (14, 14), 0)),
        ("5 + 16x12 + 100", (5, (16, 12), 100)),
        ("1+512", (1, (512,), 0)),
    ],
)
def test_how_tokens_are_written(text: str, expected: tuple[int, tuple[int, ...], int]) -> None:
    assert parse_tokens(text) == expected


@pytest.mark.parametrize("text", ["", "14x", "x14", "1+", "-1+14x14", "1+14x14+2+3"])
def test_how_tokens_are_not_written(text: str) -> None:
    with pytest.raises(InputError, match="says no token grid"):
        parse_tokens(text)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_tokens_said_by_hand_are_found_along_either_axis(order: tuple[int, ...]) -> None:
    tokens = np.concatenate([np.full((2, 1, 3), 9.0), X.reshape(2, 3, -1).transpose(0, 2, 1)], axis=1)
    values = tokens.transpose(order)
    np.testing.assert_array_equal(token_grid(values.shape, f"1+{ROWS}x{COLUMNS}").fold(values), X)
