"""What a user installs is whole: a wheel holds packages, types and templates, and asks for the right runtime."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the tracked sources, so that stale build folders cannot help."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        source,
    ]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("onnxlens-*.whl"))


def test_the_wheel_is_whole(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(path.relative_to(ROOT))
        for package in ("trainers", "export", "inspector")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert expected - names == set()
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)


def test_the_wheel_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    site = str(tmp_path / "site")
    code = (
        f"import sys; sys.path.insert(0, {site!r}); from inspector.cli import main; main(['demo', '--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--full" in done.stdout


PLATFORMS = [
    ({"sys_platform": "linux", "platform_machine": "x86_64"}, "onnxruntime-gpu"),
    ({"sys_platform": "win32", "platform_machine": "AMD64"}, "onnxruntime-gpu"),
    ({"sys_platform": "linux", "platform_machine": "aarch64"}, "onnxruntime"),
    ({"sys_platform": "darwin", "platform_machine": "arm64"}, "onnxruntime"),
    ({"sys_platform": "win32", "platform_machine": "ARM64"}, "onnxruntime"),
]


@pytest.mark.parametrize(("platform", "expected"), PLATFORMS)
def test_exactly_one_runtime_wheel_is_asked_for(platform: dict[str, str], expected: str) -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options"]["install_requires"].splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    runtimes = [
        requirement.name
        for requirement in requirements
        if requirement.name.startswith("onnxruntime") and Marker(str(requirement.marker)).evaluate(platform)
    ]
    assert runtimes == [expected]


def test_every_dependency_admits_its_tested_version() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = dict(line.lower().replace("_", "-").split("==") for line in lines if "==" in line)
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    sections = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    for section in sections:
        for line in section.splitlines():
            if line and not line.startswith("#"):
                requirement = Requirement(line)
                assert pinned[requirement.name.lower()] in requirement.specifier, line
