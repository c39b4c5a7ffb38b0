"""One file in a process of its own: `python -m tests.zoo.worker NAME RESULT.json`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.zoo.checks import examine
from tests.zoo.models import FILES


def run(name: str, result: Path) -> None:
    (entry,) = (entry for entry in FILES if entry.name == name)
    examine(entry, result)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
