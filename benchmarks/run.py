"""One run: all cases of all suites asked for, as one JSON document."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine, memory, startup
from benchmarks.cases import measure
from benchmarks.environments import Environments
from benchmarks.journal import Journal
from benchmarks.suites import Choice, cases
from benchmarks.turns import Pace

__all__ = ["Settings", "measure_all"]

STARTED = "resnet50"
# the others are about files, processes and the time around sessions
ON_GPU = ("forward", "activations", "gradcam", "gradient", "sweeps")
PRECISIONS = ("float32", "float16")


@dataclass(frozen=True)
class Settings:
    """What was asked for.

    Attributes:
        suites: in order.
        choice: of networks, batches, ...
        providers: "cpu", "cuda", or both.
        peers: interpreters.
        pace: of each case.
        precision: None: float32, and on a GPU float16 as well.
    """

    suites: Sequence[str]
    choice: Choice
    providers: Sequence[str]
    peers: Sequence[str]
    pace: Pace
    precision: str | None = None


@dataclass(frozen=True)
class Step:
    """One case to come.

    Attributes:
        identity: what the journal knows it by.
        threads: of the processes that it needs; 0: its own.
        measure: does it, and returns it as JSON.
    """

    identity: dict[str, Any]
    threads: int
    measure: Callable[[], dict[str, Any]]


def measure_all(
    settings: Settings, folder: Path, out: Path, tell: Callable[[str], None], fresh: bool = False
) -> dict[str, Any]:
    """Measure; what cannot be measured is in the result with its reason.

    Args:
        settings: what.
        folder: for logs.
        out: JSON to write, after every case; an unfinished run in it is continued unless `fresh`.
        tell: called with lines for people.
        fresh: see `Journal`.
    """
    notes: list[str] = []
    providers = list(settings.providers)
    missing = machine.gpu_missing()
    if "cuda" in providers and missing is not None:
        notes.append(f"CUDA was asked for, but there is {missing}: what runs on the CPU was measured")
        tell(notes[-1])
        providers = ["cpu"]
    with Environments(settings.peers, folder, visible="cuda" in providers) as environments:
        head = {
            "suites": list(settings.suites),
            "quick": settings.choice.quick,
            "began": time.strftime("%Y-%m-%d", time.gmtime()),
            "machine": machine.describe(),
            "gpu": missing or "present",
            "threads": settings.choice.cores,
            "rounds": settings.pace.rounds,
            "seconds": settings.pace.seconds,
            "notes": notes,
            # (an interpreter's path is its owner's business)
            "environments": [
                {key: value for key, value in each.items() if key != "executable"}
                for each in environments.found.values()
            ],
        }
        journal = Journal(out, head, fresh)
        steps = _steps(settings, providers, environments)
        todo = [step for step in steps if not journal.has(step.identity)]
        if journal.resumed:
            tell(
                f"{out} is not finished: {len(steps) - len(todo)} of {len(steps)} cases are kept (--fresh: none)"
            )
        for number, step in enumerate(todo, 1):
            words = " ".join(str(value) for value in step.identity.values())
            tell(f"[{len(steps) - len(todo) + number}/{len(steps)}] {words}")
            began, load = time.perf_counter(), machine.load()
            case = {**step.measure(), "load": load}
            journal.add(case, (time.perf_counter() - began) / 60)
            tell(_short(case))
            environments.rest(each.threads for each in todo[number:])
        return journal.finish()


def _steps(settings: Settings, providers: Sequence[str], environments: Environments) -> list[Step]:
    found = []
    for provider, precision in _kinds(providers, settings):
        choice = replace(settings.choice, provider=provider, precision=precision)
        suites = [name for name in settings.suites if provider == "cpu" or name in ON_GPU]
        for case in cases(suites, choice):
            found.append(
                Step(case.to_json(), case.work.threads, partial(measure, case, environments, settings.pace))
            )
    if "memory" in settings.suites:
        for work in memory.works(settings.choice):
            found.append(Step(memory.identity(work), 0, partial(memory.compare, work, environments)))
    if "startup" in settings.suites:
        work, rounds = settings.choice.work(STARTED), settings.pace.rounds
        for name in startup.COMMANDS:
            found.append(
                Step(startup.identity(name), 0, partial(startup.measure, name, work, environments, rounds))
            )
    return found


def _kinds(providers: Sequence[str], settings: Settings) -> list[tuple[str, str]]:
    """Provider and precision: on a GPU both precisions, unless one was asked for."""
    asked = settings.precision
    return [
        (provider, precision)
        for provider in providers
        for precision in ((asked,) if asked else PRECISIONS if provider == "cuda" else PRECISIONS[:1])
    ]


def _short(case: dict[str, Any]) -> str:
    parts = []
    for row in case["rows"]:
        ratio = row.get("ratio")
        figure = row.get("error") or (
            f"{ratio[1] if isinstance(ratio, list | tuple) else ratio:.2f}" if ratio else "?"
        )
        parts.append(f"{row['name']} {figure}")
    return "    " + "; ".join(parts)
