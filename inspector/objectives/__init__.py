"""What is explained: targets, resolved against a model's outputs and compiled into its graph."""

from __future__ import annotations

from inspector.objectives.compile import SCORE, append_objective
from inspector.objectives.defaults import Default, find_default
from inspector.objectives.entry import Entry, find_entry
from inspector.objectives.evaluator import Evaluator, Gradients
from inspector.objectives.heads import Head, Labels, Score, default_head, find_head, read_heads
from inspector.objectives.objective import OWN, Objective, TermKey
from inspector.objectives.parse import parse_target
from inspector.objectives.readable import readable
from inspector.objectives.refusals import blaming_the_file
from inspector.objectives.resolve import AnyTargets, OneTarget, resolve, target_tensors
from inspector.objectives.target import AnyTarget, Target, TargetSum

__all__ = [
    "OWN",
    "SCORE",
    "AnyTarget",
    "AnyTargets",
    "Default",
    "Entry",
    "Evaluator",
    "Gradients",
    "Head",
    "Labels",
    "Objective",
    "OneTarget",
    "Score",
    "Target",
    "TargetSum",
    "TermKey",
    "append_objective",
    "blaming_the_file",
    "default_head",
    "find_default",
    "find_entry",
    "find_head",
    "parse_target",
    "read_heads",
    "readable",
    "resolve",
    "target_tensors",
]
