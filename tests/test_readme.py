"""The README's tour is true: its commands and code blocks run, word for word and in order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def tour() -> list[tuple[str, str]]:
    chapter = README.split("## Five minutes' tour")[1].split("\n## ")[0]
    return [(match[1], match[2]) for match in BLOCK.finditer(chapter)]


def run(language: str, code: str, folder: Path) -> None:
    command = ["bash", "-euc", code] if language == "bash" else [sys.executable, "-c", code]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    assert done.returncode == 0, f"{code}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_the_tour_runs(tmp_path: Path) -> None:
    blocks = tour()
    assert {language for language, _ in blocks} == {"bash", "python"}
    for language, code in blocks:
        run(language, code, tmp_path)
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert list((tmp_path / "why").glob("*.png"))


def test_every_file_named_exists() -> None:
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_the_test_command_is_what_ci_runs() -> None:
    assert "```\nmake test\n```" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text()
