"""Errors that the trainers raise on purpose. The command line prints each as one line and exits with its code.

TrainerError (ValueError)
├── DataUnavailable     a data set can neither be found on this machine nor fetched
├── DataCorrupt         a data file is not what it should be: truncated, altered, or of another kind
└── OutputError         the result cannot be written where it was asked for
"""

from __future__ import annotations

__all__ = ["DataCorrupt", "DataUnavailable", "OutputError", "TrainerError"]


class TrainerError(ValueError):
    """Base of all errors raised on purpose; its message says what is wrong and what to do."""

    exit_code = 2


class DataUnavailable(TrainerError):
    """The data set is neither on this machine nor can it be fetched; the message says what was tried."""


class DataCorrupt(TrainerError):
    """A data file fails its checksum or cannot be read."""


class OutputError(TrainerError):
    """A file or folder cannot be written: no room, no permission, or something else is there."""
