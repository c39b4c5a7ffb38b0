"""Files as other tools write them, in miniature: each holds one thing that a loader may trip over.

Every entry is a model that onnxruntime runs, and what to feed it.
"""

from __future__ import annotations

from tests.inspector.model import awkward_graphs, awkward_opsets, awkward_tensors
from tests.inspector.model.awkward_building import Build, Feeds, floats, text

__all__ = ["BUILDERS", "Feeds", "floats", "text"]

BUILDERS: dict[str, Build] = {
    **awkward_graphs.BUILDERS,
    **awkward_tensors.BUILDERS,
    **awkward_opsets.BUILDERS,
}
