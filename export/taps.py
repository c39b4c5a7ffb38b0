"""Which tensors become outputs, and under which names; the same for every framework.

While a framework traces the model, each of the model's own outputs and each call of a tapped layer passes through a
marker: an operator `onnxlens::Tap` that no exporter knows, moves or fuses across. Its one attribute says which tensor
it is. `export.markers` takes the markers out of the finished graph and leaves the names.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, NamedTuple

from export.errors import ExportError

__all__ = ["OUTPUT", "Key", "TapRecorder", "TapRequest", "flatten_named", "parse_requests"]

OUTPUT = ""  # the layer of the model's own outputs: no layer has an empty name


class Key(NamedTuple):
    """One marked tensor: the tapped layer, which call of it, and which element of what that call returned."""

    layer: str
    call: int
    element: int

    def encode(self) -> str:
        """The text carried by the marker."""
        return json.dumps(list(self))

    @classmethod
    def decode(cls, text: str) -> Key:
        """The key that `encode` wrote."""
        return cls(*json.loads(text))


@dataclass(frozen=True)
class TapRequest:
    """A tap as the caller wrote it: a layer, or one of its calls (`relu.1`)."""

    name: str
    layer: str
    index: int | None = None


def parse_requests(taps: Iterable[str], layers: Iterable[str], what: str) -> list[TapRequest]:
    """Resolves taps among the names of the model's layers; a repeated tap counts once.

    Raises ExportError for a name that is neither a layer nor a layer followed by `.` and a number.
    """
    if isinstance(taps, str):
        taps = [taps]
    known = dict.fromkeys(layers)
    requests: dict[str, TapRequest] = {}
    for tap in taps:
        head, _, tail = tap.rpartition(".")
        if tap in known and tap != OUTPUT:
            requests[tap] = TapRequest(tap, tap)
        elif head in known and tail.isdecimal():
            requests[tap] = TapRequest(tap, head, int(tail))
        else:
            raise ExportError(f"no {what} is called {tap!r}.{_near(tap, list(known))}")
    return list(requests.values())


def _near(name: str, known: list[str]) -> str:
    named = [k for k in known if k]
    near = difflib.get_close_matches(name, named, n=5, cutoff=0.4)
    if near:
        return f" Near matches: {', '.join(near)}"
    if not named:
        return " The model has no named layers"
    return f" There are: {', '.join(named[:12])}{', ...' if len(named) > 12 else ''}"


@dataclass
class TapRecorder:
    """Counts the calls of tapped layers during one run of the model, and keeps what they returned if asked to."""

    requests: list[TapRequest]
    seen: dict[Key, Any] = field(default_factory=dict)
    _calls: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Forgets the previous run: a framework may trace a model several times."""
        self.seen.clear()
        self._calls.clear()

    def next_call(self, layer: str) -> int:
        """The number of this call of the layer, from 0."""
        call = self._calls.get(layer, 0)
        self._calls[layer] = call + 1
        return call

    def names(self) -> dict[str, Key]:
        """Output name -> key, in the order of the requests, for the run just recorded.

        A layer called once that returns one tensor gives its own name; a layer called twice gives `name.0`, `name.1`;
        one that returns several tensors `name.0`, `name.1`; both at once `name.call.element`.
        """
        names: dict[str, Key] = {}
        for request in self.requests:
            keys = [key for key in self.seen if key.layer == request.layer]
            if not keys:
                raise ExportError(
                    f"{request.layer!r} is never called when the model runs (its weights may be used directly), "
                    "so it has no value to expose: tap the layer around it"
                )
            several_calls = len({key.call for key in keys}) > 1
            several_elements = len({key.element for key in keys}) > 1
            expanded: dict[str, Key] = {}
            for key in keys:
                suffix = (f".{key.call}" if several_calls else "") + (
                    f".{key.element}" if several_elements else ""
                )
                if request.index is None or request.index == (key.call if several_calls else key.element):
                    expanded[request.layer + suffix] = key
            if not expanded or (request.index is not None and not (several_calls or several_elements)):
                raise ExportError(
                    f"{request.name!r} does not exist: {request.layer!r} is called "
                    f"{len({key.call for key in keys})} time(s) and gives {len(keys)} tensor(s), counted from 0"
                )
            names.update(expanded)
        return names


def flatten_named(value: Any, is_tensor: Callable[[Any], bool]) -> list[tuple[str, Any]]:
    """The tensors of a model's result with their names: dict keys, field names, or `output`, `output_0`, ...

    Order is the result's own. `None` is left out; anything else that is no tensor raises ExportError.
    """
    found: list[tuple[str, Any]] = []

    def walk(item: Any, name: str) -> None:
        if is_tensor(item):
            found.append((name or "output", item))
        elif item is None:
            return
        elif isinstance(item, Mapping):
            for key, child in item.items():
                walk(child, f"{name}.{key}" if name else str(key))
        elif is_dataclass(item) and not isinstance(item, type):
            for part in fields(item):
                walk(getattr(item, part.name), f"{name}.{part.name}" if name else part.name)
        elif isinstance(item, tuple | list):
            labels: Iterable[Any] = getattr(item, "_fields", range(len(item)))
            for label, child in zip(labels, item, strict=True):
                bare = "output_" if not name and isinstance(label, int) else (f"{name}." if name else "")
                walk(child, f"{bare}{label}")
        else:
            raise ExportError(
                f"the model returns a {type(item).__name__} ({name or 'output'}); only tensors, and tuples, lists, "
                "dicts or dataclasses of them, can be ONNX outputs"
            )

    walk(value, "")
    if not found:
        raise ExportError("the model returns no tensor")
    return found
