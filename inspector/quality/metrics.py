"""The table of metrics. A new one is a function and a line here."""

from __future__ import annotations

from inspector.errors import InspectorError
from inspector.explain.options import unknown
from inspector.quality.boxes import energy_in_box, pointing_game
from inspector.quality.curves import deletion, insertion
from inspector.quality.fidelity import infidelity, mu_fidelity
from inspector.quality.masked import average_drop
from inspector.quality.metric import Metric
from inspector.quality.randomisation import label_randomisation, parameter_randomisation
from inspector.quality.road import road
from inspector.quality.sensitivity import sensitivity_max
from inspector.quality.sparseness import sparseness

__all__ = ["METRICS", "find_metric"]

METRICS: dict[str, Metric] = {
    "insertion": Metric(insertion, {"insertion": "higher"}),
    "deletion": Metric(deletion, {"deletion": "lower"}),
    "road": Metric(
        road, {"road": "higher", "road-morf": "lower", "road-lerf": "higher"}, ("pictures", "numbers")
    ),
    "average-drop": Metric(
        average_drop,
        {"average-drop": "lower", "increase": "higher", "average-gain": "higher"},
        ("numbers", "probabilities"),
    ),
    "infidelity": Metric(infidelity, {"infidelity": "lower"}),
    "mu-fidelity": Metric(mu_fidelity, {"mu-fidelity": "higher"}),
    "sensitivity-max": Metric(sensitivity_max, {"sensitivity-max": "lower"}, ("numbers",)),
    "sparseness": Metric(sparseness, {"sparseness": "neither"}),
    "pointing-game": Metric(pointing_game, {"pointing-game": "higher"}, ("boxes",)),
    "energy-in-box": Metric(energy_in_box, {"energy-in-box": "higher"}, ("boxes",)),
    "parameter-randomisation": Metric(
        parameter_randomisation,
        {
            "cascading-ssim": "lower",
            "cascading-spearman": "lower",
            "independent-ssim": "lower",
            "independent-spearman": "lower",
        },
        ("redrawn",),
    ),
    "label-randomisation": Metric(
        label_randomisation, {"label-ssim": "lower", "label-spearman": "lower"}, ("random-labels",)
    ),
}


def find_metric(name: str) -> Metric:
    """The metric called `name`; InspectorError lists them all where there is none."""
    if name not in METRICS:
        raise InspectorError(unknown("metric", name, METRICS))
    return METRICS[name]
