"""The loop: what it measures, where it goes on, what makes it measure again, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from inspector import Inspector, Target
from inspector.errors import InputError, InspectorError
from inspector.quality import CONTROLS, METRICS, Evaluation, Metric, Sample, bootstrap, evaluate
from inspector.quality.curves import deletion
from inspector.quality.trial import Trial
from tests.inspector.graphs import cnn, cnn_weights, images, model, normal
from tests.inspector.quality.trials import linear, pixels, trial

LENS = Inspector(cnn())
INSIDE = np.zeros((16, 16), bool)
INSIDE[4:9, 2:12] = True
SAMPLES = [Sample(f"p{number}", x[None], number, INSIDE) for number, x in enumerate(images(3))]
CHEAP = ["deletion", "sparseness", "pointing-game"]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the columns that are really measured."""
    seen: list[str] = []
    measure = Metric.of

    def watched(self: Metric, trial: Trial, options: dict[str, Any]) -> Any:
        seen.extend(self.columns)
        return measure(self, trial, options)

    monkeypatch.setattr(Metric, "of", watched)
    return seen


def same(one: Evaluation, other: Evaluation) -> None:
    assert json.dumps(one.to_json()) == json.dumps(other.to_json())


def test_every_number_is_that_of_the_metric() -> None:
    found = evaluate(LENS, SAMPLES, ["saliency", "random"], CHEAP)
    assert (found.samples, found.methods) == (("p0", "p1", "p2"), ("saliency", "random"))
    assert found.targets == ("logits=0", "logits=1", "logits=2")
    assert dict(found.columns) == {"deletion": "lower", "sparseness": "neither", "pointing-game": "higher"}
    for number, sample in enumerate(SAMPLES):
        assert isinstance(sample.x, np.ndarray)
        raw = LENS.explain(sample.x, "saliency", target=number).raw[0]
        alone = trial(LENS, sample.x, raw, target=number, seed=number)
        np.testing.assert_allclose(
            found.values["saliency"]["deletion"][number], deletion(alone).values["deletion"], rtol=1e-6
        )
    interval = found.intervals["saliency"]["deletion"]
    assert interval == bootstrap(found.values["saliency"]["deletion"])
    # the maps that do not look are there to be compared with
    assert found.best("deletion") == "saliency"
    both = evaluate(LENS, SAMPLES, ["saliency", "input-x-gradient"], ["sparseness", "deletion"])
    means = {name: both.intervals[name]["deletion"].mean for name in both.methods}
    assert both.best("deletion") == min(means, key=lambda name: means[name])
    assert found.best("sparseness") is None
    differences = found.values["saliency"]["deletion"] - found.values["random"]["deletion"]
    assert found.against("random")["saliency"]["deletion"] == bootstrap(differences)
    written = found.to_json()["against"]
    assert (list(written), list(written["random"])) == (["random"], ["saliency"])
    np.testing.assert_allclose(written["random"]["saliency"]["deletion"][0], differences.mean())


def test_by_default_all_that_can_be_measured_is() -> None:
    found = evaluate(LENS, SAMPLES[:1], ["saliency"])
    without = {"label-randomisation"}
    assert list(found.columns) == [
        column for name, metric in METRICS.items() if name not in without for column in metric.columns
    ]
    assert [note.split(":")[0] for note in found.notes] == ["metric label-randomisation is left out"]
    plain = evaluate(LENS, [Sample("p", images(1))], ["saliency"], settings={"insertion": {"steps": 2}})
    assert "energy-in-box" not in plain.columns


def test_a_second_run_measures_nothing_and_says_the_same(tmp_path: Path, measured: list[str]) -> None:
    first = evaluate(LENS, SAMPLES, ["saliency", "random"], CHEAP, folder=tmp_path)
    assert len(measured) == 3 * 2 * 3
    assert len(list(tmp_path.iterdir())) == 3 * 2
    measured.clear()
    same(first, evaluate(LENS, SAMPLES, ["saliency", "random"], CHEAP, folder=tmp_path))
    assert measured == []


