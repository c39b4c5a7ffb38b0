"""The best box of YOLO's raw heads: against NumPy on the outputs, put in one order by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from inspector import Inspector, Target
from inspector.errors import TargetError
from tests.inspector.objectives import detectors
from tests.inspector.objectives.detectors import GRIDS

X = np.random.default_rng(5).normal(size=(3, 3, 64, 64)).astype(np.float32)


def in_order(output: NDArray[np.floating], form: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(anchors, numbers, height, width) of one sample, and where each element stands in the output."""

    def ordered(array: NDArray[np.generic]) -> NDArray[np.generic]:
        order = GRIDS[form][1]
        if order is not None:
            back = np.argsort(order)
            array = array[None].transpose(back)[0]
        return array.reshape(3, 8, *array.shape[-2:])

    return ordered(output.astype(np.float64)), ordered(np.arange(output.size).reshape(output.shape))  # type: ignore[return-value]


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def best(
    outputs: dict[str, NDArray[np.floating]], sample: int, form: str, final: str | None
) -> tuple[str, list[int]]:
    """The output that holds the best box, and the flat places of its objectness and of its class score."""
    top, found = -1.0, ("", [0, 0])
    for name, output in outputs.items():
        values, places = in_order(output[sample], form)
        shares = values if final else sigmoid(values)
        for anchor in range(3):
            for number in range(3):
                joint = shares[anchor, 4] * shares[anchor, 5 + number]
                row, column = np.unravel_index(int(joint.argmax()), joint.shape)
                if joint[row, column] > top:
                    top = float(joint[row, column])
                    found = name, [int(places[anchor, n, row, column]) for n in (4, 5 + number)]
    return found


@pytest.mark.parametrize("form", GRIDS)
@pytest.mark.parametrize("final", [None, "Sigmoid"])
def test_the_best_box_of_all_levels(form: str, final: str | None) -> None:
    lens = Inspector(detectors.grids(form, final))
    # the logits are what is explained: those before a final sigmoid
    outputs = lens.run(X)
    assert lens.layer_choice().kind == "a detector"
    explained = lens.explain(X)
    for sample in range(len(X)):
        name, places = best(outputs, sample, form, final)
        shape = outputs[name].shape[1:]
        indices = [tuple(int(one) for one in np.unravel_index(place, shape)) for place in places]
        where = ", ".join(map(str, indices[1]))
        assert explained.target[sample].startswith(f"{name}: the box of [{where}], class ")
        wanted = Target(name, index=indices[0]) + Target(name, index=indices[1])
        one = X[sample : sample + 1]
        np.testing.assert_allclose(
            lens.gradient(X)[sample], lens.gradient(one, wanted)[0], rtol=1e-4, atol=1e-7
        )


def test_of_probabilities_the_gradient_is_that_of_the_product() -> None:
    lens = Inspector(detectors.grids("channels", "Sigmoid"))
    outputs = lens.run(X[:1])
    name, places = best(outputs, 0, "channels", "Sigmoid")
    indices = [
        tuple(int(one) for one in np.unravel_index(place, outputs[name].shape[1:])) for place in places
    ]
    chance = [float(outputs[name][0][index]) for index in indices]
    parts = [lens.gradient(X[:1], Target(name, index=index), score="output") for index in indices]
    product = (chance[1] * parts[0] + chance[0] * parts[1]) / max(chance)
    np.testing.assert_allclose(lens.gradient(X[:1], score="output"), product, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("names", ["['cat', 'dog', 'cow']", "{0: 'cat', 1: 'dog', 2: 'cow'}"])
def test_the_files_own_names(names: str) -> None:
    proto = detectors.grids("channels", open_sides=True)
    proto.metadata_props.add(key="names", value=names)
    found = Inspector(proto).explain(X, "saliency").target[0]
    assert found.partition("], ")[2] in ("cat", "dog", "cow")


def test_names_that_do_not_fit_and_sides_of_other_strides_are_no_boxes() -> None:
    proto = detectors.grids("channels")
    proto.metadata_props.add(key="names", value="['cat', 'dog']")
    assert Inspector(proto).layer_choice().kind != "a detector"
    assert Inspector(detectors.grids("channels", shrink=4)).layer_choice().kind != "a detector"


def test_a_score_that_is_not_there_is_named() -> None:
    with pytest.raises(TargetError, match="out of range"):
        Inspector(detectors.grids("anchors")).gradient(X, "level0[3, 0, 0, 4]")
