"""The language of targets: `7`, `cat`, `angle[9]`, `logits[:, 3]`, `colour=red`, `logp(angle=0) - 0.5*logp(b=1)`,
`top[1]`, `top(3)`, `region(cat, 10:50, 20:90)`, `box(17)`, `box(cat)`, `value`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from inspector.errors import TargetError
from inspector.model import Model
from inspector.objectives.heads import Head
from inspector.objectives.target import AnyTarget, IndexItem, Target

__all__ = ["INTEGER", "parse_target"]

INTEGER = re.compile(r"-?\d+")

FACTOR = re.compile(r"(?P<number>\d+(\.\d*)?([eE][+-]?\d+)?)\s*\*\s*(?P<rest>.+)", re.DOTALL)
LOGP = re.compile(r"logp\((?P<inner>.*)\)", re.DOTALL)
INDEXED = re.compile(r"(?P<name>.*)\[(?P<index>[^\[\]]*)\]", re.DOTALL)
TOP = re.compile(r"top(\[(?P<rank>\d+)\]|\((?P<count>\d+)\))?")
CALL = re.compile(r"(?P<name>region|box|value)\((?P<inner>.*)\)", re.DOTALL)
SLICE = re.compile(r"(-?\d+)?\s*:\s*(-?\d+)?(\s*:\s*(-?\d+)?)?")


def parse_target(text: str, heads: Mapping[str, Head], model: Model) -> AnyTarget:
    """What `text` asks for. A label or an output's name that `text` equals as a whole comes first, so that names with
    signs or brackets in them work; between terms, `+` and `-` stand with spaces around them.

    Raises:
        TargetError: it is neither a label nor a name nor an expression of them.
    """
    text = text.strip()
    if not text:
        raise TargetError("the target is empty")
    whole = _name_or_label(text, heads, model)
    if whole is not None:
        return whole
    terms = _split(text)
    if len(terms) == 1:
        return _term(text, heads, model)
    total: AnyTarget | None = None
    for sign, term in terms:
        part = _term(term, heads, model)
        part = part * -1.0 if sign == "-" else part
        total = part if total is None else total + part
    assert total is not None
    return total


def _split(text: str) -> list[tuple[str, str]]:
    """(sign, term) pairs; signs within brackets belong to a label."""
    pieces: list[tuple[str, str]] = []
    depth, start, sign = 0, 0, "+"
    if text.startswith("-") and not text[1:].strip().isdecimal():
        start, sign = 1, "-"
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if (
            depth == 0
            and character in "+-"
            and place > start
            and text[place - 1 : place + 2].strip() == character
        ):
            pieces.append((sign, text[start:place].strip()))
            start, sign = place + 1, character
    pieces.append((sign, text[start:].strip()))
    return pieces


def _term(text: str, heads: Mapping[str, Head], model: Model) -> AnyTarget:
    if text.startswith("-") and not text[1:].strip().isdecimal():
        return _term(text[1:].strip(), heads, model) * -1.0
    if match := FACTOR.fullmatch(text):
        return float(match["number"]) * _term(match["rest"].strip(), heads, model)
    if match := LOGP.fullmatch(text):
        inner = _term(match["inner"].strip(), heads, model)
        if not isinstance(inner, Target):
            raise TargetError(f"'{text}': logp() takes one class, not a sum or multiple")
        return inner.log_probability()
    return _atom(text, heads, model)


def _atom(text: str, heads: Mapping[str, Head], model: Model) -> AnyTarget:
    found: AnyTarget | None = _name_or_label(text, heads, model)
    if found is not None:
        return found
    if (match := INDEXED.fullmatch(text)) and _is_tensor(match["name"].strip(), heads, model):
        return Target(match["name"].strip(), index=_index(match["index"], text))
    name, equals, label = (part.strip() for part in text.partition("="))
    if equals and _is_tensor(name, heads, model):
        known = name in heads and label in heads[name].labels
        ranked = None if known else _top(label, name)
        return ranked or Target(name, label=int(label) if INTEGER.fullmatch(label) else label)
    found = _top(text, None) or _call(text, heads, model)
    if found is not None:
        return found
    outputs = ", ".join(f"'{name}'" for name in heads)
    every = [label for head in heads.values() for label in head.labels]
    near = ", ".join(f"'{label}'" for label in difflib.get_close_matches(text, every))
    hint = f"; near labels: {near}" if near else ""
    if re.search(r"\S[+-]\S", text):
        hint += "; in sums + and - stand between spaces: 3 + 0.5*4"
    raise TargetError(
        f"the target '{text}' is neither a class number, nor a label, nor output[index] or output=label of an output, "
        f"nor top[1], top(3), region(), box() or value; the outputs are {outputs}{hint}"
    )


def _top(text: str, output: str | None) -> AnyTarget | None:
    """`top`, `top[1]`, `top(3)`; None for another text."""
    match = TOP.fullmatch(text)
    if match is None:
        return None
    if match["rank"] is not None:
        return Target.ranked(int(match["rank"]), output)
    count = int(match["count"] or 1)
    if count < 1:
        raise TargetError(f"'{text}': at least one class is explained")
    return Target.top(count, output)


def _call(text: str, heads: Mapping[str, Head], model: Model) -> Target | None:
    """`region(...)`, `box(...)`, `value`; None for another text."""
    match = CALL.fullmatch(text)
    if match is None:
        return Target.value() if text == "value" else None
    inner = match["inner"].strip()
    if match["name"] == "value":
        return Target.value(inner or None)
    if match["name"] == "box":
        return _box(inner)
    return _region(inner, text, heads, model)


def _box(inner: str) -> Target:
    """`box(17)`, `box(cat)`, `box(17, cat)`, `box()`: a number alone counts boxes."""
    first, comma, label = (part.strip() for part in inner.partition(","))
    if INTEGER.fullmatch(first) and (label or not comma):
        return Target.box(int(first), label or None)
    return Target.box(label=inner or None)


def _region(inner: str, text: str, heads: Mapping[str, Head], model: Model) -> Target:
    """A class and a range for each axis of its map; a class alone that has a comma in its name stays whole."""
    parts = [part.strip() for part in inner.split(",")]
    first = len(parts)
    while first > 0 and SLICE.fullmatch(parts[first - 1]):
        first -= 1
    if first == len(parts):
        raise TargetError(
            f"'{text}': a region is a class and a range for each axis: region(cat, 10:50, 20:90)"
        )
    places = tuple(each for each in _index(", ".join(parts[first:]), text) if isinstance(each, slice))
    name = ", ".join(parts[:first])
    one = _atom(name, heads, model) if name else Target()
    if not isinstance(one, Target) or one.index is not None or one.choice is not None:
        raise TargetError(f"'{text}': '{name}' is no class: region(cat, 10:50, 20:90)")
    return Target.region(one.label, places, one.output)


def _name_or_label(text: str, heads: Mapping[str, Head], model: Model) -> Target | None:
    if INTEGER.fullmatch(text):
        return Target(label=int(text))
    for head in heads.values():
        if text in head.labels:
            return Target(head.name, label=text)
    if _is_tensor(text, heads, model):
        return Target(text)
    for head in heads.values():
        if text.casefold() in (label.casefold() for label in head.labels):
            return Target(head.name, label=text)
    return None


def _is_tensor(name: str, heads: Mapping[str, Head], model: Model) -> bool:
    return name in heads or model.tensor(name) is not None


def _index(text: str, whole: str) -> tuple[IndexItem, ...]:
    items: list[IndexItem] = []
    for part in (piece.strip() for piece in text.split(",")):
        if part == "...":
            items.append(Ellipsis)
        elif INTEGER.fullmatch(part):
            items.append(int(part))
        elif match := SLICE.fullmatch(part):
            start, stop, step = (None if each is None else int(each) for each in match.group(1, 2, 4))
            items.append(slice(start, stop, step))
        else:
            raise TargetError(
                f"'{whole}': '{part}' is no index; write output[3], output[:, 3] or output[4, 17]"
            )
    return tuple(items)
