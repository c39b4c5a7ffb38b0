"""Keeping the start-up chatter of native libraries off the terminal."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_start"]


@contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back what is written to the process's standard error, and show it only if the block fails.

    TensorFlow's libraries write there from C++ before their logging can be told not to; Python's `sys.stderr` does not
    see it. Nothing is held back where the process has no standard error.
    """
    try:
        saved = os.dup(2)
    except OSError:  # closed, as under pythonw
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
