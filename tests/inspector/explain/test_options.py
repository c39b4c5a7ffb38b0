from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest

from inspector import Inspector
from inspector.errors import InputError, InspectorError
from inspector.explain import METHODS, find_method
from inspector.explain.options import require_options
from tests.inspector.graphs import cnn, images

KNOWN = {
    "steps": 50,
    "noise": 0.1,
    "smooth": False,
    "rule": "a",
    "window": None,
    "baseline": "zero",
    "seed": 0,
    "shares": (0.1, 0.2),
}


@pytest.mark.parametrize(
    "options",
    [
        {"steps": np.int32(3)}, {"noise": 1}, {"noise": np.float32(0.5)}, {"smooth": np.bool_(True)}, {"rule": "b"},
        {"window": (1, 2)}, {"window": "all"}, {"baseline": 0.5}, {"baseline": np.zeros(3)}, {"seed": 2**40},
        {"shares": [0.5]}, {"shares": np.ones(2)},
    ],
)  # fmt: skip
def test_values_of_the_default_s_kind_are_taken(options: dict[str, Any]) -> None:
    require_options("method m", options, KNOWN)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": "many"}, "option steps of method m is a whole number, not 'many'"),
        ({"steps": 2.5}, "a whole number, not 2.5"),
        ({"steps": True}, "a whole number, not True"),
        ({"noise": "x"}, "a finite number"),
        ({"noise": float("inf")}, "a finite number, not inf"),
        ({"noise": None}, "a finite number"),
        ({"smooth": 1}, "option smooth of method m is true or false, not 1"),
        ({"rule": ["a"]}, "a word"),
        ({"shares": "x"}, "numbers: 0.1,0.2, not 'x'"),
        ({"shares": (0.1, "x")}, "numbers"),
        ({"shares": 0.5}, "numbers"),
        ({"seed": -1}, "a whole number from 0 upwards, not -1"),
    ],
)
def test_values_of_another_kind_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        require_options("method m", options, KNOWN)


@pytest.mark.parametrize("name", METHODS)
def test_no_method_breaks_on_a_value_of_no_use(name: str) -> None:
    lens = Inspector(cnn())
    for option in METHODS[name].options:
        for value in ("nonsense", -1, float("inf"), [], np.zeros((2, 3, 4))):
            # anything but an answer or an error of our own is a bug
            with contextlib.suppress(InspectorError):
                lens.explain(images(1), name, target=1, **{option: value})


def test_a_method_that_is_meant_is_named() -> None:
    with pytest.raises(
        InspectorError, match=r"no method 'gradcm': is gradcam .*meant\? methods: gradcam, gradcam"
    ):
        find_method("gradcm")
    with pytest.raises(InspectorError, match=r"is integrated-gradients .*meant"):
        find_method("Integrated_Gradients")
    with pytest.raises(InspectorError, match="no method 'magic'; methods: gradcam, "):
        find_method("magic")
