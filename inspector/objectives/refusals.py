"""Whose fault a failure is: a file that the runtime refuses as well is broken, else onnxlens is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from inspector.errors import InspectorError

if TYPE_CHECKING:
    from inspector.objectives.evaluator import Evaluator
    from inspector.session import Feeds

__all__ = ["blaming_the_file"]

# what says for itself what is wrong
_PLAIN = (InspectorError, OSError, MemoryError, ImportError)


@contextmanager
def blaming_the_file(evaluator: Evaluator, feeds: Feeds | None = None) -> Iterator[None]:
    """Around what reads a graph: where that fails on a file that onnxruntime refuses, its refusal is the error.

    A file is not loaded as a whole before it is listed or differentiated, which would cost a session more: what is
    wrong with it is asked for only where something fails.

    Args:
        evaluator: of the model.
        feeds: for the model, where there are any: it may be refused on them alone.

    Raises:
        ModelError: onnxruntime cannot load the model.
        InputError: it cannot run it on `feeds`.
    """
    try:
        yield
    except _PLAIN:
        raise
    except Exception as error:
        try:
            session = evaluator.original
            if feeds is not None:
                session.run(feeds)
        except InspectorError as refusal:
            raise refusal from error
        raise
