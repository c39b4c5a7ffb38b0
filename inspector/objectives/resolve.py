"""From what a user asked for to the elements that make the score of each sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from inspector.errors import TargetError
from inspector.model import FLOATS, Model, shape_text
from inspector.objectives.backward import last_scores
from inspector.objectives.batchless import address_whole
from inspector.objectives.choices import Box, Value
from inspector.objectives.chosen import Question, has_choice
from inspector.objectives.classes import class_number
from inspector.objectives.defaults import find_default, most_predicted
from inspector.objectives.heads import Head, Score, default_head, find_head, is_float
from inspector.objectives.objective import OWN, Objective, TermKey, Transform
from inspector.objectives.parse import parse_target
from inspector.objectives.rows import count_rows, score_together
from inspector.objectives.target import AnyTarget, Target, TargetSum

__all__ = ["AnyTargets", "OneTarget", "resolve", "target_tensors"]

OneTarget: TypeAlias = "int | str | Target | TargetSum"
AnyTargets: TypeAlias = "OneTarget | Sequence[OneTarget] | NDArray[np.integer[Any]] | None"
# value of a tensor for the samples at hand
Values: TypeAlias = Callable[[str], NDArray[Any]]


@dataclass
class _Elements:
    """What one sample takes from one tensor."""

    index: list[int] = field(default_factory=list)
    sign: list[float] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Resolver:
    model: Model
    heads: Mapping[str, Head]
    score: Score
    values: Values

    found: dict[str | None, Head] = field(default_factory=dict)
    """Heads by the name that they were asked for by."""

    def head(self, name: str | None) -> Head:
        if name not in self.found:
            self.found[name] = self._find_head(name)
        return self.found[name]

    def _find_head(self, name: str | None) -> Head:
        head = (
            default_head(self.heads, self.model)
            if name is None
            else find_head(self.heads, self.model, name, self.score)
        )
        if head.dtype not in (*FLOATS, None):
            raise TargetError(f"'{head.name}' holds {head.dtype}, which has no gradient; {self.floats(head)}")
        return head

    def floats(self, head: Head) -> str:
        """What can be explained in place of an output of integers."""
        source = last_scores(self.model, head.name)
        if source:
            return f"name an element of the tensor that it is picked from, such as '{source}[0]'"
        names = ", ".join(f"'{other.name}'" for other in self.heads.values() if is_float(other))
        return f"floating-point outputs: {names}" if names else "the model has no floating-point output"

    def add(self, target: Target, sample: int, terms: dict[TermKey, _Elements]) -> None:
        """Add what `target` takes of sample number `sample` to `terms`."""
        head = self.head(target.output)
        tensor = head.logits if target.log else head.tensor
        transform: Transform = (
            "raw" if not target.log else "log-sigmoid" if head.activation == "sigmoid" else "log-softmax"
        )
        axis = head.softmax_axis if transform == "log-softmax" else 1
        key = TermKey(tensor, transform, axis, head.batch_axis, target.batched)
        picked, sign = self.pick(head, target, sample)
        elements = terms.setdefault(key, _Elements())
        elements.index += picked
        elements.sign += [sign] * len(picked)
        elements.weight += [target.weight] * len(picked)

    def chosen(self, target: OneTarget | None, sample: int) -> tuple[AnyTarget, str | None]:
        """`target` with what it leaves to be found in a sample found, and in words where anything was."""
        return self.question.settle(_parse(target, self), sample)

    @property
    def question(self) -> Question:
        return Question(self.model, self.heads, self.head, self.values)

    def tensors(self, target: Target) -> tuple[str, ...]:
        if isinstance(target.choice, Box):
            return self.question.detector().tensors
        head = (
            self.question.value_head(target.output)
            if isinstance(target.choice, Value)
            else self.head(target.output)
        )
        return (head.logits if target.log else head.tensor,)

    def pick(self, head: Head, target: Target, sample: int) -> tuple[list[int], float]:
        """Flat indices into the axes of one sample, and their sign."""
        if target.index is not None:
            return self.by_index(head, target), 1.0
        if not target.batched:
            raise TargetError("batched=False addresses the whole tensor: it needs an index")
        number = None if target.label is None else class_number(head, target.label)
        if head.binary:
            return [0], 0.0 if number is None else (1.0 if number == 1 else -1.0)
        if number is None:
            if head.one_score_per_class:
                return [OWN], 1.0
            number = most_predicted(head, self.values, sample)
        shape = self.sample_shape(head)
        return _flat_indices(shape, (slice(None),) * head.sample_class_axis + (number,)), 1.0

    def by_index(self, head: Head, target: Target) -> list[int]:
        shape = self.sample_shape(head) if target.batched else self.values(head.name).shape
        try:
            return _flat_indices(shape, target.index)
        except IndexError:
            where = "after the batch axis " if target.batched else ""
            raise TargetError(
                f"{target} is out of range: '{head.name}' has shape {shape_text(shape)} {where}"
                f"{_range_text(shape)}".rstrip()
            ) from None

    def sample_shape(self, head: Head) -> tuple[int, ...]:
        shape = head.sample_shape
        if head.shape is not None and all(isinstance(dim, int) for dim in shape):
            return tuple(int(dim) for dim in shape if isinstance(dim, int))
        actual = self.values(head.name).shape
        return actual[: head.batch_axis] + actual[head.batch_axis + 1 :]


def resolve(
    target: AnyTargets,
    samples: int,
    model: Model,
    heads: Mapping[str, Head],
    values: Values,
    score: Score = "logit",
) -> Objective:
    """The objective of `samples` samples; of outputs that have another number of rows, of all of them together.

    Args:
        target: for all samples, or a sequence with one per sample; None: each one's own top class.
        samples: their number.
        model: whose tensors are named.
        heads: what its outputs mean (`read_heads`, with the same score).
        values: computes a tensor for the samples at hand; called only where a shape is dynamic, or without a target for
            what has no single score per class.
        score: for tensors that are no outputs.

    Raises:
        TargetError: unknown output, label or class, out of range, integer output, or not one target per sample.
    """
    resolver = _Resolver(model, heads, score, cache(values))
    rows = count_rows(target_tensors(target, model, heads, score), samples, model, heads, resolver.values)
    objective = _of_each(target, rows, resolver)
    return (
        objective if rows == samples or not objective.batched else score_together(objective, resolver.values)
    )


def _of_each(target: AnyTargets, samples: int, resolver: _Resolver) -> Objective:
    """The objective of each of `samples` rows; or of the whole, where an output has no axis of the batch."""
    heads, model = resolver.heads, resolver.model
    given = _per_sample(target, samples)
    if any(each is not None and has_choice(_parse(each, resolver)) for each in given):
        # what is found in each sample makes a target for each
        given *= samples // len(given)
    default = find_default(heads, model) if None in given else None
    if default is not None and default.pick is not None:
        found = [
            default.pick(resolver.values, sample) if one is None else resolver.chosen(one, sample)
            for sample, one in enumerate(given * (samples // len(given)))
        ]
    else:
        found = [resolver.chosen(one, sample) for sample, one in enumerate(given)]
    addressed = [_of_the_whole(one, text, resolver, samples) for one, text in found]
    wanted, texts = [one for one, _ in addressed], [text for _, text in addressed]
    whole = any(not each.batched for one in wanted for each in _atoms(one))
    if whole:
        return _whole(wanted, resolver, texts)
    rows: list[dict[TermKey, _Elements]] = []
    for sample in range(samples):
        terms: dict[TermKey, _Elements] = {}
        for atom in _atoms(wanted[sample % len(wanted)]):
            resolver.add(atom, sample, terms)
        rows.append(terms)
    described = [
        (texts[sample % len(texts)] or "", None)
        if texts[sample % len(texts)]
        else _describe(wanted[sample % len(wanted)], resolver, sample)
        for sample in range(samples)
    ]
    return _stack(rows, described)


def target_tensors(
    target: AnyTargets, model: Model, heads: Mapping[str, Head], score: Score = "logit"
) -> tuple[str, ...]:
    """The tensors that the score of `target` is made of, without looking at any sample."""

    def values(name: str) -> NDArray[Any]:
        raise TargetError(f"the shape of '{name}' is not needed to find the tensors of a target")

    resolver = _Resolver(model, heads, score, values)
    found: list[str] = []
    for one in _one_by_one(target):
        if one is None:
            found += find_default(heads, model).tensors
        else:
            found += [name for atom in _atoms(_parse(one, resolver)) for name in resolver.tensors(atom)]
    return tuple(dict.fromkeys(found))


def _per_sample(target: AnyTargets, samples: int) -> list[OneTarget | None]:
    targets = _one_by_one(target)
    if _is_list(target) and len(targets) != samples:
        raise TargetError(
            f"{len(targets)} targets are given for {samples} samples: give one for all, or one for each"
        )
    return targets


def _one_by_one(target: AnyTargets) -> list[OneTarget | None]:
    targets: Iterable[Any] = target if _is_list(target) else [target]
    return [int(one) if isinstance(one, np.integer) else one for one in targets]


def _is_list(target: AnyTargets) -> TypeGuard[Iterable[Any]]:
    return isinstance(target, Iterable) and not isinstance(target, str)


def _parse(target: OneTarget | None, resolver: _Resolver) -> AnyTarget:
    if target is None:
        return _addressed(Target(), resolver)
    if isinstance(target, bool) or not isinstance(target, int | str | Target | TargetSum):
        raise TargetError(
            f"a target is a class number, a label, a string or a Target, not {type(target).__name__}; several for one "
            "sample: explain_each"
        )
    if isinstance(target, str):
        target = parse_target(target, resolver.heads, resolver.model)
    return _addressed(Target(label=target) if isinstance(target, int) else target, resolver)


def _addressed(target: AnyTarget, resolver: _Resolver) -> AnyTarget:
    """`target`; of a tensor that is a single number, with no axis for the batch, that number."""
    if isinstance(target, TargetSum):
        return TargetSum(tuple(map(partial(_scalar, resolver=resolver), target.targets)))
    return _scalar(target, resolver)


def _scalar(target: Target, resolver: _Resolver) -> Target:
    if isinstance(target.choice, Box | Value):
        return target
    head = resolver.head(target.output)
    if head.shape != ():
        return target
    return replace(target, output=head.name, index=Ellipsis, label=None, batched=False)


def _of_the_whole(
    target: AnyTarget, text: str | None, resolver: _Resolver, samples: int
) -> tuple[AnyTarget, str | None]:
    """`target`; of a tensor whose one axis is not that of the batch, the element or elements of it."""
    sliced = resolver.model.fixed_batch not in (None, samples)
    changed: list[Target] = []
    for atom in _atoms(target):
        head = resolver.head(atom.output)
        row = head.shape is not None and len(head.shape) == 1
        whole = address_whole(atom, head, resolver.values(head.tensor), samples, sliced) if row else None
        changed.append(whole[0] if whole else atom)
        if whole and isinstance(target, Target):
            text = whole[1]
    return TargetSum(tuple(changed)) if isinstance(target, TargetSum) else changed[0], text


def _atoms(target: AnyTarget) -> tuple[Target, ...]:
    return target.targets if isinstance(target, TargetSum) else (target,)


def _whole(wanted: Sequence[AnyTarget], resolver: _Resolver, texts: Sequence[str | None]) -> Objective:
    if len(wanted) > 1 or any(atom.batched for atom in _atoms(wanted[0])):
        raise TargetError(
            "a target with batched=False is one for the whole batch: it stands neither in a list nor in a sum"
        )
    terms: dict[TermKey, _Elements] = {}
    for atom in _atoms(wanted[0]):
        resolver.add(atom, 0, terms)
    return _stack([terms], [(texts[0] or str(wanted[0]), None)])


def _stack(
    rows: Sequence[Mapping[TermKey, _Elements]], described: Sequence[tuple[str, Head | None]]
) -> Objective:
    """One array per term; a sample that takes fewer elements than another is filled up with weight 0."""
    keys = tuple(dict.fromkeys(key for row in rows for key in row))
    index, sign, weight = [], [], []
    for key in keys:
        taken = [row.get(key, _Elements()) for row in rows]
        most = max(len(elements.index) for elements in taken)
        index.append(np.array([e.index + [0] * (most - len(e.index)) for e in taken], dtype=np.int64))
        sign.append(np.array([e.sign + [1.0] * (most - len(e.sign)) for e in taken], dtype=np.float32))
        weight.append(np.array([e.weight + [0.0] * (most - len(e.weight)) for e in taken], dtype=np.float32))
    texts, own = zip(*described, strict=True)
    return Objective(keys, tuple(index), tuple(sign), tuple(weight), texts, own)


def _flat_indices(shape: Sequence[int], index: Any) -> list[int]:
    places = np.arange(math.prod(shape)).reshape(shape)
    found: list[int] = np.atleast_1d(places[index]).ravel().tolist()
    return found


def _describe(target: AnyTarget, resolver: _Resolver, sample: int) -> tuple[str, Head | None]:
    """The target in words, output and label spelt out; "{own}" and the output where the class is yet to be found."""
    if isinstance(target, TargetSum) or target.index is not None:
        return str(target), None
    head = resolver.head(target.output)
    if target.label is not None or not head.one_score_per_class:
        number = (
            most_predicted(head, resolver.values, sample)
            if target.label is None
            else class_number(head, target.label)
        )
        return str(replace(target, output=head.name, label=head.label(number) or number)), None
    return str(replace(target, output="{own}")), head


def _range_text(shape: Sequence[int]) -> str:
    return f"(0 to {shape[0] - 1})" if len(shape) == 1 else ""
