"""What a channel, a neuron, a direction or a class responds to most: gradient ascent on the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from inspector.errors import InputError
from inspector.explain.gradients.paths import at_least, positive
from inspector.features.ascent import ASCENTS, Ascent, of_unit_size
from inspector.features.canvas import Canvas, Images, find_canvas
from inspector.features.diversity import similarity
from inspector.features.goals import Goal, Neuron, find_goal
from inspector.features.parametrisations import PARAMETRISATIONS, Fourier, Parametrisation, Pixels
from inspector.features.penalties import distance, roughness
from inspector.features.transforms import draw, find_transforms, robust
from inspector.model import InputSpec, Layer, TensorInfo
from inspector.objectives import Evaluator

__all__ = ["maximize"]

Progress = Callable[[int, int], None]
Watch = Callable[[int, NDArray[np.float32]], None]

# images whose gradients are taken at once
BATCH = 32
# how far a step goes: a share of the input's range, and Adam's rate
STEPS = {"pixels": 0.02, "fourier": 0.05}


def maximize(
    evaluator: Evaluator,
    image: TensorInfo,
    layer: Layer,
    channels: Sequence[int] | None = None,
    steps: int = 30,
    seed: int = 0,
    *,
    step: float | None = None,
    size: tuple[int, ...] | None = None,
    start: NDArray[np.floating] | None = None,
    parametrisation: str = "pixels",
    ascent: str | None = None,
    transforms: Mapping[str, float] | None = None,
    tv: float = 0.0,
    l2: float = 0.0,
    diversity: float = 0.0,
    neuron: Neuron | None = None,
    direction: NDArray[np.floating] | None = None,
    decorrelate: bool = True,
    redirect: bool | None = None,
    recipe: InputSpec | None = None,
    batch: int = BATCH,
    watch: Watch | None = None,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Images that excite channels of a layer most, one for each: (n, C, H, W), in the units of the model's input.

    Activation maximisation (Erhan et al., "Visualizing Higher-Layer Features of a Deep Network", 2009). "pixels" climbs
    from grey along the gradient divided by its root mean square, as in Chollet's "How convolutional neural networks see
    the world" (2016): fast, honest, and noisy in deep layers; values may leave the input's range. "fourier" is that of
    Olah, Mordvintsev & Schubert, "Feature Visualization" (Distill 2017): waves weighted by 1 / frequency, colours of
    photographs, random movements, Adam; values stay in the range. It wants 64 to 512 steps.

    At each step the gradient of every image's score is divided by its root mean square, the gradients of what is held
    against the image are taken off, and what is left goes to the parameters. So `tv` and `l2` mean the same at all
    layers: on a spectrum tv=0.05 takes off fine grain.

    Args:
        evaluator: of the model.
        image: the input to be changed.
        layer: a feature map, or a layer of one number per channel (logits give class images).
        channels: their numbers; None: all. One named again gets another image, from other noise.
        steps: of the ascent.
        seed: of the noise and of the movements.
        step: length of a step, as a share of the input's range (0.02), or Adam's rate on a spectrum (0.05).
        size: spatial shape for a model that takes any; None: that of the recipe, else 224.
        start: image to start from, (C, H, W) or one for each goal; None: mid range with a little noise.
        parametrisation: "pixels" or "fourier".
        ascent: "normalised" (the default of pixels) or "adam" (of fourier).
        transforms: random movements of the images, drawn anew at each step: {"jitter": pixels, "scale": share,
            "rotate": degrees}; None: those of the parametrisation (none, and a sixteenth of the side, 0.1, 10).
        tv: weight of the total variation, see `roughness`.
        l2: weight of the distance from grey, see `distance`.
        diversity: weight of the likeness of a channel's images, see `similarity`, in units of each one's score.
        neuron: a place in the channels, as coordinates or "center"; None: the mean over all places.
        direction: (C,) or (n, C), a vector over the channels, in place of `channels`.
        decorrelate: whether a spectrum of three channels has the colours of photographs.
        redirect: whether an image whose gradient is zero, because rectifiers shut it out, is shown a way in, see
            `redirected`; None: of a spectrum.
        recipe: how pictures become the input; None: what the model's metadata say, else values from 0 to 1.
        batch: how many gradients are taken at once.
        watch: called with (steps done, images as returned) before the first and after each step.
        progress: called with (steps done, steps).

    Raises:
        LayerNotFound: the layer has no such channel, place or direction.
        InputError: the model has other inputs besides the image, or an option does not fit it.
        NotDifferentiable: an operator without a derivative lies before the layer.
    """
    others = [tensor.name for tensor in evaluator.model.inputs if tensor.name != image.name]
    if others:
        raise InputError(f"images are made for models with a single input; this one also takes '{others[0]}'")
    canvas = find_canvas(evaluator, image, size, recipe)
    blank = canvas.blank(seed)
    values = evaluator.values({image.name: canvas.fed(blank[None])}, [layer.name])[layer.name]
    goal = find_goal(layer, values.shape, channels, neuron, direction)
    repeats = _repeats(goal)
    chosen = _parametrisation(parametrisation, canvas, start, repeats, seed, decorrelate)
    if step is not None:
        at_least(1e-12, step=step)
    positive(batch=batch)
    climber = _ascent(ascent or ("adam" if parametrisation == "fourier" else "normalised"))
    if transforms is None:
        transforms = robust(canvas.sides) if parametrisation == "fourier" else {}
    moves = find_transforms(transforms, canvas.sides)
    if tv and not canvas.sides:
        raise InputError("the model's input has no spatial axes: no total variation can be taken of it")
    way_in = parametrisation == "fourier" if redirect is None else redirect
    slopes = _Slopes(evaluator, image.name, layer, goal, canvas, diversity, way_in, batch)
    rate = STEPS[parametrisation] if step is None else step
    # the movements have a stream of their own: they do not depend on how many images there are
    rng = np.random.default_rng([seed, 1])
    if watch is not None:
        watch(0, _result(chosen))
    for number in range(steps):
        moved = draw(moves, canvas.sides, rng)
        shown = chosen.images if moved is None else moved.forward(chosen.images)
        found = slopes.at(shown)
        gradient = of_unit_size(found if moved is None else moved.adjoint(found))
        if tv or l2:
            amounts = canvas.amounts(chosen.images)
            gradient -= tv * roughness(amounts)[1] if tv else 0
            gradient -= l2 * distance(amounts)[1] if l2 else 0
        chosen.move(rate, climber.direction(chosen.pull_back(gradient)))
        if watch is not None:
            watch(number + 1, _result(chosen))
        if progress is not None:
            progress(number + 1, steps)
    return _result(chosen)


