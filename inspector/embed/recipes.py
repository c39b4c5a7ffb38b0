"""How the map of each method is made of tensors of a graph: what must be pulled back to where, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from inspector.embed.gradients import Pull
from inspector.explain import METHODS
from inspector.explain.cams import finer
from inspector.explain.cams.biases import biases_between
from inspector.explain.cams.fullgrad import magnitudes
from inspector.explain.cams.weighted import collapsed, gradcam
from inspector.explain.gradients import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from inspector.autodiff import RuleTable
    from inspector.objectives import Evaluator, Objective

__all__ = ["RECIPES", "Asked", "Recipe", "Site"]


class Asked(Protocol):
    """What is explained, and where.

    Attributes:
        evaluator: of the model.
        objective: of one sample.
        place: the layer's tensor; for methods at the input that of the input.
        source: the input, or the first floating-point tensor after it.
    """

    @property
    def evaluator(self) -> Evaluator: ...

    @property
    def objective(self) -> Objective: ...

    @property
    def place(self) -> str: ...

    @property
    def source(self) -> str: ...


class Site(Protocol):
    """What a recipe makes its map of: maps that are traced.

    Attributes:
        plan: what is explained, and where.
    """

    @property
    def plan(self) -> Asked: ...

    def values(self, tensor: str) -> Any:
        """(N, C, spatial...), float32: of `place` or `source`."""

    def pulled(self, number: int, tensor: str, times: NDArray[Any] | None = None) -> Any:
        """What pull `number` brings there, of the same shape; multiplied by a constant that broadcasts with it."""

    def shows(self, tensor: str) -> bool:
        """Whether a tensor is a map of more than one place."""
        ...

    def enlarged(self, maps: Any, tensor: str) -> Any:
        """Maps of a tensor, (N, spatial...), in the size of the input; themselves where they are known to have it."""


@dataclass(frozen=True)
class Recipe:
    """How a method's map is made.

    Attributes:
        pulls: what to pull back.
        maps: (N, spatial...) of the traced maps.
        contrast: numbers for `contrast`, of methods that set a class off from those like it.
    """

    pulls: Callable[[Asked], Sequence[Pull]]
    maps: Callable[[Site], Any]
    contrast: Mapping[str, Any] | None = None


def formula_of_one(formula: Callable[[Any, Any], Any], rules: Callable[[], RuleTable | None]) -> Recipe:
    """Of a function of values and what arrives at the place."""

    def pulls(asked: Asked) -> list[Pull]:
        return [Pull((asked.place,), rules())]

    def maps(site: Site) -> Any:
        place = site.plan.place
        return site.enlarged(formula(site.values(place), site.pulled(0, place)), place)

    return Recipe(pulls, maps)


def _derivative() -> None:
    """The rules of `inspector.autodiff`."""


def _guided() -> RuleTable:
    from inspector.explain.overrides.guided import GUIDED

    return GUIDED


def _deconvnet() -> RuleTable:
    from inspector.explain.overrides.guided import DECONVNET

    return DECONVNET


def _relevance() -> RuleTable:
    from inspector.explain.overrides.lrp import relevance_rules

    return relevance_rules(**METHODS["lrp"].options)


def _guided_gradcam(site: Site) -> Any:
    place, source = site.plan.place, site.plan.source
    contours = site.enlarged(site.pulled(1, source).sum(axis=1), source)
    return contours * site.enlarged(collapsed(gradcam(site.values(place), site.pulled(0, place))), place)


def _biases(asked: Asked) -> Mapping[str, NDArray[Any]]:
    return biases_between(asked.evaluator, asked.source, asked.objective.tensors)


def _fullgrad(site: Site) -> Any:
    source, rescale = site.plan.source, METHODS["fullgrad"].options["rescale"]
    contributions = {source: site.values(source) * site.pulled(0, source)}
    contributions |= {
        name: site.pulled(0, name, bias) for name, bias in _biases(site.plan).items() if site.shows(name)
    }
    shown = [
        site.enlarged(magnitudes(each, rescale).sum(axis=1), name) for name, each in contributions.items()
    ]
    return sum(shown[1:], shown[0])


def _finercam() -> Recipe:
    options = dict(METHODS["finercam"].options)
    base = finer.BASES[options["base"]]
    recipe = formula_of_one(lambda values, gradient: collapsed(base(values, gradient)), _derivative)
    return replace(recipe, contrast={name: options[name] for name in ("alpha", "classes")})


RECIPES: Mapping[str, Recipe] = {
    **{
        name: formula_of_one(method.formula, _derivative)
        for name, method in METHODS.items()
        if method.formula is not None
    },
    "finercam": _finercam(),
    "guided-gradcam": Recipe(
        lambda asked: [Pull((asked.place,)), Pull((asked.source,), _guided())], _guided_gradcam
    ),
    "fullgrad": Recipe(lambda asked: [Pull((asked.source, *_biases(asked)))], _fullgrad),
    "guided-backprop": formula_of_one(plain.saliency, _guided),
    "deconvnet": formula_of_one(plain.saliency, _deconvnet),
    "lrp": formula_of_one(plain.input_x_gradient, _relevance),
}
"""Name -> recipe, of the methods that need no loop."""
