"""The demonstration: data, six trainings, export, figures and the report, each step one public command."""

from __future__ import annotations

from trainers.demo.plan import Plan, Size
from trainers.demo.steps import Step, run_folder, steps_for

__all__ = ["Plan", "Size", "Step", "run_folder", "steps_for"]
