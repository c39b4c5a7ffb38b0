"""One ONNX file that explains itself: a model with the heatmap of what it answers as a further output."""

from __future__ import annotations

from inspector.embed.embedding import Embedded, embed, embeddable
from inspector.embed.question import find_question

__all__ = ["Embedded", "embed", "embeddable", "find_question"]
