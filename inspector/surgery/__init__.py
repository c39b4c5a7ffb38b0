"""Small edits of a graph in memory. Functions that take a model return a new one, its tensors named as before;
functions that take a graph change it in place.
"""

from __future__ import annotations

from inspector.surgery.append import append, join
from inspector.surgery.copying import copy
from inspector.surgery.extract import extract
from inspector.surgery.functions import expand_functions
from inspector.surgery.inference import infer_types
from inspector.surgery.lookup import ancestors, find_value, reads
from inspector.surgery.outputs import add_nodes, expose, keep_needed, register_constants
from inspector.surgery.padding import fold_padding
from inspector.surgery.prune import prune, reduce_to

__all__ = [
    "add_nodes",
    "ancestors",
    "append",
    "copy",
    "expand_functions",
    "expose",
    "extract",
    "find_value",
    "fold_padding",
    "infer_types",
    "join",
    "keep_needed",
    "prune",
    "reads",
    "reduce_to",
    "register_constants",
]
