from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainers.data import Dataset, load
from trainers.data.line import class_number
from trainers.data.save import save_npz, save_pngs
from trainers.errors import OutputError


@pytest.fixture(scope="module")
def line() -> Dataset:
    return load("line", images_per_class=3)


def test_npz_holds_both_sides(line: Dataset, tmp_path: Path) -> None:
    path = save_npz(line, tmp_path / "new" / "folder")
    assert path.name == "line.npz"
    with np.load(path) as file:
        for name in ("train_images", "train_labels", "test_images", "test_labels"):
            np.testing.assert_array_equal(file[name], getattr(line, name))
        assert tuple(file["class_names"]) == line.class_names
        assert json.loads(str(file["details"])) == line.details


def test_pngs_have_the_source_documents_names(line: Dataset, tmp_path: Path) -> None:
    save_pngs(line, tmp_path)
    names = {path.stem: path for path in tmp_path.glob("t*/*.png")}
    assert len(names) == 96 * 3
    # the third long, thick, 135 degree, red line
    path = names["1_1_9_0_3"]
    assert line.train_ids is not None
    assert line.test_ids is not None
    images, labels, ids = (
        (line.train_images, line.train_labels, line.train_ids)
        if path.parent.name == "train"
        else (line.test_images, line.test_labels, line.test_ids)
    )
    expected = images[(labels == class_number(1, 1, 9, 0)) & (ids == 3)]
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected[0])


def test_mnist_pngs_are_grey_and_numbered_by_digit(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)
    labels = np.array([7, 7, 1])
    save_pngs(Dataset("mnist", images, labels, images[:1], labels[:1], tuple("0123456789")), tmp_path)
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == ["1_1.png", "7_1.png", "7_2.png"]
    with Image.open(tmp_path / "train" / "7_2.png") as picture:
        assert picture.mode == "L"
        np.testing.assert_array_equal(np.asarray(picture), images[1, ..., 0])


def test_an_interrupted_writing_goes_on_where_it_stopped(line: Dataset, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_pngs(line, tmp_path, interrupt)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("t*/*")}
    assert len(before) == 100
    heard: list[tuple[int, int]] = []
    save_pngs(line, tmp_path, lambda *event: heard.append(event))
    assert heard[-1] == (288, 288)
    assert len(list(tmp_path.glob("t*/*"))) == 288
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_folder_with_another_set_is_left_alone(line: Dataset, tmp_path: Path) -> None:
    save_pngs(line, tmp_path / "a")
    with pytest.raises(OutputError, match="another data set"):
        save_pngs(load("line", images_per_class=3, seed=1), tmp_path / "a")
    (tmp_path / "b" / "train").mkdir(parents=True)
    (tmp_path / "b" / "train" / "cat.png").write_bytes(b"")
    with pytest.raises(OutputError, match="unknown origin"):
        save_pngs(line, tmp_path / "b")


def full_disk(path: Path, *_: Any, **__: Any) -> None:
    path.write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_nothing_half_written(
    line: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "line.npz").write_bytes(b"the one from before")
    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(OutputError, match=r"cannot write .*line.npz: No space left on device"):
        save_npz(line, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["line.npz"]
    assert (tmp_path / "line.npz").read_bytes() == b"the one from before"


def test_a_file_in_the_place_of_the_folder_is_said(line: Dataset, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        save_npz(line, tmp_path / "out")
