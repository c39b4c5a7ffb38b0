"""The table of layers in a narrow terminal: each row on one line, no two names the same."""

from __future__ import annotations

import pytest
from rich.console import Console

from inspector.cli.console import print_rows, shortened

NAMES = [f"/backbone/features/stage{i}/block.{i}/depthwise_convolution/conv/Conv_output_0" for i in range(3)]
COLUMNS = [("#", "right"), ("name", "left"), ("kind", "left"), ("shape", "left")]
ROWS = [[str(i), name, "", "(batch_size, 128, height, width)"] for i, name in enumerate([*NAMES, "logits"])]


@pytest.mark.parametrize("width", [12, 17, 24, 40, 73, 100])
def test_names_are_shortened_and_stay_apart(width: int) -> None:
    names = [*NAMES, "logits", "StatefulPartitionedCall/model/global_average_pooling2d/Mean:0"]
    short = shortened(names, width)
    assert max(map(len, short)) <= width
    assert len(set(short)) == len(names)
    assert short[3] == "logits"
    if width == 100:
        assert short == names


@pytest.mark.parametrize(("width", "whole"), [(80, False), (200, True)])
def test_a_row_is_a_line(
    width: int, whole: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Narrow(Console):
        def __init__(self, **options: object) -> None:
            super().__init__(force_terminal=True, width=width, color_system=None, highlight=False)

    monkeypatch.setattr("rich.console.Console", Narrow)
    assert print_rows(COLUMNS, ROWS, ((1, 24), (3, 16))) is not whole
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert max(map(len, lines)) <= width
    # the heading, the line under it, and the rows; a column without a cell is left out
    assert len(lines) == 2 + len(ROWS)
    assert "kind" not in lines[0]
    if whole:
        assert all(name in line for name, line in zip(NAMES, lines[2:], strict=False))


def test_into_a_pipe_nothing_is_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    assert not print_rows(COLUMNS, ROWS, ((1, 4),))
    printed = capsys.readouterr().out
    assert all(name in printed for name in NAMES)
