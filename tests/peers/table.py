"""Writes the page from the kept rows: `python -m tests.peers.table ROWS docs/peers.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.peers.row import TOLERANCE, Finding, Row, read_findings, read_rows

__all__ = ["render"]

INTRODUCTION = f"""# Beside other implementations

Written by `make test-peers`. The same weights (a PyTorch module, and the file exported from it), the same images and
the same target through a peer and through this toolkit. *Difference* is the largest of any place of any image, relative
to the largest magnitude of the peer's map; it is held to {TOLERANCE:.0e}. Where a row says that rounding moves
the peer, it is held to twice that: of a hundred thousand rectifiers some lie so near their kink that the last digit
decides, and the peer, run at inputs moved by one rounding, lands that far from its own double-precision result.
"""
DIFFERENCES = """## Where they differ, and why

Each line is a test in which both behaviours are asserted.
"""


def render(rows: Sequence[Row], findings: Sequence[Finding]) -> str:
    """The whole page."""
    passed = sum(row.difference <= row.tolerance for row in rows)
    known = {(each.peer, each.version) for each in rows} | {(each.peer, each.version) for each in findings}
    peers = ", ".join(" ".join(pair) for pair in sorted(known))
    parts = [INTRODUCTION, f"**{passed} of {len(rows)} rows within their tolerance.** Peers: {peers}.\n"]
    for peer in sorted({row.peer for row in rows}):
        mine = sorted(
            (row for row in rows if row.peer == peer),
            key=lambda row: (row.method, row.network, row.measure, row.theirs),
        )
        head = ["method", f"{peer} {mine[0].version}", "network", "compared", "difference", ""]
        parts += [f"## {peer}\n", _table(head, map(_cells, mine))]
    if findings:
        head = ["method", "peer", "where", "the peer", "here"]
        lines = (
            (f"`{each.method}`", f"{each.peer} {each.version}", each.what, each.theirs, each.ours)
            for each in sorted(findings, key=lambda each: (each.method, each.peer, each.what))
        )
        parts += [DIFFERENCES, _table(head, lines)]
    return "\n".join(parts)


def _cells(row: Row) -> tuple[str, ...]:
    figure = f"{row.difference:.1e}"
    if row.difference > row.tolerance:
        figure = f"**{figure}, not within {row.tolerance:.0e}**"
    elif row.tolerance != TOLERANCE:
        figure += f" (held to {row.tolerance:.0e})"
    return (f"`{row.method}`", f"`{row.theirs}`", row.network, row.measure, figure, row.note)


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    written = [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n" for cells in (head, *lines)
    ]
    return "".join((written[0], f"|{' --- |' * len(head)}\n", *written[1:]))


if __name__ == "__main__":
    source, destination = map(Path, sys.argv[1:])
    destination.write_text(render(read_rows(source), read_findings(source)))
