"""What either framework's learner owes the loop: it learns, it resumes bit for bit, it refuses foreign files."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainers.data import Dataset
from trainers.errors import TrainerError
from trainers.frameworks import get_framework
from trainers.learner import Learner
from trainers.models import get_spec
from trainers.runs import Run, create_run, load_module, open_run
from trainers.scores import mean_loss
from trainers.settings import Settings
from trainers.targets import targets_of
from trainers.training import fit, predict

FRAMEWORKS = [
    pytest.param("torch", marks=pytest.mark.torch),
    pytest.param("tensorflow", marks=pytest.mark.tensorflow),
]
# Keras 3.15 with NumPy 2
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
SETTINGS = Settings(epochs=2, batch_size=96, loss_weights={"angle": 2.0})


def learner(framework: str, model: str = "section2-line", settings: Settings = SETTINGS) -> Learner:
    return get_framework(framework).learner(get_spec(model), settings, device="cpu")


def new_run(path: Path, framework: str, model: str = "section2-line") -> Run:
    return create_run(
        path, get_spec(model), get_framework(framework), SETTINGS, {"name": "line", "details": {}}
    )


def weights(trained: Learner) -> list[bytes]:
    if hasattr(trained.module, "get_weights"):
        return [value.tobytes() for value in trained.module.get_weights()]
    return [value.numpy().tobytes() for value in trained.module.state_dict().values()]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_loss_of_a_batch_is_the_weighted_sum_of_the_heads(framework: str, small_line: Dataset) -> None:
    made = learner(framework)
    targets = targets_of(get_spec("section2-line"), small_line, small_line.train_labels[:20])
    loss, logits = made.train_batch(small_line.train_images[:20], targets)
    assert loss == pytest.approx(mean_loss(get_spec("section2-line"), SETTINGS, logits, targets), rel=1e-5)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("model", ["section1-line", "section2-line"])
def test_training_on_a_batch_lowers_its_loss(framework: str, model: str, small_line: Dataset) -> None:
    settings = Settings()
    made = learner(framework, model, settings)
    made.set_learning_rate(1e-3)
    rows = np.arange(0, 288, 9)
    targets = targets_of(get_spec(model), small_line, small_line.train_labels[rows])
    losses = [made.train_batch(small_line.train_images[rows], targets)[0] for _ in range(8)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_rate_of_almost_nothing_changes_almost_nothing(framework: str, small_line: Dataset) -> None:
    made = learner(framework)
    made.set_learning_rate(1e-12)
    before = made.predict(small_line.test_images[:4])["angle"]
    targets = targets_of(get_spec("section2-line"), small_line, small_line.train_labels[:8])
    # statistics of the normalisation do move: compare what the optimiser alone changes
    first = made.train_batch(small_line.train_images[:8], targets)[1]["angle"]
    second = made.train_batch(small_line.train_images[:8], targets)[1]["angle"]
    np.testing.assert_allclose(first, second, atol=1e-5)
    assert before.shape == (4, 12)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_one_epoch_and_one_resumed_equal_two_bit_for_bit(
    framework: str, small_line: Dataset, tmp_path: Path
) -> None:
    straight = learner(framework)
    wanted = fit(new_run(tmp_path / "straight", framework), straight, small_line)

    class Killed(BaseException):
        pass

    def kill(_: dict[str, Any]) -> None:
        raise Killed

    run = new_run(tmp_path / "killed", framework)
    with pytest.raises(Killed):
        fit(run, learner(framework), small_line, on_epoch=kill)
    resumed = learner(framework)
    history = fit(open_run(run.path), resumed, small_line)
    without = [{k: v for k, v in record.items() if k != "seconds"} for record in history]
    assert without == [{k: v for k, v in record.items() if k != "seconds"} for record in wanted]
    assert weights(resumed) == weights(straight)
    for which in ("best", "last"):
        first, second = learner(framework), learner(framework)
        first.load_weights(run.checkpoint(which))
        second.load_weights(tmp_path / "straight" / "checkpoints" / run.checkpoint(which).name)
        assert weights(first) == weights(second)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_module_loaded_from_a_run_is_the_one_trained(
    framework: str, small_line: Dataset, tmp_path: Path
) -> None:
    run = new_run(tmp_path / "run", framework)
    trained = learner(framework)
    fit(run, trained, small_line)
    x = small_line.test_images[:5]
    logits = predict(trained, x)
    module = load_module(run, "best")
    unit = x.astype(np.float32) / 255
    if framework == "torch":
        import torch

        assert not module.training
        values = module(torch.from_numpy(unit.transpose(0, 3, 1, 2).copy()))
        values = [value.detach().numpy() for value in values]
    else:
        values = [np.asarray(value) for value in module(unit, training=False)]
    for name, value in zip(run.spec.outputs, values, strict=True):
        np.testing.assert_allclose(value, logits[name], rtol=1e-4, atol=1e-5)


class Payload:
    """A pickle that would create a file when loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_pickle_in_place_of_weights_is_refused_and_not_run(framework: str, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", framework)
    trap = tmp_path / "was-run"
    run.checkpoint("best").write_bytes(pickle.dumps(Payload(trap)))
    with pytest.raises(TrainerError, match="not a checkpoint of onnxlens"):
        load_module(run)
    assert not trap.exists()


@pytest.mark.torch
def test_a_pickle_inside_an_archive_is_refused_and_not_run(tmp_path: Path) -> None:
    import torch

    run = new_run(tmp_path / "run", "torch")
    trap = tmp_path / "was-run"
    torch.save({"weights": Payload(trap)}, run.checkpoint("best"))
    with pytest.raises(TrainerError, match="not a checkpoint of onnxlens"):
        load_module(run)
    assert not trap.exists()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_truncated_checkpoint_is_refused(framework: str, tmp_path: Path) -> None:
    run = new_run(tmp_path / "run", framework)
    path = run.checkpoint("last")
    learner(framework).save(path, "[]")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(TrainerError, match="damaged"):
        learner(framework).load(path)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_weights_of_another_model_are_refused(framework: str, tmp_path: Path) -> None:
    path = new_run(tmp_path / "run", framework).checkpoint("best")
    learner(framework, "section1-mnist", Settings()).save_weights(path)
    with pytest.raises(TrainerError, match="another model than section2-line"):
        learner(framework).load_weights(path)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_weights_alone_cannot_be_resumed_from(framework: str, tmp_path: Path) -> None:
    path = new_run(tmp_path / "run", framework).checkpoint("last")
    made = learner(framework)
    made.save_weights(path)
    with pytest.raises(TrainerError, match="weights only"):
        made.load(path)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_device_that_is_not_there_is_refused(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if framework == "torch":
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    else:
        monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda _: [])
    with pytest.raises(TrainerError, match="no device 'cuda' here; it has"):
        get_framework(framework).learner(get_spec("section1-mnist"), Settings(), device="cuda")


@pytest.mark.parametrize(("framework", "package"), [("torch", "torch"), ("tensorflow", "keras")])
def test_a_framework_that_is_not_installed_is_named_with_its_extra(
    framework: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    for name in [name for name in sys.modules if name.startswith(("trainers.torch_tr", "trainers.keras_tr"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(TrainerError, match=rf"pip install onnxlens\[{framework}\]"):
        learner(framework)
