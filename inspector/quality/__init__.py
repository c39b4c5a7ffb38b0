"""Is the explanation any good? Metrics of heatmaps, and what their means over pictures are worth.

>>> from inspector.quality import Sample, evaluate
>>> evaluate(lens, [Sample("cat", x, target=281)], ["gradcam", "saliency", "random"]).intervals
"""

from __future__ import annotations

from inspector.quality.controls import CONTROLS
from inspector.quality.evaluate import Sample, evaluate
from inspector.quality.evaluation import Evaluation
from inspector.quality.metric import Measured, Metric
from inspector.quality.metrics import METRICS, find_metric
from inspector.quality.statistics import Interval, bootstrap
from inspector.quality.trial import Question, Trial

__all__ = [
    "CONTROLS",
    "METRICS",
    "Evaluation",
    "Interval",
    "Measured",
    "Metric",
    "Question",
    "Sample",
    "Trial",
    "bootstrap",
    "evaluate",
    "find_metric",
]
