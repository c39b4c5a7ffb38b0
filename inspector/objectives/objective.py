"""A resolved target: which elements of which tensors, with which sign and weight, make the score of each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspector.objectives.heads import Head

__all__ = ["OWN", "Objective", "TermKey", "Transform"]

Transform = Literal["raw", "log-softmax", "log-sigmoid"]

# index -1: the sample's own top class; sign 0: the side that the sample itself falls on
OWN = -1


@dataclass(frozen=True)
class TermKey:
    """What is fixed when an objective is compiled; everything else is fed.

    Attributes:
        tensor: whose elements are picked.
        transform: of the elements.
        softmax_axis: of the tensor, for "log-softmax".
        batch_axis: of the tensor.
        batched: False: indices address the whole tensor, which has one score.
        single: a score reads one element of the tensor; else any number.
    """

    tensor: str
    transform: Transform = "raw"
    softmax_axis: int = 1
    batch_axis: int = 0
    batched: bool = True
    single: bool = False


@dataclass(frozen=True)
class Objective:
    """score[n] = sum over terms and m of weight[n, m] * transform(sign[n, m] * tensor[n].flat[index[n, m]]).

    Attributes:
        keys: one per term.
        index: int64 (N, M) per term, into the flattened axes of one sample; -1: the sample's own top class.
        sign: float32 (N, M) per term; 0: +1 where the element is at least 0, else -1.
        weight: float32 (N, M) per term.
        description: of each sample's target.
        own: where the target is the sample's own top class, the output; the class takes the place of "{own}" in the
            description once it is known.
    """

    keys: tuple[TermKey, ...]
    index: tuple[NDArray[np.int64], ...]
    sign: tuple[NDArray[np.float32], ...]
    weight: tuple[NDArray[np.float32], ...]
    description: tuple[str, ...] = ()
    own: tuple[Head | None, ...] = ()

    @property
    def tensors(self) -> tuple[str, ...]:
        """The names of the tensors that the score is made of."""
        return tuple(dict.fromkeys(key.tensor for key in self.keys))

    @property
    def forms(self) -> tuple[TermKey, ...]:
        """The keys, with what the indices tell of the terms."""
        return tuple(
            replace(key, single=index.shape[1] == 1) for key, index in zip(self.keys, self.index, strict=True)
        )

    @property
    def batched(self) -> bool:
        """Whether there is a score for each sample; else one for the whole batch."""
        return all(key.batched for key in self.keys)

    def take(self, rows: Sequence[int]) -> Objective:
        """The objective of some of the samples."""
        return replace(
            self,
            index=tuple(array[list(rows)] for array in self.index),
            sign=tuple(array[list(rows)] for array in self.sign),
            weight=tuple(array[list(rows)] for array in self.weight),
            description=tuple(self.description[row] for row in rows),
            own=tuple(self.own[row] for row in rows),
        )

    def filled_up(self, elements: int) -> Objective:
        """The same score of `elements` elements more per term, of weight 0."""

        def wider(arrays: tuple[NDArray[Any], ...], value: float) -> tuple[NDArray[Any], ...]:
            return tuple(np.pad(array, ((0, 0), (0, elements)), constant_values=value) for array in arrays)

        return replace(
            self, index=wider(self.index, 0), sign=wider(self.sign, 1), weight=wider(self.weight, 0)
        )

    def describe(self) -> tuple[str, ...]:
        """Each sample's target in words; of a settled objective with its own class in them."""
        texts = []
        for sample, (text, head) in enumerate(zip(self.description, self.own, strict=True)):
            if head is not None:
                side, chosen = self.sign[0][sample, 0], int(self.index[0][sample, 0])
                number = int(side > 0) if head.binary else chosen
                known = side != 0 if head.binary else chosen != OWN
                own = f"{head.name}={head.label(number) or number}" if known else head.name
                text = text.replace("{own}", own)
            texts.append(text)
        return tuple(texts)

    def feeds(self) -> dict[str, NDArray[Any]]:
        """What the compiled objective takes besides the model's inputs."""
        feeds: dict[str, NDArray[Any]] = {}
        for number, arrays in enumerate(zip(self.index, self.sign, self.weight, strict=True)):
            feeds.update(
                zip((f"target.{part}.{number}" for part in ("index", "sign", "weight")), arrays, strict=True)
            )
        return feeds

    def evaluate(self, tensors: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
        """The score of each sample, in float64, from the values of `self.tensors`: NumPy's word beside the graph's."""
        settled = self.settle(tensors)
        total = np.zeros(1)
        for key, index, sign, weight in zip(
            settled.keys, settled.index, settled.sign, settled.weight, strict=True
        ):
            picked = np.take_along_axis(_flat(key, tensors[key.tensor]), index, axis=1)
            values = sign.astype(np.float64) * picked
            if key.transform == "log-sigmoid":
                values = -np.logaddexp(0.0, -values)
            total = total + (weight * values).sum(axis=1)
        return total

    def settle(self, tensors: Mapping[str, NDArray[Any]]) -> Objective:
        """The same objective with each sample's own class and side written down as they are for `tensors`."""
        indices, signs = [], []
        for key, index, sign in zip(self.keys, self.index, self.sign, strict=True):
            flat = _flat(key, tensors[key.tensor])
            index = np.where(index == OWN, flat.argmax(axis=1)[:, None], index)
            picked = np.take_along_axis(flat, index, axis=1)
            indices.append(index)
            signs.append(np.where(sign == 0, np.where(picked < 0, -1, 1), sign).astype(np.float32))
        return replace(self, index=tuple(indices), sign=tuple(signs))


def _flat(key: TermKey, tensor: NDArray[Any]) -> NDArray[np.float64]:
    values = tensor.astype(np.float64)
    if key.transform == "log-softmax":
        values = _log_softmax(values, key.softmax_axis)
    if not key.batched:
        return values.reshape(1, -1)
    return np.moveaxis(values, key.batch_axis, 0).reshape(values.shape[key.batch_axis], -1)


def _log_softmax(logits: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Log softmax that keeps its digits where one class has nearly all the probability: log1p of the others' odds."""
    top = logits.argmax(axis=axis, keepdims=True)
    shifted = logits - np.take_along_axis(logits, top, axis=axis)
    odds = np.exp(shifted)
    np.put_along_axis(odds, top, 0.0, axis=axis)
    values: NDArray[np.float64] = shifted - np.log1p(odds.sum(axis=axis, keepdims=True))
    return values
