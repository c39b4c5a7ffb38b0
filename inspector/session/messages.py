"""What onnxruntime's errors say, without its own source files and signatures, and what to do about them."""

from __future__ import annotations

import re

__all__ = ["explain_refusal", "first_line"]

# [ONNXRuntimeError] : 1 : FAIL : /onnxruntime_src/.../model.cc:256 onnxruntime::Model::Model(...) The message.
PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")
SOURCE = re.compile(r"^(?:Exception during initialization: )?\S+\.(?:cc|h|cpp):\d+ .*\) (?=[A-Z])")

OPSET = re.compile(
    r"Opset (\d+) is under development.*?support for domain (\S+) is till opset (\d+)", re.DOTALL
)
IR = re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)")
OPERATOR = re.compile(r"Fatal error: (\S+?)\(-?\d+\) is not a registered function/op")
NO_OPERATOR = re.compile(r"No Op registered for (\S+) with domain_version of (\d+)")


def first_line(error: Exception) -> str:
    """The message as people read it."""
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    return SOURCE.sub("", PREFIX.sub("", lines[0]))


def explain_refusal(error: Exception) -> str:
    """Why the runtime does not load a model, and what to do where that is known."""
    text = str(error)
    if found := OPSET.search(text):
        given, domain, newest = found.groups()
        return (
            f"the model has opset {given} of {domain}, this onnxruntime knows them up to {newest}: install a newer "
            "onnxruntime, or export the model for an older opset"
        )
    if found := IR.search(text):
        given, newest = found.groups()
        return (
            f"the model has IR version {given}, this onnxruntime knows them up to {newest}: install a newer "
            "onnxruntime, or save the model in an older one"
        )
    if found := OPERATOR.search(text):
        return (
            f"it does not know the operator {found[1]}: where a library of its own brings it, replace it by standard "
            "operators"
        )
    if found := NO_OPERATOR.search(text):
        return f"there is no operator {found[1]} in opset {found[2]}: the model is damaged, export it again"
    return first_line(error)
