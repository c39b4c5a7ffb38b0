"""Values as JSON has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["plain_values"]


def plain_values(value: Any) -> Any:
    """`value` in numbers, texts, lists and objects; NaN and infinity become null, which JSON has no other word for."""
    if isinstance(value, dict):
        return {str(key): plain_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_values(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        return plain_values(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