class _Slopes:
    """The gradient of each image's score, less that of its likeness to the other images of the same goal."""

    def __init__(
        self,
        evaluator: Evaluator,
        name: str,
        layer: Layer,
        goal: Goal,
        canvas: Canvas,
        diversity: float,
        redirect: bool,
        batch: int,
    ) -> None:
        self._evaluator = evaluator
        self._input = name
        self._layer = layer
        self._goal = goal
        self._canvas = canvas
        self._diversity = diversity
        self._redirect = redirect
        self._batches = _together(goal) if diversity else _slices(len(goal.vectors), batch)
        # of a single batch the linear part is always the same
        self._kept = goal.cotangent(self._batches[0]) if len(self._batches) == 1 else None

    def at(self, images: Images) -> Images:
        """Shaped as `images`."""
        parts = np.empty_like(images)
        for rows in self._batches:
            fed = self._canvas.fed(images[rows])
            cotangent = self._goal.cotangent(rows) if self._kept is None else self._kept
            if self._diversity and len(rows) > 1:
                cotangent = cotangent - self._diversity * self._likeness(fed, rows)
            found = self._pulled(fed, cotangent)
            shut = ~found.any(axis=tuple(range(1, found.ndim)))
            if self._redirect and shut.any():
                found[shut] = self._pulled(fed[shut], cotangent[shut], redirect=True)
            parts[rows] = self._canvas.seen(found)
        return parts

    def _pulled(self, fed: Images, cotangent: NDArray[np.floating], redirect: bool = False) -> Images:
        rules = None
        if redirect:
            from inspector.features.redirected import REDIRECTED

            rules = REDIRECTED
        goals = {self._layer.name: cotangent}
        return self._evaluator.pull_back({self._input: fed}, goals, [self._input], rules)[self._input]

    def _likeness(self, fed: Images, rows: Sequence[int]) -> NDArray[np.float32]:
        """Each image's share in the images' likeness, times the size of its score: then it is in the score's units."""
        goal = self._goal
        values = self._evaluator.values({self._input: fed}, [self._layer.name])[self._layer.name]
        gradient = similarity(goal.folded(values))[1] * len(rows)
        gradient *= np.abs(goal.score(values, rows))[:, None, None]
        return goal.unfolded(gradient).astype(np.float32)


def _parametrisation(
    name: str,
    canvas: Canvas,
    start: NDArray[np.floating] | None,
    repeats: Sequence[int],
    seed: int,
    decorrelate: bool,
) -> Parametrisation:
    """One image for each entry of `repeats`, which tells how many of the same goal come before it."""
    if name not in PARAMETRISATIONS:
        raise InputError(f"no parametrisation '{name}': choose {' or '.join(PARAMETRISATIONS)}")
    seeds: list[int | list[int]] = [[seed, repeat] if repeat else seed for repeat in repeats]
    starts = None if start is None else _starts(canvas, np.asarray(start), len(repeats))
    if name == "fourier":
        return Fourier(canvas, starts, seeds, decorrelate)
    if starts is None:
        blanks = {repeat: canvas.blank(each) for repeat, each in zip(repeats, seeds, strict=True)}
        starts = np.stack([blanks[repeat] for repeat in repeats])
    return Pixels(canvas, starts)


def _starts(canvas: Canvas, start: NDArray[np.floating], count: int) -> Images:
    """(count, C, spatial...) of one image, or of one for each."""
    one = canvas.seen(np.zeros((1, *canvas.shape), canvas.dtype)).shape[1:]
    given = start if start.ndim >= len(one) else start[None]
    if given.shape not in (one, (count, *one)):
        raise InputError(
            f"an image to start from has the shape {one}, or one for each {(count, *one)}; given {start.shape}"
        )
    return np.broadcast_to(given, (count, *one)).astype(canvas.dtype)


def _ascent(name: str) -> Ascent:
    name = str(name).replace("ize", "ise")
    if name not in ASCENTS:
        raise InputError(f"no ascent '{name}': choose {' or '.join(ASCENTS)}")
    return ASCENTS[name]()


def _result(chosen: Parametrisation) -> NDArray[np.float32]:
    return np.array(chosen.images, dtype=np.float32, order="C")


def _repeats(goal: Goal) -> list[int]:
    """For each image, how many of the same goal come before it."""
    keys = [vector.tobytes() for vector in goal.vectors]
    return [keys[:place].count(key) for place, key in enumerate(keys)]


def _together(goal: Goal) -> list[list[int]]:
    """The numbers of the images of each goal."""
    groups: dict[bytes, list[int]] = {}
    for number, vector in enumerate(goal.vectors):
        groups.setdefault(vector.tobytes(), []).append(number)
    return list(groups.values())


def _slices(count: int, batch: int) -> list[list[int]]:
    return [list(range(first, min(first + batch, count))) for first in range(0, count, batch)]
