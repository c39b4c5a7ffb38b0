"""Every error that onnxlens raises on purpose. The command line turns each into one line and exit code 2.

InspectorError
├── ModelError (ValueError)             the file is missing, broken, unsafe, or not what the call needs
│   └── ModelNotFound (FileNotFoundError)
├── LayerNotFound (ValueError)          no such layer; lists near matches
├── TargetError (ValueError)            no such output, class or label; or not one target per sample
├── InputError (ValueError)             the tensor or picture does not fit the model's input
│   └── InputNotFound (FileNotFoundError)
├── OutputError (ValueError)            the result cannot be written where it was asked for
├── NotDifferentiable (ValueError)      an operator without a derivative lies on the path; names it, its node, the path
└── GradientCheckFailed (ValueError)    finite differences disagree with the gradient
"""

from __future__ import annotations

__all__ = [
    "GradientCheckFailed",
    "InputError",
    "InputNotFound",
    "InspectorError",
    "LayerNotFound",
    "ModelError",
    "ModelNotFound",
    "NotDifferentiable",
    "OutputError",
    "TargetError",
]


class InspectorError(Exception):
    """Base of all errors raised on purpose; its message says what is wrong and what to do."""


class ModelError(InspectorError, ValueError):
    """The model file is broken, unsafe, or not what the call needs."""


class ModelNotFound(ModelError, FileNotFoundError):
    """There is no file at the path given."""

    # FileNotFoundError's own __str__ formats an errno; the message is ours
    __str__ = Exception.__str__


class LayerNotFound(InspectorError, ValueError):
    """No tensor or node answers to the name given; near matches are listed."""


class TargetError(InspectorError, ValueError):
    """The target names no output, class or label of the model, or does not fit the batch."""


class InputError(InspectorError, ValueError):
    """The input does not fit the model: the message gives the expected and the given shape and dtype."""


class InputNotFound(InputError, FileNotFoundError):
    """There is no picture or array at the path given."""

    __str__ = Exception.__str__


class OutputError(InspectorError, ValueError):
    """The result cannot be written to the place asked for."""


class NotDifferentiable(InspectorError, ValueError):
    """An operator without a derivative lies between the tensor and the score."""


class GradientCheckFailed(InspectorError, ValueError):
    """Finite differences of the original forward graph disagree with the gradient."""
