"""The training loop, the same for every framework.

An epoch ends with one atomic write of `checkpoints/last`, which holds the weights, the optimiser's state and the
history so far. Everything else that the next epoch depends on (the order of the images, the learning rate, whether to
stop) is a function of the settings, the epoch's number and that history. So a killed run loses at most the epoch it was
in, and a resumed one goes on as if nothing had happened.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainers.atomic import replacing
from trainers.data import Dataset
from trainers.errors import TrainerError
from trainers.learner import Learner, Logits
from trainers.runs import Run
from trainers.schedule import best_epoch, cosine_rate, has_stalled
from trainers.scores import hits, mean_loss
from trainers.targets import Targets, batches, epoch_order, targets_of, validation_mask

__all__ = ["OnBatch", "OnEpoch", "fit", "predict"]

Record = dict[str, Any]
OnBatch = Callable[[int, int, int, float], None]
"""Called after each batch with: the epoch, batches done, batches in all, the batch's loss."""
OnEpoch = Callable[[Record], None]
"""Called after each epoch with its history record."""

PREDICT_BATCH = 512


def predict(learner: Learner, images: NDArray[np.uint8]) -> Logits:
    """The logits of all images, batch by batch: output name -> float32 (N, units)."""
    parts = [learner.predict(images[part]) for part in batches(len(images), PREDICT_BATCH)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def fit(
    run: Run,
    learner: Learner,
    dataset: Dataset,
    on_batch: OnBatch = lambda *_: None,
    on_epoch: OnEpoch = lambda _: None,
) -> list[Record]:
    """Train until the settings' epochs are done or a plateau is reached; returns the history.

    Starts from `checkpoints/last` where there is one. Leaves `learner` with the weights of the best epoch.

    Raises:
        TrainerError: a checkpoint cannot be read, the training set is too small to hold anything out, or the loss
            is no longer a number.
    """
    spec, settings = run.spec, run.settings
    held_out = validation_mask(
        dataset.train_images, dataset.train_labels, settings.validation_share, settings.seed
    )
    if not held_out.any():
        raise TrainerError(
            "the training set is too small: no image can be held out to choose the best epoch by"
        )
    train_rows = np.flatnonzero(~held_out)
    train_targets = targets_of(spec, dataset, dataset.train_labels)
    val_images = dataset.train_images[held_out]
    val_targets = {name: target[held_out] for name, target in train_targets.items()}

    last, best = run.checkpoint("last"), run.checkpoint("best")
    history: list[Record] = json.loads(learner.load(last)) if last.exists() else []
    run.write("history", {"epochs": history})
    while len(history) < settings.epochs and not has_stalled(history, settings.patience):
        started = time.monotonic()
        epoch = len(history) + 1
        rate = cosine_rate(settings.learning_rate, epoch, settings.epochs)
        learner.set_learning_rate(rate)
        order = train_rows[epoch_order(len(train_rows), settings.seed, epoch)]
        record: Record = {"epoch": epoch} | _one_epoch(
            run, learner, dataset, train_targets, order, epoch, on_batch
        )
        logits = predict(learner, val_images)
        record["val_loss"] = _finite(mean_loss(spec, settings, logits, val_targets), run, epoch)
        record |= {f"val_{name}": float(right.mean()) for name, right in hits(logits, val_targets).items()}
        record |= {"learning_rate": rate, "seconds": round(time.monotonic() - started, 3)}
        history.append(record)
        if best_epoch(history) == epoch:
            with replacing(best) as partial:
                learner.save_weights(partial)
        with replacing(last) as partial:
            learner.save(partial, json.dumps(history))
        run.write("history", {"epochs": history})
        run = run.updated(epochs=epoch)
        on_epoch(record)
    learner.load_weights(best)
    return history


def _one_epoch(
    run: Run,
    learner: Learner,
    dataset: Dataset,
    targets: Targets,
    order: NDArray[np.int64],
    epoch: int,
    on_batch: OnBatch,
) -> Record:
    """Train on the images `order` once; the mean loss and accuracies on the way."""
    sums: dict[str, float] = {}
    parts: Sequence[slice] = batches(len(order), run.settings.batch_size)
    for done, part in enumerate(parts, 1):
        rows = order[part]
        wanted = {name: target[rows] for name, target in targets.items()}
        loss, logits = learner.train_batch(dataset.train_images[rows], wanted)
        _finite(loss, run, epoch)
        totals = {name: float(right.sum()) for name, right in hits(logits, wanted).items()}
        for name, value in ({"loss": loss * len(rows)} | totals).items():
            sums[name] = sums.get(name, 0.0) + value
        on_batch(epoch, done, len(parts), loss)
    return {name: value / len(order) for name, value in sums.items()}


def _finite(loss: float, run: Run, epoch: int) -> float:
    if not np.isfinite(loss):
        raise TrainerError(
            f"the loss became {loss} in epoch {epoch}: start again with --overwrite and a lower --learning-rate "
            f"than {run.settings.learning_rate:g}"
        )
    return loss
