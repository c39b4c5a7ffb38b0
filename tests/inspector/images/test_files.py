from __future__ import annotations

from pathlib import Path

import pytest

from inspector.errors import InputError, InputNotFound
from inspector.images.files import expand, natural_key


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def test_a_folder_is_read_in_the_order_people_count_in(tmp_path: Path) -> None:
    touch(tmp_path, "img10.png", "img2.png", "Img1.PNG", "notes.txt", ".hidden.png", "a.npy")
    (tmp_path / "inner.png").mkdir()
    assert [p.name for p in expand([tmp_path])] == ["a.npy", "Img1.PNG", "img2.png", "img10.png"]


def test_files_keep_the_order_they_are_given_in(tmp_path: Path) -> None:
    touch(tmp_path, "b.png", "a.png", "picture-without-suffix")
    paths = [tmp_path / "b.png", tmp_path / "picture-without-suffix", tmp_path / "a.png"]
    assert expand(paths) == paths


def test_natural_keys_compare_numbers_and_words() -> None:
    names = ["1_1_9_0_3", "a", "1_1_10_0_3", "1_1_9_0_20", "b2", "B1"]
    assert sorted(names, key=natural_key) == ["1_1_9_0_3", "1_1_9_0_20", "1_1_10_0_3", "a", "B1", "b2"]


def test_a_missing_file_is_told_with_its_neighbours(tmp_path: Path) -> None:
    touch(tmp_path, "zebra.png", "cat.jpg")
    with pytest.raises(InputNotFound, match=r"no picture at .*zebr.png; near it: zebra.png"):
        expand([tmp_path / "zebr.png"])
    with pytest.raises(InputNotFound, match=r"the folder .*nowhere does not exist"):
        expand([tmp_path / "nowhere" / "zebra.png"])


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(InputError, match="holds no pictures"):
        expand([tmp_path])


def test_nothing_given_is_refused() -> None:
    with pytest.raises(InputError, match="no picture was given"):
        expand([])
