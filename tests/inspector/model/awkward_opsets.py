"""What older opsets said otherwise."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from tests.inspector.model.awkward_building import (
    Build,
    Feeds,
    dense,
    floats,
    named,
    pictures,
    small,
    text,
)

# --- old operator sets -------------------------------------------------------------------------------------------


def opset7() -> tuple[onnx.ModelProto, Feeds]:
    weights = {
        "w": floats(4, 3, 3, 3),
        **{name: np.abs(floats(4, seed=seed)) for seed, name in enumerate(("s", "b", "m", "v"))},
        "shape": np.array([0, -1]),
    }
    return pictures(
        """g (float[2,3,8,8] x) => (float[2,k] y) {
            c = Conv<pads = [1, 1, 1, 1]>(x, w)
            n = BatchNormalization<spatial = 1, epsilon = 0.001>(c, s, b, m, v)
            r = Relu(n)
            d, mask = Dropout<ratio = 0.5>(r)
            p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(d)
            up = Upsample<mode = "nearest", scales = [1.0, 1.0, 2.0, 2.0]>(p)
            sl = Slice<axes = [2, 3], starts = [1, 1], ends = [7, 100]>(up)
            pd = Pad<pads = [0, 0, 1, 1, 0, 0, 1, 1], mode = "constant", value = 0.5>(sl)
            cl = Clip<min = -0.5, max = 2.0>(pd)
            sp0, sp1 = Split<axis = 1>(cl)
            ad = Add(sp0, sp1)
            rd = ReduceMean<axes = [2], keepdims = 0>(ad)
            sq = Unsqueeze<axes = [0]>(rd)
            us = Squeeze<axes = [0]>(sq)
            f = Reshape(us, shape)
            t, ti = TopK<k = 5>(f)
            y = Softmax(t)
        }""",
        7,
        weights,
    )


def batchnorm_per_element() -> tuple[onnx.ModelProto, Feeds]:
    weights = {name: np.abs(floats(3, 8, 8, seed=seed)) for seed, name in enumerate(("s", "b", "m", "v"))}
    return pictures(
        """g (float[2,3,8,8] x) => (float[2,3,8,8] y) {
            n = BatchNormalization<spatial = 0>(x, s, b, m, v)  y = Relu(n)
        }""",
        7,
        weights,
    )


def coerced(op: str, opset: int, axis: str = "") -> Build:
    """Before opset 13 these work on the tensor flattened to a matrix at `axis`."""

    def build() -> tuple[onnx.ModelProto, Feeds]:
        return pictures(
            f"g (float[n,3,h,w0] x) => (float[n,3,h,w0] y) {{ s = {op}{axis}(x) y = Tanh(s) }}", opset, {}
        )

    return build


def resized(opset: int, node: str, weights: dict[str, NDArray]) -> Build:
    def build() -> tuple[onnx.ModelProto, Feeds]:
        return pictures(
            f"g (float[n,3,8,8] x) => (float[n,3,p,q] y) {{ u = {node} y = Tanh(u) }}", opset, weights
        )

    return build


SCALES = {"scales": np.array([1, 1, 2, 1.5], dtype=np.float32)}


def old_padding_and_slicing() -> tuple[onnx.ModelProto, Feeds]:
    weights = {"starts": np.array([1, -3]), "ends": np.array([6, 100]), "axes": np.array([2, 3])}
    return pictures(
        """g (float[n,3,8,8] x) => (float[n,3,a,b] y) {
            p = Pad<pads = [0, 0, 1, 2, 0, 0, 2, 1], mode = "reflect">(x)
            s = Slice(p, starts, ends, axes)
            y = Tanh(s)
        }""",
        10,
        weights,
    )


def old_dropout_mask() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        "g (float[n,6] x) => (float[n,6] y, bool[n,6] m) { h = Tanh(x) y, m = Dropout<ratio = 0.3>(h) }",
        '"" : 10',
        ir_version=5,
    )


def data_dependent_slice() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        """g (float[n,6] x) => (float[n,k] y) <int64[1] one = {1}, int64[1] zero = {0}> {
            size = Shape(x)  width = Slice(size, one, two)  two = Add(one, one)  half = Div(width, two)
            s = Slice(x, zero, half, one)  y = Tanh(s)
        }""",
        '"" : 11',
    )


def every_reduction(opset: int) -> Build:
    names = ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "LogSumExp", "SumSquare", "LogSum"]

    def build() -> tuple[onnx.ModelProto, Feeds]:
        lines = ["h = Exp(x)"]
        lines += [f"r{i} = Reduce{name}<axes = [1], keepdims = 1>(h)" for i, name in enumerate(names)]
        lines += [
            f"all = ReduceSum<keepdims = 1>(h)  y = Concat<axis = 1>({', '.join(f'r{i}' for i in range(10))})"
        ]
        return small(
            f"g (float[n,6] x) => (float[n,10] y, float[1,1] all) {{ {' '.join(lines)} }}",
            f'"" : {opset}',
            ir_version=6,
        )

    return build


def old_scatter() -> tuple[onnx.ModelProto, Feeds]:
    return small(
        """g (float[2,6] x) => (float[2,6] y) <int64[1,3] i = {5, 0, 2}, float[1,3] u = {1.0, 2.0, 3.0}> {
            s = Scatter<axis = 1>(x, i, u)  y = Tanh(s)
        }""",
        '"" : 9',
        ir_version=4,
    )


def old_scan() -> tuple[onnx.ModelProto, Feeds]:
    """Scan of opset 8 has a batch axis and lengths."""
    model = text(
        """g (float[2,3,4] x) => (float[2,4] last, float[2,3,4] sums) {
            zeros = Constant<value = float[2,4] {0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0}>()
            last, sums = Scan<num_scan_inputs = 1, body = b (float[4] s, float[4] e) => (float[4] s2, float[4] o)
                { t = Tanh(e) s2 = Add(s, t) o = Identity(s2) }>( , zeros, x)
        }""",
        '"" : 8',
        ir_version=3,
    )
    return model, {"x": floats(2, 3, 4)}


def old_roi_align() -> tuple[onnx.ModelProto, Feeds]:
    """Without half a pixel before opset 16."""
    weights = {"rois": np.array([[0, 0, 5, 5], [1, 2, 7, 6]], dtype=np.float32), "which": np.array([0, 1])}
    return pictures(
        """g (float[n,3,8,8] x) => (float[r,3,2,2] y) {
            a = RoiAlign<output_height = 2, output_width = 2, sampling_ratio = 2>(x, rois, which)  y = Tanh(a)
        }""",
        10,
        weights,
    )


def old_recurrence() -> tuple[onnx.ModelProto, Feeds]:
    model = text(
        """g (float[5,2,3] x) => (float[5,1,2,4] y) {
            y, h, c = LSTM<hidden_size = 4>(x, w, r)
        }""",
        '"" : 7',
        ir_version=3,
    )
    for name, shape in (("w", (1, 16, 3)), ("r", (1, 16, 4))):
        tensor = numpy_helper.from_array(floats(*shape), name)
        model.graph.initializer.append(tensor)
        model.graph.input.append(helper.make_tensor_value_info(name, 1, shape))
    return model, {"x": floats(5, 2, 3)}


def quantised(opset: int) -> Build:
    def build() -> tuple[onnx.ModelProto, Feeds]:
        return small(
            f"""g (float[n,6] x) => (float[n,4] y) <{dense(6, 4)}, float s = {{0.02}}, uint8 z = {{128}}> {{
                q = QuantizeLinear(x, s, z)  d = DequantizeLinear(q, s, z)  h = MatMul(d, w)  y = Tanh(h)
            }}""",
            f'"" : {opset}',
        )

    return build


def windows_behind_the_data(opset: int) -> Build:
    """A last window that would start in the padding is none; `onnx` counts it before opset 22."""

    def build() -> tuple[onnx.ModelProto, Feeds]:
        model, _ = pictures(
            """g (float[n,3,7,7] x) => (float[n,3,p,q] y) {
                a = MaxPool<kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1>(x)
                b = AveragePool<kernel_shape = [2, 2], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1>(x)
                s = Add(a, b)
                y = Tanh(s)
            }""",
            opset,
            {},
        )
        return model, {"x": floats(2, 3, 7, 7)}

    return build


BUILDERS: dict[str, Build] = named(
    opset7, batchnorm_per_element, old_padding_and_slicing, old_dropout_mask, data_dependent_slice,
    old_scatter, old_scan, old_roi_align, old_recurrence,
)  # fmt: skip
BUILDERS |= {
    **{
        f"{op.lower()}_{opset}_{axis or 'default'}": coerced(op, opset, axis)
        for op in ("Softmax", "LogSoftmax", "Hardmax")
        for opset in (9, 11)
        for axis in ("", "<axis = 2>", "<axis = 0>")
    },
    "softmax_11_negative": coerced("Softmax", 11, "<axis = -1>"),
    "upsample_9_nearest": resized(9, 'Upsample<mode = "nearest">(x, scales)', SCALES),
    "upsample_9_linear": resized(9, 'Upsample<mode = "linear">(x, scales)', SCALES),
    "resize_10_nearest": resized(10, 'Resize<mode = "nearest">(x, scales)', SCALES),
    "resize_10_linear": resized(10, 'Resize<mode = "linear">(x, scales)', SCALES),
    "resize_11": resized(
        11, 'Resize<mode = "cubic">(x, roi, scales)', {**SCALES, "roi": np.array([], np.float32)}
    ),
    "resize_11_tf_nearest": resized(
        11,
        'Resize<mode = "nearest", coordinate_transformation_mode = "tf_half_pixel_for_nn">(x, roi, scales)',
        {**SCALES, "roi": np.array([], np.float32)},
    ),
    **{f"reductions_{opset}": every_reduction(opset) for opset in (9, 11, 12)},
    **{f"ceil_mode_{opset}": windows_behind_the_data(opset) for opset in (11, 18, 22)},
    **{f"quantised_{opset}": quantised(opset) for opset in (10, 13, 18)},
}
