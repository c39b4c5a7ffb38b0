"""The standard's own node cases, which take some seconds to collect."""

from __future__ import annotations

import functools
import warnings
from typing import Any

__all__ = ["collected"]


@functools.cache
def collected() -> dict[str, Any]:
    """Every case by name."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        # numpy has much to say of the values that some are made of
        warnings.simplefilter("ignore")
        return {case.name: case for case in collect_testcases(None)}
