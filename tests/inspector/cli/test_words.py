from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pytest

from inspector.cli.words import as_spelt, parse_numbers, parse_settings


@pytest.mark.parametrize(
    ("text", "names", "expected"),
    [
        ("color=red", ["length", "colour"], "colour=red"),
        ("logp(color=red) + angle[3]", ["angle", "colour"], "logp(colour=red) + angle[3]"),
        ("colour[0]", ["color"], "color[0]"),
        ("colour", ["colour"], "colour"),
        ("color", ["color", "colour"], "color"),
        ("gray_conv", ["grey_conv"], "grey_conv"),
        ("purple", ["colour"], "purple"),
    ],
)
def test_either_spelling_is_understood(text: str, names: list[str], expected: str) -> None:
    assert as_spelt(text, names) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", [3]), ("0-4", [0, 1, 2, 3, 4]), ("0-2,8, 10-11", [0, 1, 2, 8, 10, 11]), ("5,5,4-5", [5, 4])],
)
def test_ranges_of_filters(text: str, expected: list[int]) -> None:
    assert parse_numbers(text, 32) == expected


@pytest.mark.parametrize(
    "text", ["", "-1", "a", "3-", "1-2-3", "32", "4-2", "0-999999999999", "999999999999-0"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        parse_numbers(text, 32)


def test_settings_read_as_python() -> None:
    given = ["steps=20", "baseline=0.5", "window=(3, 3)", "mode=fast", "flag=true", "path=a=b", "none=None"]
    assert parse_settings(given) == {
        "steps": 20, "baseline": 0.5, "window": (3, 3), "mode": "fast", "flag": True, "path": "a=b", "none": None,
    }  # fmt: skip
    with pytest.raises(click.BadParameter, match="key=value"):
        parse_settings(["steps"])


def test_the_name_of_a_file_stands_for_its_array(tmp_path: Path) -> None:
    path = tmp_path / "segments.npy"
    np.save(path, np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(
        parse_settings([f"segments={path}"])["segments"], np.arange(6).reshape(2, 3)
    )
    (tmp_path / "text.npy").write_text("no array")
    for name in ("text.npy", "missing.npy"):
        with pytest.raises(click.BadParameter, match="holds no array"):
            parse_settings([f"segments={tmp_path / name}"])