def test_a_run_that_is_stopped_goes_on_where_it_was(tmp_path: Path, measured: list[str]) -> None:
    whole = evaluate(LENS, SAMPLES, ["saliency", "random"], CHEAP)
    measured.clear()

    def stop(done: int, total: int, step: str) -> None:
        assert total == 6
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(LENS, SAMPLES, ["saliency", "random"], CHEAP, folder=tmp_path, progress=stop)
    assert len(measured) == 4 * 3
    same(whole, evaluate(LENS, SAMPLES, ["saliency", "random"], CHEAP, folder=tmp_path))
    assert len(measured) == 6 * 3


def test_only_what_has_changed_is_measured_again(tmp_path: Path, measured: list[str]) -> None:
    def again(**changed: Any) -> int:
        measured.clear()
        given = {
            "lens": LENS,
            "samples": SAMPLES,
            "methods": ["smoothgrad", "random"],
            "metrics": CHEAP,
            **changed,
        }
        evaluate(folder=tmp_path, **given)
        return len(measured)

    few = {"smoothgrad": {"samples": 2}}
    assert again(options=few) == 18
    # another metric, another option of one method, of one metric; another class of one sample; another seed; model
    assert again(options=few, metrics=[*CHEAP, "energy-in-box"]) == 6
    assert again(options={"smoothgrad": {"samples": 3}}) == 9
    assert again(options={"smoothgrad": {"samples": 3}}, settings={"deletion": {"steps": 4}}) == 6
    moved = [*SAMPLES[:2], Sample("p2", SAMPLES[2].x, 7, INSIDE)]
    assert (
        again(options={"smoothgrad": {"samples": 3}}, settings={"deletion": {"steps": 4}}, samples=moved) == 6
    )
    assert again(options=few, seed=1) == 18
    weights = {**cnn_weights(), "fc.bias": normal(10, seed=99)}
    assert again(options=few, seed=1, lens=Inspector(cnn(weights=weights))) == 18
    assert again(options=few, seed=1, lens=Inspector(cnn(weights=weights))) == 0


