"""Which cases are measured, suite by suite."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.contenders.table import TABLE
from benchmarks.networks import NETWORKS
from benchmarks.work import Work

__all__ = ["SUITES", "TASKS", "Choice", "cases"]

CONVOLUTIONAL = ("resnet18", "resnet50", "mobilenet_v3_large")
IMAGENET = (*CONVOLUTIONAL, "vit_b_16")
CARD = tuple(name for name, each in NETWORKS.items() if each.make.startswith("spec:"))
QUICK = ("resnet18", "section1-mnist", "keras-section1-mnist", "chain-100", "chain-1000")
SWEPT = "resnet18"
# compiling takes minutes, and what it gains does not depend on the batch
COMPILED = "torch.compile"


@dataclass(frozen=True)
class Choice:
    """What the command line asked for; empty: what the suite takes.

    Attributes:
        folder: of the networks' files.
        threads: of the runtime; 0: one for each core.
        provider: "cpu" or "cuda".
        networks: keys of `NETWORKS`.
        batches, sizes: numbers of images, and their sides.
        precision: of weights and images.
        quick: small networks, one batch.
        without: names of contenders to leave out.
    """

    folder: Path
    threads: int = 0
    provider: str = "cpu"
    networks: tuple[str, ...] = ()
    batches: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    precision: str = "float32"
    quick: bool = False
    without: tuple[str, ...] = ()

    @property
    def cores(self) -> int:
        """How many threads."""
        return self.threads or os.cpu_count() or 1

    def work(self, network: str, batch: int = 1, size: int = 0, threads: int = 0) -> Work:
        """On one network."""
        return Work(
            network,
            str(self.folder.resolve()),
            batch,
            size or NETWORKS[network].size,
            threads or self.cores,
            self.provider,
            self.precision,
        )

    def among(self, networks: Iterable[str]) -> list[str]:
        """Those that were asked for, or else of these the default ones."""
        if self.precision == "float16":
            networks = [name for name in networks if NETWORKS[name].make.startswith("torchvision:")]
        if self.networks:
            return [name for name in networks if name in self.networks]
        return [name for name in networks if not self.quick or name in QUICK]


def _each(
    suite: str, networks: Iterable[str], batches: Sequence[int], choice: Choice, also: bool = False
) -> Iterator[Case]:
    """`also`: on top of what is measured anyway, and so only where nothing in particular was asked for."""
    if also and (choice.quick or choice.batches):
        return
    for batch in choice.batches or batches:
        for name in choice.among(networks):
            for size in choice.sizes if choice.sizes and NETWORKS[name].sizes else (0,):
                yield Case(suite, suite, choice.work(name, batch, size), _names(suite, choice, batch))


def _names(task: str, choice: Choice, batch: int) -> tuple[str, ...]:
    """Of contenders: none stands for all."""
    if batch == 1 and not choice.quick and not choice.without:
        return ()
    left_out = set(choice.without) | ({COMPILED} if batch > 1 or choice.quick else set())
    return tuple(each.name for each in TABLE if each.task == task and each.name not in left_out)


def forward(choice: Choice) -> Iterator[Case]:
    """The plain pass in each library."""
    yield from _each("forward", (*IMAGENET, "keras-resnet50", *CARD), (1,), choice)
    yield from _each("forward", CONVOLUTIONAL, (16,), choice, also=True)


def activations(choice: Choice) -> Iterator[Case]:
    """The tensors of all layers."""
    yield from _each("activations", (*IMAGENET, "section1-mnist"), (1,), choice)


def gradcam(choice: Choice) -> Iterator[Case]:
    """Heatmaps at the last feature map, enlarged to the image."""
    names = (*IMAGENET, "keras-resnet50", "section1-mnist", "keras-section1-mnist")
    yield from _each("gradcam", names, (1,), choice)
    yield from _each("gradcam", CONVOLUTIONAL, (16,), choice, also=True)


def gradient(choice: Choice) -> Iterator[Case]:
    """The gradient of one class's logit at the input."""
    names = (*IMAGENET, "keras-resnet50", "section1-mnist", "keras-section1-mnist")
    yield from _each("gradient", names, (1,), choice)
    yield from _each("gradient", CONVOLUTIONAL, (16,), choice, also=True)


def sweeps(choice: Choice) -> Iterator[Case]:
    """Forward and gradient of one network over batch, image size and threads."""
    name = choice.networks[0] if choice.networks else SWEPT
    task, rivals = "gradient", ("onnxlens", "torch.autograd")
    batches, sizes = choice.batches or (1, 4, 16, 64), choice.sizes or (28, 56, 112, 224, 512)
    if choice.quick:
        batches, sizes = batches[:2], sizes[:2]
    for batch in batches:
        yield Case("sweep: batch", task, choice.work(name, batch), rivals)
    for size in sizes if NETWORKS[name].sizes else ():
        yield Case("sweep: size", task, choice.work(name, 1, size), rivals)
    for threads in _powers(choice.cores):
        yield Case("sweep: threads", task, choice.work(name, threads=threads), rivals)


def perturbation(choice: Choice) -> Iterator[Case]:
    """Methods that run many changed copies of an image, on one network."""
    tasks = ("occlusion", "rise") if choice.quick else ("occlusion", "rise", "scorecam")
    asked = [name for name in choice.networks if NETWORKS[name].layer]
    for name in asked[:1] or ["section1-mnist" if choice.quick else SWEPT]:
        size = choice.sizes[0] if choice.sizes else min(NETWORKS[name].size, 112)
        for task in tasks:
            yield Case("perturbation", task, choice.work(name, 1, size))


def maximise(choice: Choice) -> Iterator[Case]:
    """The images that 25 filters answer to, after 100 steps."""
    names = [name for name in CARD if NETWORKS[name].filters]
    yield from _each("maximise", names, (1,), choice)


def build(choice: Choice) -> Iterator[Case]:
    """From the file to a session that gives its gradient."""
    chains = [name for name in NETWORKS if name.startswith("chain-")]
    yield from _each("build", (*IMAGENET, "section1-mnist", *chains), (1,), choice)


def _powers(most: int) -> list[int]:
    found = [1]
    while found[-1] * 2 <= most:
        found.append(found[-1] * 2)
    return found if found[-1] == most else [*found, most]


SUITES: dict[str, Callable[[Choice], Iterator[Case]]] = {
    "forward": forward,
    "activations": activations,
    "gradcam": gradcam,
    "gradient": gradient,
    "sweeps": sweeps,
    "perturbation": perturbation,
    "maximise": maximise,
    "build": build,
}
# suites whose contenders are processes, not turns
TASKS = ("memory", "startup")


def cases(suites: Iterable[str], choice: Choice) -> list[Case]:
    """Of these suites, in order."""
    return [case for name in suites if name in SUITES for case in SUITES[name](choice)]
