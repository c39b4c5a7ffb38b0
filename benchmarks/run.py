"""One run: all cases of all suites asked for, as one JSON document."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import machine, memory, startup
from benchmarks.cases import measure
from benchmarks.environments import Environments
from benchmarks.networks.files import provide
from benchmarks.suites import Choice, cases
from benchmarks.turns import Pace

__all__ = ["Settings", "measure_all"]

STARTED = "resnet50"


@dataclass(frozen=True)
class Settings:
    """What was asked for.

    Attributes:
        suites: in order.
        choice: of networks, batches, ...
        providers: "cpu", "cuda", or both.
        peers: interpreters.
        pace: of each case.
        command: the arguments, to be written down.
    """

    suites: Sequence[str]
    choice: Choice
    providers: Sequence[str]
    peers: Sequence[str]
    pace: Pace
    command: str


def measure_all(settings: Settings, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure; what cannot be measured is in the result with its reason."""
    notes: list[str] = []
    providers = list(settings.providers)
    missing = machine.gpu_missing()
    if "cuda" in providers and missing is not None:
        notes.append(f"CUDA was asked for, but there is {missing}: what runs on the CPU was measured")
        tell(notes[-1])
        providers = ["cpu"]
    begin = time.time()
    found: dict[str, Any] = {
        "command": settings.command,
        "began": time.strftime("%Y-%m-%d", time.gmtime(begin)),
        "machine": machine.describe(),
        "gpu": missing or "present",
        "threads": settings.choice.cores,
        "rounds": settings.pace.rounds,
        "notes": notes,
    }
    results: list[dict[str, Any]] = []
    with Environments(settings.peers, folder, visible="cuda" in providers) as environments:
        # (an interpreter's path is its owner's business)
        found["environments"] = [
            {key: value for key, value in each.items() if key != "executable"}
            for each in environments.found.values()
        ]
        for provider in providers:
            choice = replace(settings.choice, provider=provider)
            todo = cases(settings.suites, choice)
            for number, case in enumerate(todo, 1):
                tell(f"[{number}/{len(todo)}] {case.describe()}")
                results.append(measure(case, environments, settings.pace, lambda line: None))
                tell(_short(results[-1]))
                environments.rest(each.work.threads for each in todo[number:])
        if "memory" in settings.suites:
            for work in memory.works(settings.choice):
                results.append(memory.compare(work, environments))
                tell(f"memory {work.network} {work.batch}: {_short(results[-1])}")
        if "startup" in settings.suites:
            model = provide(settings.choice.work(STARTED), "dynamic", environments)
            results += startup.measure(model, settings.pace.rounds)
    found["minutes"] = round((time.time() - begin) / 60, 1)
    return {**found, "cases": results}


def _short(case: dict[str, Any]) -> str:
    parts = []
    for row in case["rows"]:
        ratio = row.get("ratio")
        figure = row.get("error") or (
            f"{ratio[1] if isinstance(ratio, list | tuple) else ratio:.2f}" if ratio else "?"
        )
        parts.append(f"{row['name']} {figure}")
    return "    " + "; ".join(parts)
