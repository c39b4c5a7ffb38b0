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
        "suites": list(settings.suites),
        "quick": settings.choice.quick,
        "began": time.strftime("%Y-%m-%d", time.gmtime(begin)),
        "machine": machine.describe(),
        "gpu": missing or "present",
        "threads": settings.choice.cores,
        "rounds": settings.pace.rounds,
        "seconds": settings.pace.seconds,
        "notes": notes,
    }
    results: list[dict[str, Any]] = []
    with Environments(settings.peers, folder, visible="cuda" in providers) as environments:
        # (an interpreter's path is its owner's business)
        found["environments"] = [
            {key: value for key, value in each.items() if key != "executable"}
            for each in environments.found.values()
        ]
        for provider, precision in _kinds(providers, settings):
            choice = replace(settings.choice, provider=provider, precision=precision)
            todo = cases([name for name in settings.suites if provider == "cpu" or name in ON_GPU], choice)
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
