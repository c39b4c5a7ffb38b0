"""Small data and a framework that costs nothing to import."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainers.toy import ToyLearner
from trainers.data import Dataset, load
from trainers.frameworks import Framework, get_framework
from trainers.models import get_spec
from trainers.runs import Run, create_run
from trainers.settings import Settings


@pytest.fixture(scope="session")
def small_line() -> Dataset:
    """288 images to train on, 192 to test."""
    return load("line", images_per_class=5)


@pytest.fixture
def toy_framework(monkeypatch: pytest.MonkeyPatch) -> Framework:
    """`torch` by name, trained by `ToyLearner`, without figures."""
    monkeypatch.setattr(
        Framework, "learner", lambda self, spec, settings, *_, **__: ToyLearner(spec, settings)
    )
    # drawing takes longer than all the rest; tests/trainers/test_figures.py does it
    monkeypatch.setattr("trainers.experiment.draw_all", lambda *_: None)
    monkeypatch.setattr(Framework, "versions", lambda self: {"toy": "1"})
    return get_framework("torch")


@pytest.fixture
def toy_run(tmp_path: Path, toy_framework: Framework) -> Run:
    """A fresh run folder of section2-line, four epochs planned."""
    settings = Settings(epochs=4, batch_size=64, learning_rate=0.05)
    description = {"name": "line", "images_per_class": 5, "seed": 0, "details": {}}
    return create_run(tmp_path / "run", get_spec("section2-line"), toy_framework, settings, description)
