"""How the map of each method is made of tensors of a graph: what must be pulled back to where, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from inspector.embed.gradients import Pull
from inspector.explain import METHODS
from inspector.explain.cams import finer
from inspector.explain.cams.weighted import collapsed, gradcam
from inspector.explain.gradients import plain

if TYPE_CHECKING:
    from inspector.autodiff import RuleTable

__all__ = ["RECIPES", "Recipe", "Site"]


class Site(Protocol):
    """What a recipe is given to work with: maps that are traced.

    Attributes:
        place: the layer's tensor; for methods at the input that of the input.
        source: the input, or the first floating-point tensor after it.
    """

    place: str
    source: str

    def values(self, tensor: str) -> Any:
        """(N, C, spatial...), float32: of `place` or `source`."""

    def pulled(self, number: int, tensor: str) -> Any:
        """What pull `number` brings there, of the same shape."""

    def enlarged(self, maps: Any) -> Any:
        """(N, spatial...) in the size of the input."""


@dataclass(frozen=True)
class Recipe:
    """How a method's map is made.

    Attributes:
        pulls: what to pull back, given the names of place and source.
        maps: (N, spatial...) of the traced maps.
        contrast: numbers for `contrast`, of methods that set a class off from those like it.
    """

    pulls: Callable[[str, str], Sequence[Pull]]
    maps: Callable[[Site], Any]
    contrast: Mapping[str, Any] | None = None


def formula_of_one(formula: Callable[[Any, Any], Any], rules: Callable[[], RuleTable | None]) -> Recipe:
    """Of a function of values and what arrives at the place."""

    def pulls(place: str, source: str) -> list[Pull]:
        del source
        return [Pull((place,), rules())]

    def maps(site: Site) -> Any:
        return formula(site.values(site.place), site.pulled(0, site.place))

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
    contours = site.pulled(1, site.source).sum(axis=1)
    return contours * site.enlarged(collapsed(gradcam(site.values(site.place), site.pulled(0, site.place))))


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
        lambda place, source: [Pull((place,)), Pull((source,), _guided())], _guided_gradcam
    ),
    "guided-backprop": formula_of_one(plain.saliency, _guided),
    "deconvnet": formula_of_one(plain.saliency, _deconvnet),
    "lrp": formula_of_one(plain.input_x_gradient, _relevance),
}
"""Name -> recipe, of the methods that need no loop."""
