"""The run folder: its schema, and what is refused on the way in and out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainers import experiment
from trainers.errors import OutputError, TrainerError
from trainers.frameworks import Framework
from trainers.models import get_spec
from trainers.runs import Run, create_run, load_module, open_run
from trainers.settings import Settings

SETTINGS = Settings(seed=7, epochs=2, batch_size=64, learning_rate=0.05)


@pytest.fixture
def finished(tmp_path: Path, toy_framework: Framework) -> Run:
    return experiment.train(
        "section2-line", "torch", tmp_path / "run", settings=SETTINGS, data={"images_per_class": 5}
    )


def test_a_finished_run_has_everything_that_exporter_and_report_read(finished: Run) -> None:
    files = {str(path.relative_to(finished.path)) for path in finished.path.rglob("*") if path.is_file()}
    assert files == {
        "run.json", "history.json", "metrics.json", "images.npz", "checkpoints/best.pt", "checkpoints/last.pt",
    }  # fmt: skip
    assert (finished.path / "figures").is_dir()
    info = json.loads((finished.path / "run.json").read_text())
    spec = get_spec("section2-line")
    assert info["format"] == 1
    assert (info["model"], info["framework"], info["variant"]) == ("section2-line", "torch", "literal")
    assert (info["seed"], info["epochs"], info["status"]) == (7, 2, "finished")
    assert (info["dataset"]["name"], info["dataset"]["seed"], info["dataset"]["images_per_class"]) == (
        "line",
        0,
        5,
    )
    assert len(info["dataset"]["details"]["distinct_per_class"]) == 96
    assert info["labels"] == spec.labels
    assert info["input"]["layout"] == "NCHW"
    assert info["outputs"] == spec.output_metadata()
    assert info["layers"] == spec.layers
    assert info["versions"]


def test_figures_are_drawn_from_the_history_and_metrics(
    toy_framework: Framework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[Any, ...]] = []
    monkeypatch.setattr("trainers.experiment.draw_all", lambda *arguments: drawn.append(arguments))
    run = experiment.train(
        "section2-line", "torch", tmp_path / "run", settings=SETTINGS, data={"images_per_class": 5}
    )
    assert drawn == [(run.path / "figures", "section2-line (torch)", run.history, run.metrics)]


def test_images_for_the_report_are_in_the_folder(finished: Run) -> None:
    with np.load(finished.path / "images.npz") as saved:
        assert saved["images"].shape == (6, 28, 28, 3)
        assert saved["images"].dtype == saved["probe_images"].dtype == np.uint8
        assert saved["labels"][0] == 0
        assert saved["probe_labels"].tolist() == list(range(96))


def test_metrics_agree_with_the_confusion_matrices(finished: Run) -> None:
    metrics = finished.metrics
    assert metrics["test_images"] == 192
    assert list(metrics["heads"]) == ["length", "width", "angle", "colour"]
    for output, scores in metrics["heads"].items():
        confusion = np.array(scores["confusion"])
        assert scores["labels"] == get_spec("section2-line").labels[output]
        assert confusion.sum() == 192
        assert confusion.trace() / 192 == pytest.approx(scores["accuracy"])
        assert confusion.sum(axis=1).tolist() == scores["support"]
        assert metrics["accuracy"] <= scores["accuracy"]


def test_the_same_seed_gives_the_same_run_and_another_another(
    tmp_path: Path, toy_framework: Framework
) -> None:
    def accuracies(name: str, seed: int) -> list[float]:
        settings = Settings(seed=seed, epochs=1, batch_size=64, learning_rate=0.05)
        run = experiment.train(
            "section2-line", "torch", tmp_path / name, settings=settings, data={"images_per_class": 5}
        )
        return [run.history[0]["loss"], run.metrics["accuracy"]]

    assert accuracies("a", 1) == accuracies("b", 1)
    assert accuracies("a2", 1) != accuracies("c", 2)


def test_a_run_is_not_overwritten_unless_asked(finished: Run) -> None:
    with pytest.raises(TrainerError, match="--resume continues it, --overwrite starts again"):
        experiment.train(
            "section2-line", "torch", finished.path, settings=SETTINGS, data={"images_per_class": 5}
        )
    assert finished.metrics
    (finished.path / "notes.txt").write_text("the user's own")
    again = create_run(
        finished.path, finished.spec, finished.framework, SETTINGS, {"name": "line"}, overwrite=True
    )
    assert not (again.path / "metrics.json").exists()
    assert not any((again.path / "checkpoints").iterdir())
    assert (again.path / "notes.txt").exists()
    assert not again.finished


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, toy_framework: Framework) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(TrainerError, match="not a run folder"):
        create_run(tmp_path, get_spec("section2-line"), toy_framework, SETTINGS, {}, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path, toy_framework: Framework) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        create_run(tmp_path / "file" / "run", get_spec("section2-line"), toy_framework, SETTINGS, {})


def test_resuming_a_finished_run_changes_nothing(finished: Run) -> None:
    before = {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()}
    assert experiment.resume(finished.path).info == finished.info
    assert {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()} == before


def test_a_run_ended_by_a_plateau_is_finished(finished: Run) -> None:
    ended_early = finished.updated(settings=finished.info["settings"] | {"epochs": 50})
    assert experiment.resume(ended_early.path).history == finished.history


def test_a_finished_run_can_be_given_more_epochs(finished: Run) -> None:
    longer = experiment.resume(finished.path, epochs=3)
    assert [record["epoch"] for record in longer.history] == [1, 2, 3]
    assert longer.history[:2] == finished.history[:2]
    assert longer.finished
    assert longer.info["epochs"] == 3


def test_a_run_killed_before_its_first_epoch_is_resumed_from_the_start(
    finished: Run, tmp_path: Path, toy_framework: Framework
) -> None:
    description = finished.info["dataset"]
    fresh = create_run(tmp_path / "fresh", finished.spec, toy_framework, SETTINGS, description)
    resumed = experiment.resume(fresh.path)
    assert resumed.metrics == finished.metrics


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "not a run folder: it has no run.json"),
        ("", "damaged"),
        ("[1]", "an object was expected"),
        ('{"format": 99}', "has format 99; this version reads 1"),
        ('{"format": 1, "model": "section1-line"}', "lacks dataset, framework, settings, status"),
    ],
)
def test_what_is_no_run_is_refused(content: str | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(TrainerError, match=said):
        open_run(tmp_path)


def test_a_run_without_a_complete_epoch_has_no_module_and_no_metrics(toy_run: Run) -> None:
    with pytest.raises(TrainerError, match="no epoch of this run is complete"):
        load_module(toy_run)
    with pytest.raises(TrainerError, match="not finished"):
        _ = toy_run.metrics
    assert toy_run.history == []


def test_options_of_another_data_set_are_refused(tmp_path: Path, toy_framework: Framework) -> None:
    with pytest.raises(TrainerError, match="'line' has no option limit"):
        experiment.train("section1-line", "torch", tmp_path / "run", data={"limit": 100})
    assert not (tmp_path / "run").exists()
