"""One case: a task on a network, all who can do it in turn, beside what the task is measured by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders.table import OURS, REFERENCES, TABLE, Contender
from benchmarks.environments import Environments
from benchmarks.networks.files import provide
from benchmarks.processes import WorkFailed
from benchmarks.turns import Pace, Prepared, take_turns
from benchmarks.work import Work
from inspector.bench import quartiles

__all__ = ["Case", "Row", "measure", "ratios"]


@dataclass(frozen=True)
class Case:
    """What is measured together.

    Attributes:
        suite: the table that it belongs to.
        task: a key of `REFERENCES`.
        work: on what.
        names: of contenders; none: all who can.
    """

    suite: str
    task: str
    work: Work
    names: tuple[str, ...] = ()

    @property
    def contenders(self) -> list[Contender]:
        """The reference first."""
        reference = REFERENCES[self.task]
        others = [
            each
            for each in TABLE
            if each.task == self.task
            and each != reference
            and (not self.names or each.name in self.names)
            and each.takes(self.work.network, self.work.provider)
        ]
        return [reference, *others]

    def describe(self) -> str:
        """One line."""
        work = self.work
        return (
            f"{self.task} {work.network} {work.batch}x{work.size}, {work.threads} threads, {work.provider} "
            f"{work.precision}"
        )

    def to_json(self) -> dict[str, Any]:
        work = {key: value for key, value in self.work.to_json().items() if key != "folder"}
        return {"suite": self.suite, "task": self.task, **work}


@dataclass(frozen=True)
class Row:
    """What one contender did.

    Attributes:
        name: of the contender; empty version: not known.
        seconds: lower quartile, median, upper quartile of its turns. For comparison within a row's own case only.
        ratio: the same of each turn over the reference's turn of the same round.
        once: that it was too slow to take turns, and was run once.
        built: seconds to prepare, once.
        first: seconds of the very first run.
        difference: of what it returned from what onnxlens, or else the reference, returned (L2, relative); maps are
            scaled to a maximum of 1 before.
        facts: what else is known.
        error: why there are no figures.
    """

    name: str
    version: str
    seconds: tuple[float, float, float] | None = None
    ratio: tuple[float, float, float] | None = None
    built: float | None = None
    first: float | None = None
    difference: float | None = None
    facts: dict[str, Any] | None = None
    once: bool | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}


def measure(
    case: Case, environments: Environments, pace: Pace, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """The rows of a case, as JSON."""
    ready: list[tuple[Contender, Prepared, dict[str, Any]]] = []
    failed: dict[str, str] = {}
    for number, each in enumerate(case.contenders):
        tell(f"{case.describe()}: {each.name} prepares")
        try:
            provide(case.work, each.file, environments)
            process = environments.process(each, case.work.threads)
            told = process.ask("prepare", number=number, function=each.where, work=case.work.to_json())
            ready.append((each, Prepared(process, number, told["first"]), told))
        except WorkFailed as error:
            failed[each.name] = str(error)
    tell(f"{case.describe()}: {len(ready)} take turns")
    turns = take_turns([prepared for _, prepared, _ in ready], pace)
    again = [entry for entry in ready if not entry[1].once]
    differences, unfit = _differences(case, again, environments.folder)
    failed.update(unfit)
    for _, prepared, _ in ready:
        prepared.process.ask("drop", number=prepared.number)
    rows = []
    base = turns[0] if ready and ready[0][0] == REFERENCES[case.task] else None
    for (each, prepared, told), times in zip(ready, turns, strict=True):
        if isinstance(times, WorkFailed):
            failed[each.name] = str(times)
            continue
        if each.name in unfit:
            continue
        relative = ratios(times, base) if isinstance(base, list) else None
        rows.append(
            Row(
                each.name,
                environments.version(each),
                quartiles(times),
                quartiles(relative) if relative else None,
                told["built"],
                told["first"],
                differences.get(each.name),
                told["facts"] or None,
                prepared.once or None,
            )
        )
    versions = {each.name: environments.version(each) for each in case.contenders}
    rows += [Row(name, versions[name], error=error) for name, error in failed.items()]
    return {
        **case.to_json(),
        "reference": REFERENCES[case.task].name,
        "rows": [row.to_json() for row in rows],
    }


def ratios(times: Sequence[float], base: Sequence[float]) -> list[float]:
    """Round by round; of one that had no turns, its one run over the reference's median."""
    pairs = zip(times, base, strict=True) if len(times) == len(base) else ((times[0], np.median(base)),)
    return [float(a / b) for a, b in pairs]


def _differences(
    case: Case, ready: Sequence[tuple[Contender, Prepared, dict[str, Any]]], folder: Path
) -> tuple[dict[str, float], dict[str, str]]:
    """Of what each returns from what onnxlens, or else the reference, returns: whether it is the same work. And why
    what some return cannot be compared.
    """
    found: dict[str, Any] = {}
    unfit: dict[str, str] = {}
    for each, prepared, _ in ready:
        path = folder / "returned.npy"
        # what a task is measured by need not do it
        if each.task != case.task and each.name != OURS:
            continue
        try:
            saved = prepared.process.ask("save", number=prepared.number, path=str(path.resolve()))
        except WorkFailed as error:
            unfit[each.name] = str(error)
            continue
        if saved:
            array = np.load(path)
            found[each.name] = _scaled(array) if case.task == "gradcam" else array
    if len(found) < 2:
        return {}, unfit
    first = found[OURS] if OURS in found else next(iter(found.values()))
    return {
        name: float(np.linalg.norm(array - first) / np.linalg.norm(first))
        for name, array in found.items()
        if array is not first and array.shape == first.shape and first.any()
    }, unfit


def _scaled(maps: Any) -> Any:
    """(N, H, W): each map's maximum is 1, whatever each library does about that; a map of zeros stays."""
    largest = maps.max(axis=(1, 2), keepdims=True)
    return np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)
