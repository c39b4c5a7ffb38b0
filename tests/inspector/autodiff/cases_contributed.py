"""Operators of com.microsoft with a rule."""

from __future__ import annotations

import numpy as np

from .case import Case, normal

CASES = (
    Case("Inverse", [normal(3, 3) + 3 * np.eye(3)], domain="com.microsoft"),
    Case("Inverse", [normal(2, 4, 4) + 4 * np.eye(4)], domain="com.microsoft"),
)
