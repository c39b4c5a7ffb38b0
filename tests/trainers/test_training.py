"""The loop: history, checkpoints, plateau, and a killed run that goes on as if it had never stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainers.toy import ToyLearner
from trainers.data import Dataset
from trainers.errors import TrainerError
from trainers.runs import Run, open_run
from trainers.schedule import best_epoch, cosine_rate
from trainers.training import fit, predict


def timeless(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key != "seconds"} for record in history]


def learner_of(run: Run) -> ToyLearner:
    return ToyLearner(run.spec, run.settings)


def same_weights(first: ToyLearner, second: ToyLearner) -> bool:
    return all(first.weights[name].tobytes() == second.weights[name].tobytes() for name in first.weights)


def test_the_history_has_loss_and_accuracies_of_both_parts(toy_run: Run, small_line: Dataset) -> None:
    history = fit(toy_run, learner_of(toy_run), small_line)
    assert [record["epoch"] for record in history] == [1, 2, 3, 4]
    heads = ("accuracy", "length_accuracy", "width_accuracy", "angle_accuracy", "colour_accuracy")
    for record in history:
        assert {
            "loss",
            "val_loss",
            "learning_rate",
            "seconds",
            *heads,
            *(f"val_{h}" for h in heads),
        } <= record.keys()
        assert all(0 <= record[head] <= 1 for head in heads)
        assert record["accuracy"] <= min(record[head] for head in heads[1:])
    assert history[-1]["loss"] < history[0]["loss"]
    assert toy_run.history == history


def test_the_rate_follows_the_schedule(toy_run: Run, small_line: Dataset) -> None:
    learner = learner_of(toy_run)
    fit(toy_run, learner, small_line)
    assert learner.rates == [cosine_rate(0.05, epoch, 4) for epoch in (1, 2, 3, 4)]


def test_the_learner_is_left_with_the_best_epoch_s_weights(toy_run: Run, small_line: Dataset) -> None:
    learner = learner_of(toy_run)
    snapshots: list[dict[str, np.ndarray]] = []
    history = fit(toy_run, learner, small_line, on_epoch=lambda _: snapshots.append(dict(learner.weights)))
    best = snapshots[best_epoch(history) - 1]
    assert all((learner.weights[name] == best[name]).all() for name in best)


def test_progress_is_told_of_every_batch_and_epoch(toy_run: Run, small_line: Dataset) -> None:
    seen: list[tuple[int, int, int]] = []
    epochs: list[int] = []
    fit(
        toy_run, learner_of(toy_run), small_line,
        on_batch=lambda epoch, done, total, _: seen.append((epoch, done, total)),
        on_epoch=lambda record: epochs.append(record["epoch"]),
    )  # fmt: skip
    total = seen[0][2]
    assert seen == [(epoch, done, total) for epoch in range(1, 5) for done in range(1, total + 1)]
    assert epochs == [1, 2, 3, 4]


def test_a_plateau_ends_the_training(toy_run: Run, small_line: Dataset) -> None:
    class Stuck(ToyLearner):
        def train_batch(self, images: Any, targets: Any) -> Any:
            return 1.0, self.predict(images)

    settings = toy_run.settings.to_json() | {"epochs": 50, "patience": 3}
    run = toy_run.updated(settings=settings)
    assert (
        len(fit(run, Stuck(run.spec, run.settings), small_line)) == 4
    )  # the first is the best, three are no better


class Killed(BaseException):
    """As SIGKILL or Ctrl-C: nothing in the loop may catch it and go on."""


@pytest.mark.parametrize(
    "where", ["in a batch", "while writing best", "while writing last", "after writing last"]
)
def test_a_killed_run_loses_at_most_its_epoch_and_ends_as_if_never_stopped(
    where: str, toy_run: Run, small_line: Dataset, tmp_path: Path
) -> None:
    straight = learner_of(toy_run)
    wanted = fit(toy_run, straight, small_line)
    run = Run(tmp_path / "killed", toy_run.info)
    (run.path / "checkpoints").mkdir(parents=True)
    run = run.updated()

    class Doomed(ToyLearner):
        calls: dict[str, int]

        def _maybe(self, name: str, when: int) -> None:
            self.calls = getattr(self, "calls", {})
            self.calls[name] = self.calls.get(name, 0) + 1
            if where == name and self.calls[name] == when:
                raise Killed

        def train_batch(self, images: Any, targets: Any) -> Any:
            self._maybe("in a batch", 5)  # three batches an epoch
            return super().train_batch(images, targets)

        def save_weights(self, path: Path) -> None:
            super().save_weights(path)
            self._maybe("while writing best", 2)

        def save(self, path: Path, note: str) -> None:
            super().save(path, note)
            self._maybe("while writing last", 2)

    def on_epoch(record: dict[str, Any]) -> None:
        if where == "after writing last" and record["epoch"] == 2:
            raise Killed

    with pytest.raises(Killed):
        fit(run, Doomed(run.spec, run.settings), small_line, on_epoch=on_epoch)
    kept = json.loads((run.path / "history.json").read_text())["epochs"]
    assert len(kept) == (2 if where == "after writing last" else 1)
    assert {path.name for path in (run.path / "checkpoints").iterdir()} == {"best.pt", "last.pt"}

    resumed = learner_of(run)
    history = fit(open_run(run.path), resumed, small_line)
    assert timeless(history) == timeless(wanted)
    assert same_weights(resumed, straight)


def test_a_loss_that_is_no_number_stops_with_advice(toy_run: Run, small_line: Dataset) -> None:
    class Exploding(ToyLearner):
        def train_batch(self, images: Any, targets: Any) -> Any:
            return float("nan"), self.predict(images)

    with pytest.raises(TrainerError, match=r"loss became nan in epoch 1.*lower --learning-rate"):
        fit(toy_run, Exploding(toy_run.spec, toy_run.settings), small_line)


def test_predictions_come_in_the_order_of_the_images(toy_run: Run, small_line: Dataset) -> None:
    learner = learner_of(toy_run)
    images = np.tile(small_line.test_images, (4, 1, 1, 1))  # more than one batch
    logits = predict(learner, images)
    assert (logits["angle"] == learner.predict(images)["angle"]).mean() > 0.99
    np.testing.assert_allclose(logits["angle"], learner.predict(images)["angle"], rtol=1e-5)
