"""Who can do what: one line for each contender."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.networks import NETWORKS

__all__ = ["OURS", "REFERENCE", "TABLE", "Contender"]

OURS = "onnxlens"
ANY, TORCH, KERAS = ("torch", "keras"), ("torch",), ("keras",)
CPU, BOTH = ("cpu",), ("cpu", "cuda")
SLOW = "slow"


@dataclass(frozen=True)
class Contender:
    """One library doing one kind of work.

    Attributes:
        task: what is done; those of one task are measured in turn.
        name: for tables.
        function: "module:function" below `benchmarks.contenders`, called with a `Work`, returns `Ready`.
        library: what is imported; decides the environment.
        package: the distribution whose version is written down.
        frameworks: whose networks it takes.
        providers: what it runs on.
        static: whether it reads the file for one batch.
        layered: whether it needs the name of the layer in the framework.
        only: keys of `NETWORKS` that it is asked to do; none: all.
    """

    task: str
    name: str
    function: str
    library: str
    package: str
    frameworks: tuple[str, ...] = ANY
    providers: tuple[str, ...] = CPU
    static: bool = False
    layered: bool = False
    only: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The function with its package."""
        return f"benchmarks.contenders.{self.function}"

    @property
    def ours(self) -> bool:
        """Whether it is this toolkit, or runs beside it: in the same environment."""
        return self.library in ("inspector", "onnxruntime")

    def takes(self, network: str, provider: str) -> bool:
        """Whether it can do its work on this network and provider."""
        spec = NETWORKS[network]
        return (
            spec.framework in self.frameworks
            and provider in self.providers
            and (not self.static or spec.framework == "torch")
            and (not self.layered or bool(spec.layer))
            and (not self.only or network in self.only)
        )


def _ours(task: str, function: str, **more: object) -> Contender:
    return Contender(task, OURS, f"ours:{function}", "inspector", "onnxlens", **more)  # type: ignore[arg-type]


REFERENCE = Contender(
    "forward", "onnxruntime", "onnxruntime_plain:forward", "onnxruntime", "onnxruntime-gpu", providers=BOTH
)

TABLE: tuple[Contender, ...] = (
    REFERENCE,
    Contender(
        "forward",
        "onnxruntime, fixed batch",
        "onnxruntime_plain:forward_static",
        "onnxruntime",
        "onnxruntime",
        static=True,
    ),
    Contender("forward", "PyTorch", "pytorch:forward", "torch", "torch", TORCH, BOTH),
    Contender("forward", "torch.compile", "pytorch:compiled", "torch", "torch", TORCH, BOTH),
    Contender("forward", "TensorFlow", "keras_tape:forward", "tensorflow", "tensorflow", KERAS),
    Contender("forward", "onnx2torch", "from_onnx:forward", "onnx2torch", "onnx2torch", TORCH),
    _ours("activations", "activations"),
    Contender("activations", "PyTorch, hooks", "pytorch:activations", "torch", "torch", TORCH),
    _ours("gradcam", "gradcam"),
    Contender("gradcam", "pytorch-grad-cam", "cams:grad_cam", "pytorch_grad_cam", "grad-cam", TORCH, layered=True),
    Contender("gradcam", "captum", "cams:captum", "captum", "captum", TORCH, layered=True),
    Contender("gradcam", "tf-keras-vis", "keras_vis:gradcam", "tf_keras_vis", "tf-keras-vis", KERAS, layered=True),
    _ours("gradient", "gradient"),
    Contender("gradient", "onnxlens, fixed batch", "ours:gradient_static", "inspector", "onnxlens", static=True),
    Contender("gradient", "torch.autograd", "pytorch:gradient", "torch", "torch", TORCH, BOTH),
    Contender("gradient", "torch.compile", "pytorch:compiled_gradient", "torch", "torch", TORCH, BOTH),
    Contender("gradient", "onnx-ad", "from_onnx:onnx_ad", "onnx_ad", "onnx-ad", static=True),
    Contender("gradient", "onnx2torch", "from_onnx:gradient", "onnx2torch", "onnx2torch", TORCH),
    Contender("gradient", "tf.GradientTape", "keras_tape:gradient", "tensorflow", "tensorflow", KERAS),
)  # fmt: skip
