"""Who can do what: one line for each contender."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.networks import NETWORKS
from benchmarks.work import File

__all__ = ["OURS", "REFERENCES", "TABLE", "Contender"]

OURS = "onnxlens"
# libraries that need more than themselves
NEEDS = {"tf_keras_vis": ("tf_keras_vis", "tensorflow"), "onnx2torch": ("onnx2torch", "torchvision")}
GROUPS = {
    "inspector": "onnxruntime",
    "onnxruntime": "onnxruntime",
    "onnx_ad": "onnx_ad",
    "tensorflow": "tensorflow",
    "tf_keras_vis": "tensorflow",
}
ANY, TORCH, KERAS = ("torch", "keras", "onnx"), ("torch",), ("keras",)
PERTURBING = ("occlusion", "rise", "scorecam")
CPU, BOTH = ("cpu",), ("cpu", "cuda")


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
        file: which kind it reads.
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
    file: File = "dynamic"
    layered: bool = False
    only: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The function with its package."""
        return f"benchmarks.contenders.{self.function}"

    @property
    def needs(self) -> tuple[str, ...]:
        """What has to be installed in its environment."""
        return NEEDS.get(self.library, (self.library,))

    @property
    def group(self) -> str:
        """Those of one group share a process."""
        return GROUPS.get(self.library, "torch")

    def takes(self, network: str, provider: str) -> bool:
        """Whether it can do its work on this network and provider."""
        spec = NETWORKS[network]
        return (
            spec.framework in self.frameworks
            and provider in self.providers
            and (self.file == "dynamic" or spec.framework != "keras")
            and (self.file != "legacy" or spec.framework == "torch")
            and (not self.layered or bool(spec.layer))
            and (not self.only or network in self.only)
        )


def _ours(task: str, function: str, **more: object) -> Contender:
    return Contender(task, OURS, function, "inspector", "onnxlens", **more)  # type: ignore[arg-type]


def _bare(task: str, function: str, name: str) -> Contender:
    return Contender(task, name, function, "onnxruntime", "onnxruntime-gpu")


FORWARD = Contender(
    "forward", "onnxruntime", "onnxruntime_plain:forward", "onnxruntime", "onnxruntime-gpu", providers=BOTH
)

# what the work of a task is measured by
REFERENCES = {
    **dict.fromkeys(("forward", "activations", "gradcam", "gradient"), FORWARD),
    **{task: _bare(task, f"perturbed:bare_{task}", "bare forward passes") for task in PERTURBING},
    "maximise": _bare("maximise", "maximised:bare", "bare gradient session"),
    "build": _bare("build", "built:plain", "onnx.load and a session"),
}

TABLE: tuple[Contender, ...] = (
    FORWARD,
    Contender(
        "forward",
        "onnxruntime, fixed batch",
        "onnxruntime_plain:forward_static",
        "onnxruntime",
        "onnxruntime",
        file="fixed",
    ),
    Contender("forward", "PyTorch", "pytorch:forward", "torch", "torch", TORCH, BOTH),
    Contender("forward", "torch.compile", "pytorch:compiled", "torch", "torch", TORCH, BOTH),
    Contender("forward", "TensorFlow", "keras_tape:forward", "tensorflow", "tensorflow", KERAS),
    Contender("forward", "onnx2torch", "onnx2torch_module:forward", "onnx2torch", "onnx2torch", TORCH, file="legacy"),
    Contender("forward", "onnxruntime, CUDA graph", "bound:forward_graph", "onnxruntime", "onnxruntime-gpu",
        providers=("cuda",), file="fixed"),
    _ours("activations", "ours:activations", providers=BOTH),
    Contender("activations", "PyTorch, hooks", "pytorch:activations", "torch", "torch", TORCH),
    _ours("gradcam", "ours:gradcam", providers=BOTH),
    Contender("gradcam", "pytorch-grad-cam", "cams:grad_cam", "pytorch_grad_cam", "grad-cam", TORCH, BOTH,
        layered=True),
    Contender("gradcam", "captum", "cams:captum", "captum", "captum", TORCH, BOTH, layered=True),
    Contender("gradcam", "tf-keras-vis", "keras_vis:gradcam", "tf_keras_vis", "tf-keras-vis", KERAS, layered=True),
    _ours("gradient", "ours:gradient", providers=BOTH),
    Contender("gradient", "onnxlens, fixed batch", "ours:gradient_static", "inspector", "onnxlens", file="fixed"),
    Contender("gradient", "onnxlens, bound", "bound:gradient", "inspector", "onnxlens", providers=("cuda",)),
    Contender("gradient", "onnxlens, CUDA graph", "bound:gradient_graph", "inspector", "onnxlens",
        providers=("cuda",), file="fixed"),
    Contender("gradient", "torch.autograd", "pytorch:gradient", "torch", "torch", TORCH, BOTH),
    Contender("gradient", "torch.compile", "pytorch:compiled_gradient", "torch", "torch", TORCH, BOTH),
    Contender("gradient", "onnx-ad", "onnx_ad_graph:gradient", "onnx_ad", "onnx-ad", file="fixed"),
    Contender("gradient", "onnx2torch", "onnx2torch_module:gradient", "onnx2torch", "onnx2torch", TORCH, file="legacy"),
    Contender("gradient", "tf.GradientTape", "keras_tape:gradient", "tensorflow", "tensorflow", KERAS),
    *(_ours(task, f"perturbed:{task}") for task in PERTURBING),
    Contender("occlusion", "captum", "perturbed_torch:captum_occlusion", "captum", "captum", TORCH),
    Contender("scorecam", "pytorch-grad-cam", "perturbed_torch:grad_cam_scorecam", "pytorch_grad_cam", "grad-cam",
        TORCH, layered=True),
    _ours("maximise", "maximised:maximise"),
    Contender("maximise", "tf-keras-vis", "keras_vis:maximise", "tf_keras_vis", "tf-keras-vis", KERAS),
    _ours("build", "built:gradient"),
    Contender("build", "onnx-ad", "onnx_ad_graph:build", "onnx_ad", "onnx-ad", file="fixed"),
)  # fmt: skip
