"""What a model costs here: its forward pass, all activations, the gradient at the input, Grad-CAM."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inspector.bench.turns import Spread, quartiles, take_turns
from inspector.errors import InspectorError
from inspector.lens import Inspector
from inspector.session import Array, choose_providers, cuda_driver_present

__all__ = ["WORKS", "Bench", "Row", "Settings", "bench"]

Feeds = Mapping[str, Array]
WORKS = ("forward", "activations", "gradient", "gradcam")
BATCHES = (1, 8)
# bytes of weights from which on one number of threads is tried unless several are named: each holds a copy of its own
LARGE = 2**29


@dataclass(frozen=True)
class Settings:
    """What is tried; empty: chosen.

    Attributes:
        providers: short or full names; empty: CUDA where it works, and the CPU.
        threads: of the runtime's operators; empty: powers of two up to the number of cores.
        batches: samples at once; empty: 1 and 8, or the file's own where it is fixed.
        rounds: turns of each piece of work.
        seconds: for one provider and batch, after which no round begins.
    """

    providers: Sequence[str] = ()
    threads: Sequence[int] = ()
    batches: Sequence[int] = ()
    rounds: int = 11
    seconds: float = 5.0


@dataclass(frozen=True)
class Row:
    """One piece of work with one setting.

    Attributes:
        provider: as asked for.
        threads, batch: of the setting.
        work: one of `WORKS`.
        milliseconds: of one run.
        ratio: of each round's time to that of the forward pass with the same setting.
        per_second: samples, at the median.
    """

    provider: str
    threads: int
    batch: int
    work: str
    milliseconds: Spread
    ratio: Spread
    per_second: float

    def to_json(self) -> dict[str, Any]:
        """Quartiles as objects."""
        return {
            **asdict(self),
            "milliseconds": self.milliseconds._asdict(),
            "ratio": self.ratio._asdict(),
        }


@dataclass(frozen=True)
class Bench:
    """All rows, and what could not be measured."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def bench(
    path: str | os.PathLike[str],
    feeds: Callable[[Inspector], Feeds],
    settings: Settings | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Bench:
    """Measure the model in the file `path`.

    Args:
        path: of an ONNX file.
        feeds: one sample for every input of the model; repeated along the batch.
        settings: what to try.
        progress: called with (measured, in all, what begins).

    Raises:
        ModelError, ModelNotFound: the file cannot be read or run.
        InspectorError: a provider is not there.
    """
    settings = settings or Settings()
    providers = list(settings.providers) or [*(["cuda"] if _cuda() else []), "cpu"]
    for name in providers:
        choose_providers(name)
    notes: list[str] = []
    threads = _threads(settings, Path(path), notes)
    batches: list[int] | None = None
    rows: list[Row] = []
    for place, provider in enumerate(providers):
        lenses = {
            count: Inspector(path, [provider], count)
            for count in (threads if provider == "cpu" else threads[-1:])
        }
        one = next(iter(lenses.values()))
        batches = _batches(settings, one, notes) if batches is None else batches
        sample = feeds(one)
        for number, batch in enumerate(batches):
            progress(
                place * len(batches) + number, len(providers) * len(batches), f"{provider}, batch {batch}"
            )
            rows += _turns(lenses, _repeated(one, sample, batch), provider, batch, settings, notes)
    return Bench(tuple(rows), tuple(dict.fromkeys(notes)))


def _turns(
    lenses: Mapping[int, Inspector],
    feeds: Feeds,
    provider: str,
    batch: int,
    settings: Settings,
    notes: list[str],
) -> list[Row]:
    """All works of all numbers of threads in turn."""
    keys: list[tuple[int, str]] = []
    works: list[Callable[[], object]] = []
    for count, lens in lenses.items():
        for name, work in _works(lens, feeds).items():
            try:
                work()
            except InspectorError as error:
                if name == "forward":
                    raise
                notes.append(f"no {name}: {' '.join(str(error).split())}")
                continue
            keys.append((count, name))
            works.append(work)
    times = dict(zip(keys, take_turns(works, settings.rounds, settings.seconds), strict=True))
    rows = []
    for (count, name), taken in times.items():
        forward = times[count, "forward"]
        seconds = quartiles(taken)
        ratio = quartiles([one / base for one, base in zip(taken, forward, strict=True)])
        milliseconds = Spread(*(1000 * each for each in seconds))
        rows.append(Row(provider, count, batch, name, milliseconds, ratio, batch / seconds.middle))
    return rows


def _works(lens: Inspector, feeds: Feeds) -> dict[str, Callable[[], object]]:
    """What a user would call."""
    return {
        "forward": lambda: lens.run(feeds),
        "activations": lambda: lens.activations(feeds),
        "gradient": lambda: lens.gradient(feeds),
        "gradcam": lambda: lens.explain(feeds, "gradcam"),
    }


def _threads(settings: Settings, path: Path, notes: list[str]) -> list[int]:
    if settings.threads:
        return list(settings.threads)
    cores = os.cpu_count() or 1
    if path.exists() and path.stat().st_size > LARGE:
        notes.append(
            f"the model is large: only {cores} threads were tried (--threads N tries another number)"
        )
        return [cores]
    return [*(2**power for power in range(cores.bit_length()) if 2**power < cores), cores]


def _batches(settings: Settings, lens: Inspector, notes: list[str]) -> list[int]:
    fixed = lens.model.fixed_batch
    if fixed is None and lens.model.batched_inputs:
        return list(settings.batches or BATCHES)
    taken = fixed or 1
    if settings.batches and list(settings.batches) != [taken]:
        notes.append(f"the file takes batches of {taken} only: others were not tried")
    return [taken]


def _repeated(lens: Inspector, sample: Feeds, batch: int) -> Feeds:
    return {
        name: np.repeat(array[:1], batch, axis=0) if name in lens.model.batched_inputs else array
        for name, array in sample.items()
    }


def _cuda() -> bool:
    import onnxruntime

    return cuda_driver_present() and "CUDAExecutionProvider" in onnxruntime.get_available_providers()
