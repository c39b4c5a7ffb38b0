"""What training needs from PyTorch. The loop, schedule, metrics and folder are in `trainers.training`."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from trainers.errors import TrainerError
from trainers.learner import Logits
from trainers.models import Spec
from trainers.models.torch_builder import SpecModule, build_torch
from trainers.settings import Settings

__all__ = ["TorchLearner", "for_inference", "make_learner", "versions"]


def _device(name: str) -> torch.device:
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    if not available.get(name, False):
        usable = ", ".join(device for device, there in available.items() if there)
        raise TrainerError(f"PyTorch has no device {name!r} here; it has {usable}")
    return torch.device(name)


def _laid_out(module: SpecModule, memory_format: torch.memory_format) -> SpecModule:
    # the keyword is documented, and missing from the library's type hints
    cast(Any, module).to(memory_format=memory_format)
    return module


class TorchLearner:
    """A `SpecModule` with Adam (Kingma & Ba 2015). See `trainers.learner.Learner`."""

    def __init__(self, spec: Spec, settings: Settings, device: torch.device) -> None:
        self.spec = spec
        self.settings = settings
        self.device = device
        # with interleaved channels the convolution on a CPU is two to three times as fast
        self._module = _laid_out(build_torch(spec, settings.seed), torch.channels_last).to(device)
        self._optimizer = torch.optim.Adam(
            self._module.parameters(), lr=settings.learning_rate, fused=device.type != "mps"
        )

    @property
    def module(self) -> SpecModule:
        """The module being trained."""
        return self._module

    def set_learning_rate(self, rate: float) -> None:
        """Use `rate` from the next batch on."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    def train_batch(
        self, images: NDArray[np.uint8], targets: Mapping[str, NDArray[np.int64]]
    ) -> tuple[float, Logits]:
        """One step of Adam on the weighted sum of the heads' losses."""
        self._module.train()
        logits = self._forward(images)
        loss = self._loss(logits, {name: torch.tensor(t).to(self.device) for name, t in targets.items()})
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._optimizer.step()
        return loss.item(), {name: value.detach().cpu().numpy() for name, value in logits.items()}

    @torch.inference_mode()
    def predict(self, images: NDArray[np.uint8]) -> Logits:
        """The logits of one batch, in inference mode."""
        self._module.eval()
        return {name: value.cpu().numpy() for name, value in self._forward(images).items()}

    def _forward(self, images: NDArray[np.uint8]) -> dict[str, Tensor]:
        # a copy: the arrays may be read-only, which PyTorch cannot express
        x = torch.tensor(images).to(self.device).permute(0, 3, 1, 2).float().div_(255)
        logits = self._module(x)
        return dict(zip(self.spec.outputs, logits if isinstance(logits, tuple) else (logits,), strict=True))

    def _loss(self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        total = torch.zeros((), device=self.device)
        for head in self.spec.heads:
            z, target = logits[head.output], targets[head.output]
            if head.activation == "softmax":
                loss = F.cross_entropy(z, target)
            else:
                loss = F.binary_cross_entropy_with_logits(z[:, 0], target.to(z.dtype))
            total = total + self.settings.weight(head.output) * loss
        return total

    def save(self, path: Path, note: str) -> None:
        """Write weights, optimiser and `note` to one file."""
        state = {
            "weights": self._module.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "note": note,
        }
        torch.save(state, path)

    def load(self, path: Path) -> str:
        """Take up where `save` left off; returns its note."""
        state = self._read(path)
        self._fill(state, path)
        if not {"optimizer", "note"} <= state.keys():
            raise TrainerError(f"{path} holds weights only: a training cannot be resumed from it")
        self._optimizer.load_state_dict(state["optimizer"])
        return cast(str, state["note"])

    def save_weights(self, path: Path) -> None:
        """Write the weights alone."""
        torch.save({"weights": self._module.state_dict()}, path)

    def load_weights(self, path: Path) -> None:
        """Read weights from what `save` or `save_weights` wrote."""
        self._fill(self._read(path), path)

    def _read(self, path: Path) -> dict[str, Any]:
        foreign = f"{path} is not a checkpoint of onnxlens, or is damaged; nothing in it was run"
        # the zip archives that PyTorch writes, not bare pickles; FileNotFoundError where there is nothing
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise TrainerError(foreign)
        try:
            # weights_only: a pickle in the archive that would run code is refused, not run
            state = torch.load(path, map_location=self.device, weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
            raise TrainerError(foreign) from error
        if not isinstance(state, dict) or "weights" not in state:
            raise TrainerError(f"{path} is not a checkpoint of onnxlens")
        return state

    def _fill(self, state: dict[str, Any], path: Path) -> None:
        try:
            self._module.load_state_dict(state["weights"])
        except (RuntimeError, AttributeError, TypeError) as error:
            raise TrainerError(f"{path} holds the weights of another model than {self.spec.name}") from error


def make_learner(
    spec: Spec, settings: Settings, device: str = "auto", threads: int | None = None
) -> TorchLearner:
    """A fresh learner; `threads` bounds the CPU threads of the whole process."""
    if threads is not None:
        torch.set_num_threads(threads)
    chosen = _device(device)
    if chosen.type == "cuda":
        # the fastest of cuDNN's algorithms may add up in a different order every time
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    return TorchLearner(spec, settings, chosen)


def for_inference(module: SpecModule) -> SpecModule:
    """The module in inference mode, its tensors laid out as PyTorch does by default."""
    return _laid_out(module, torch.contiguous_format).eval()


def versions() -> dict[str, str]:
    """The installed PyTorch."""
    return {"torch": str(torch.__version__)}
