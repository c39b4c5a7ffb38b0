"""The JSON of a run, written case by case: what stopped goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["Journal"]

# what tells one case from another, and one run from another
CASE = ("suite", "task", "network", "batch", "size", "threads", "provider", "precision")
RUN = ("rounds", "seconds", "environments")


class Journal:
    """A run in a file.

    Args:
        path: of the JSON; a run in it that is not finished, with the same libraries and pace, is continued.
        head: what is known before anything is measured.
        fresh: begin anew whatever is there.
    """

    def __init__(self, path: Path, head: dict[str, Any], fresh: bool = False) -> None:
        self.path = path
        # as it is read back
        self.document: dict[str, Any] = {**json.loads(json.dumps(head)), "finished": False, "cases": []}
        before = json.loads(path.read_text()) if path.exists() and not fresh else {"finished": True}
        self.resumed = not before["finished"] and all(before[key] == self.document[key] for key in RUN)
        if self.resumed:
            self.document["cases"] = before["cases"]
            self.document["began"] = before["began"]
            self.document["minutes"] = before.get("minutes", 0.0)

    def has(self, identity: dict[str, Any]) -> bool:
        """Whether this case has been measured."""
        return any(all(case.get(key) == identity.get(key) for key in CASE) for case in self.document["cases"])

    def add(self, case: dict[str, Any], minutes: float) -> None:
        """Write it down."""
        self.document["cases"].append(case)
        self.document["minutes"] = round(self.document.get("minutes", 0.0) + minutes, 2)
        self._write()

    def finish(self) -> dict[str, Any]:
        """The whole document."""
        self.document["finished"] = True
        self._write()
        return self.document

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.document, indent=1) + "\n")
        partial.replace(self.path)