def test_a_file_that_is_no_result_is_not_taken_for_one(tmp_path: Path) -> None:
    evaluate(LENS, SAMPLES[:1], ["random"], ["sparseness"], folder=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_text("{}")
    with pytest.raises(InputError, match=r"0001-p0-random\.json is no result of an evaluation: remove it"):
        evaluate(LENS, SAMPLES[:1], ["random"], ["sparseness"], folder=tmp_path)


def test_numbers_that_are_not_defined_survive_the_file(tmp_path: Path) -> None:
    samples = [SAMPLES[0], Sample("bare", SAMPLES[1].x, 1)]
    fresh, kept = (evaluate(LENS, samples, ["random"], ["pointing-game"], folder=tmp_path) for _ in range(2))
    for found in (fresh, kept):
        assert np.isnan(found.values["random"]["pointing-game"]).tolist() == [False, True]
        assert found.intervals["random"]["pointing-game"].count == 1
        assert found.to_json()["methods"]["random"]["pointing-game"]["values"][1] is None


def test_a_target_that_is_no_class_has_no_probability() -> None:
    with pytest.raises(InspectorError, match="average-drop cannot be measured: the target is no class"):
        evaluate(LENS, [Sample("p", images(1), "logits[3]")], ["saliency"], ["average-drop"])
    sums = Target(label=1) - Target(label=2)
    found = evaluate(LENS, [Sample("p", images(1), sums)], ["saliency"], ["deletion"])
    _, heights = found.curves["saliency"]["deletion"]
    logits = LENS.run(images(1))["logits"][0]
    np.testing.assert_allclose(heights[0], logits[1] - logits[2], rtol=1e-5)


@pytest.mark.parametrize("score", ["logit", "output"])
@pytest.mark.parametrize("final", [None, "Softmax"])
def test_a_class_is_judged_by_its_probability(final: str | None, score: Literal["logit", "output"]) -> None:
    found = evaluate(Inspector(cnn(final=final)), SAMPLES[:1], ["saliency"], ["deletion"], score=score)
    logits = LENS.run(SAMPLES[0].x)["logits"][0].astype(float)
    expected = np.exp(logits[0] - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose(found.curves["saliency"]["deletion"][1][0], expected, rtol=1e-5)


def test_boxes_and_second_models_are_asked_for() -> None:
    bare = [Sample("p", images(1))]
    with pytest.raises(InspectorError, match=r"pointing-game cannot be measured: .*--truth FILE"):
        evaluate(LENS, bare, ["saliency"], ["pointing-game"])
    with pytest.raises(
        InspectorError, match=r"label-randomisation cannot be measured: it takes a second model"
    ):
        evaluate(LENS, bare, ["saliency"], ["label-randomisation"])


def test_names_and_options_that_mean_nothing_are_refused() -> None:
    one = SAMPLES[:1]
    with pytest.raises(
        InspectorError, match="there is no metric 'magic'; metrics: insertion, deletion, road"
    ):
        evaluate(LENS, one, ["saliency"], ["magic"])
    with pytest.raises(InspectorError, match="no method 'magic'"):
        evaluate(LENS, one, ["magic"], CHEAP)
    with pytest.raises(
        InspectorError, match=r"metric deletion takes no option 'stpes'; its options: steps=25"
    ):
        evaluate(LENS, one, ["saliency"], CHEAP, settings={"deletion": {"stpes": 3}})
    with pytest.raises(InspectorError, match="method smoothgrad takes no option 'stpes'"):
        evaluate(LENS, one, ["smoothgrad"], CHEAP, options={"smoothgrad": {"stpes": 3}})
    with pytest.raises(InspectorError, match="'random' takes no options"):
        evaluate(LENS, one, ["random"], CHEAP, options={"random": {"seed": 3}})
    with pytest.raises(InspectorError, match="nothing to evaluate"):
        evaluate(LENS, [], ["random"], CHEAP)


def test_tokens_are_taken_away_and_not_blended() -> None:
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"]),
        helper.make_node("ReduceMean", ["words", "axis"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["logits"]),
    ]
    weights = {"table": normal(20, 6), "w": normal(6, 3), "axis": np.array([1])}
    text = model(nodes, {}, {"logits": ["n", 3]}, weights)
    text.graph.input.append(helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", 5]))
    ids = np.array([[3, 4, 5, 6, 7]])
    found = evaluate(
        Inspector(text), [Sample("t", ids, 1)], ["saliency", "random"], settings={
            "insertion": {"baseline": 0}, "deletion": {"baseline": 0}, "infidelity": {"baseline": 0},
            "mu-fidelity": {"baseline": 0},
        },
    )  # fmt: skip
    assert {"road", "average-drop", "sensitivity-max"}.isdisjoint(found.columns)
    assert {"deletion", "mu-fidelity", "cascading-ssim"} <= set(found.columns)


def test_the_controls() -> None:
    assert set(CONTROLS) == {"random", "centre"}
    centre = CONTROLS["centre"]((6, 9), 0)
    assert np.unravel_index(centre[:, 4].argmax(), (6,)) == (2,)
    np.testing.assert_allclose(centre, centre[::-1, ::-1])
    one, other = (CONTROLS["random"]((4, 4), seed) for seed in (0, 1))
    assert (one != other).all()
    assert evaluate(
        Inspector(linear(np.ones(16))), [Sample("p", pixels(), 0)], ["centre"], ["sparseness"]
    ).methods


def test_a_single_neuron_has_a_probability_of_either_class() -> None:
    """Of label 0 it is the logistic function of minus the logit."""
    both = []
    for label in (0, 1):
        found = evaluate(Inspector(linear(np.ones(16), classes=1)), [Sample("p", pixels(), label)], ["saliency"],
                         ["deletion"])  # fmt: skip
        both.append(found.curves["saliency"]["deletion"][1][0])
    logit = float(pixels().sum())
    np.testing.assert_allclose(both, [1 / (1 + np.exp(logit)), 1 / (1 + np.exp(-logit))], rtol=1e-5)
