"""What training needs from Keras 3 on TensorFlow. The loop, schedule, metrics and folder are in `trainers.training`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from trainers.errors import TrainerError
from trainers.learner import Logits
from trainers.models import Spec
from trainers.models.keras_builder import build_keras
from trainers.settings import Settings

__all__ = ["KerasLearner", "for_inference", "make_learner", "versions"]

STATE = "onnxlens"
"""The group of a checkpoint that `keras.Model.load_weights` does not look at: the optimiser and the note."""


def _device(name: str) -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if name == "auto":
        name = "cuda" if gpus else "cpu"
    if name != "cpu" and not gpus:
        raise TrainerError(f"TensorFlow has no device {name!r} here; it has cpu")
    return "/CPU:0" if name == "cpu" else "/GPU:0"


class KerasLearner:
    """A functional Keras model with Adam (Kingma & Ba 2015). See `trainers.learner.Learner`."""

    def __init__(self, spec: Spec, settings: Settings, device: str) -> None:
        self.spec = spec
        self.settings = settings
        self._scope: Callable[[], Any] = lambda: tf.device(device)
        with self._scope():
            self._model = build_keras(spec, settings.seed)
            self._optimizer = keras.optimizers.Adam(settings.learning_rate)
            self._optimizer.build(self._model.trainable_variables)
        images = tf.TensorSpec((None, *spec.size, len(spec.channels)), tf.uint8)
        labels = {output: tf.TensorSpec((None,), tf.int64) for output in spec.outputs}
        self._step = tf.function(self._trace_step, input_signature=[images, labels])
        self._infer = tf.function(lambda x: self._forward(x, training=False), input_signature=[images])

    @property
    def module(self) -> Any:
        """The `keras.Model` being trained."""
        return self._model

    def set_learning_rate(self, rate: float) -> None:
        """Use `rate` from the next batch on."""
        self._optimizer.learning_rate = rate

    def train_batch(
        self, images: NDArray[np.uint8], targets: Mapping[str, NDArray[np.int64]]
    ) -> tuple[float, Logits]:
        """One step of Adam on the weighted sum of the heads' losses."""
        with self._scope():
            loss, logits = self._step(tf.constant(images), {k: tf.constant(v) for k, v in targets.items()})
        return float(loss), {name: value.numpy() for name, value in logits.items()}

    def predict(self, images: NDArray[np.uint8]) -> Logits:
        """The logits of one batch, in inference mode."""
        with self._scope():
            return {name: value.numpy() for name, value in self._infer(tf.constant(images)).items()}

    def _forward(self, images: Any, training: bool) -> dict[str, Any]:
        logits = self._model(tf.cast(images, tf.float32) / 255, training=training)
        return dict(zip(self.spec.outputs, logits if isinstance(logits, list) else [logits], strict=True))

    def _trace_step(self, images: Any, targets: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            logits = self._forward(images, training=True)
            loss = self._loss(logits, targets)
        self._optimizer.apply(tape.gradient(loss, variables), variables)
        return loss, logits

    def _loss(self, logits: Mapping[str, Any], targets: Mapping[str, Any]) -> Any:
        total = tf.zeros(())
        for head in self.spec.heads:
            z, target = logits[head.output], targets[head.output]
            if head.activation == "softmax":
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(target, z)
            else:
                losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(target, z.dtype), z[:, 0])
            total += self.settings.weight(head.output) * tf.reduce_mean(losses)
        return total

    def save(self, path: Path, note: str) -> None:
        """Write weights, optimiser and `note` to one file."""
        self.save_weights(path)
        with h5py.File(path, "a") as file:
            state = file.create_group(STATE)
            state["note"] = note
            self._optimizer.save_own_variables(state.create_group("optimizer"))

    def load(self, path: Path) -> str:
        """Take up where `save` left off; returns its note."""
        self.load_weights(path)
        with h5py.File(path, "r") as file:
            if STATE not in file:
                raise TrainerError(f"{path} holds weights only: a training cannot be resumed from it")
            state: Any = file[STATE]
            self._optimizer.load_own_variables(state["optimizer"])
            return str(state["note"].asstr()[()])

    def save_weights(self, path: Path) -> None:
        """Write the weights alone, as `keras.Model.save_weights` does."""
        named = path.with_name(f"{path.stem}.weights.h5")  # Keras writes to no other suffix
        try:
            self._model.save_weights(named)
            named.replace(path)
        finally:
            named.unlink(missing_ok=True)

    def load_weights(self, path: Path) -> None:
        """Read weights from what `save` or `save_weights` wrote."""
        if not h5py.is_hdf5(path):
            raise TrainerError(
                f"{path} is not a checkpoint of onnxlens, or is damaged; nothing in it was run"
            )
        try:
            with warnings.catch_warnings():
                # Keras only warns where a file lacks weights, and leaves those of the layer as they were
                warnings.simplefilter("error", UserWarning)
                self._model.load_weights(path)
        except (OSError, ValueError, KeyError, UserWarning) as error:
            raise TrainerError(
                f"{path} is damaged, or holds the weights of another model than {self.spec.name}"
            ) from error


def make_learner(
    spec: Spec, settings: Settings, device: str = "auto", threads: int | None = None
) -> KerasLearner:
    """A fresh learner; `threads` bounds the CPU threads of the whole process."""
    if threads is not None and threads != tf.config.threading.get_intra_op_parallelism_threads():
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError as error:
            raise TrainerError("TensorFlow is running already: its threads can only be set before") from error
    # without it two runs, or a run and its continuation, may add up in different orders
    tf.config.experimental.enable_op_determinism()
    return KerasLearner(spec, settings, _device(device))


def for_inference(model: Any) -> Any:
    """The model as it is: Keras infers unless told to train."""
    return model


def versions() -> dict[str, str]:
    """The installed TensorFlow and Keras."""
    return {"tensorflow": tf.__version__, "keras": keras.__version__}
