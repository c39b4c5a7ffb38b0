"""Files so large that their weights stay on the disk until they are read; here everything counts as large."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper, numpy_helper

from inspector import Inspector
from inspector.errors import ModelError
from inspector.model import external, load, wire
from inspector.session import serialise, session
from tests.inspector.graphs import cnn, images
from tests.inspector.model.awkward import BUILDERS


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tensors but the smallest, which shapes are computed from, are left in their file."""
    monkeypatch.setattr(external, "LARGE", 0)
    monkeypatch.setattr(wire, "SMALLEST", 64)
    monkeypatch.setattr(session, "HUGE", 0)


def weights_on_disk(proto: onnx.ModelProto) -> set[str]:
    return {tensor.name for tensor in external.external_tensors(proto)}


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize("name", BUILDERS)
def test_a_message_without_its_weights_says_the_same(name: str, tmp_path: Path) -> None:
    proto, feeds = BUILDERS[name]()
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    slim = onnx.load_model_from_string(wire.read_without_weights(path))
    external.read_into_memory(slim)
    for found, expected in zip(external.tensors(slim), external.tensors(proto), strict=True):
        if expected.data_type != onnx.TensorProto.STRING:
            np.testing.assert_array_equal(numpy_helper.to_array(found), numpy_helper.to_array(expected))
    found, expected = Inspector(path).run(feeds), Inspector(proto).run(feeds)
    for output, value in expected.items():
        np.testing.assert_equal(found[output], value)


def externally(path: Path, proto: onnx.ModelProto) -> Path:
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return path


def in_several_files(path: Path, proto: onnx.ModelProto) -> Path:
    """One file per weight, in folders, each behind some bytes of something else, without a length."""
    for number, tensor in enumerate(proto.graph.initializer):
        place = path.parent / f"parts {number % 2}" / f"{number}.bin"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(b"x" * (number + 3) + numpy_helper.to_array(tensor).tobytes())
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        location = place.relative_to(path.parent).as_posix()
        for key, value in {"location": location, "offset": str(number + 3)}.items():
            tensor.external_data.add(key=key, value=value)
    path.write_bytes(proto.SerializeToString())
    return path


def in_one_file(path: Path, proto: onnx.ModelProto) -> Path:
    onnx.save(proto, path)
    return path


def with_unpacked_numbers(path: Path, proto: onnx.ModelProto) -> Path:
    """As Caffe2 wrote them: in `float_data`, and two of the weights as nodes."""
    for tensor in proto.graph.initializer:
        values = numpy_helper.to_array(tensor)
        tensor.ClearField("raw_data")
        tensor.float_data.extend(values.ravel().tolist())
    weights = list(proto.graph.initializer)[:2]
    constants = [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in weights]
    nodes = [*constants, *proto.graph.node]
    del proto.graph.initializer[:2]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    onnx.save(proto, path)
    return path


def behind_links(path: Path, proto: onnx.ModelProto) -> Path:
    """As a download cache lays it out: the names are links to files called by their hashes, somewhere else."""
    blobs, shown = path.parent / "blobs", path.parent / "snapshots" / "main"
    blobs.mkdir()
    shown.mkdir(parents=True)
    onnx.save(proto, blobs / "a1", save_as_external_data=True, location="b2", size_threshold=0)
    model = onnx.load(blobs / "a1", load_external_data=False)
    for tensor in model.graph.initializer:
        external.set_location(tensor, "model.onnx_data")
    (blobs / "a1").write_bytes(model.SerializeToString())
    (shown / "model.onnx").symlink_to(blobs / "a1")
    (shown / "model.onnx_data").symlink_to(blobs / "b2")
    return shown / "model.onnx"


KEPT = [in_one_file, externally, in_several_files, with_unpacked_numbers, behind_links]


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("keep", KEPT)
def test_wherever_the_weights_are(
    keep: Callable[[Path, onnx.ModelProto], Path],
    large: bool,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if large:
        request.getfixturevalue("all_large")
    expected, x = Inspector(cnn()), images()
    lens = Inspector(keep(tmp_path / "model.onnx", cnn()))
    assert bool(weights_on_disk(lens.model.proto)) == large
    assert [layer.parameters for layer in lens.layers()] == [layer.parameters for layer in expected.layers()]
    np.testing.assert_array_equal(lens.run(x)["logits"], expected.run(x)["logits"])
    for name, value in expected.activations(x).items():
        np.testing.assert_allclose(lens.activations(x)[name], value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(lens.gradient(x, 3), expected.gradient(x, 3), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(lens.kernels("conv"), expected.kernels("conv"))


@pytest.mark.usefixtures("all_large")
def test_the_gradient_of_a_large_model_is_checked(tmp_path: Path) -> None:
    lens = Inspector(in_one_file(tmp_path / "model.onnx", cnn()))
    assert lens.check(images(1), 3).passed


def test_an_ir_model_that_refers_to_its_weights(tmp_path: Path) -> None:
    model = ir.load(externally(tmp_path / "model.onnx", cnn()))
    x = images()
    np.testing.assert_array_equal(Inspector(model).run(x)["logits"], Inspector(cnn()).run(x)["logits"])


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize("cut", [3, 100, 2000])
def test_a_large_file_cut_short_is_refused(tmp_path: Path, cut: int) -> None:
    path = in_one_file(tmp_path / "model.onnx", cnn())
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ModelError, match="cut short"):
        load(path)


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize(
    ("content", "said"), [(b"PK\x03\x04rest", "zip"), (b"\x80\x02}q", "pickle"), (b"\xff" * 50, "damaged")]
)
def test_a_large_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=said):
        load(path)


def test_external_weights_cut_short_are_refused_when_the_model_is_loaded(tmp_path: Path) -> None:
    path = externally(tmp_path / "model.onnx", cnn())
    weights = tmp_path / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match=r"'weights\.bin', which has .*cut short"):
        load(path)


def test_a_graph_larger_than_a_message_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serialise, "LARGEST", 1000)
    monkeypatch.setattr(serialise, "NEARLY", 0)
    with pytest.raises(ModelError, match="external data"):
        Inspector(cnn()).run(images())


MEASURE = """
import sys
from inspector import Inspector
import numpy as np
import onnx, onnx_ir, onnxruntime, inspector.explain, inspector.check.reference

def status(field):
    line = next(line for line in open("/proc/self/status") if line.startswith(field))
    return 1024 * int(line.split()[1])

given = {given}
before = status("VmRSS")
lens = Inspector(given)
x = np.ones((1, 64), np.float32)
{call}
print(status("VmHWM") - before)
"""


@pytest.mark.parametrize(
    ("call", "times"),
    [
        ("lens.layers()", 0.1),
        ("lens.activations(x)", 3),
        ("lens.gradient(x, 0)", 3),
        ("lens.explain(x, 'saliency', target=0)", 3),
        ("assert lens.explain(x, 'saliency', target=0, check=True).check.passed", 3),
    ],
)
def test_memory_stays_within_three_times_the_file(call: str, times: float, big_file: Path) -> None:
    assert measure("sys.argv[1]", call, big_file) < times * big_file.stat().st_size


@pytest.mark.parametrize(
    "given",
    [
        "open(sys.argv[1], 'rb').read()",
        "onnx.load(sys.argv[1])",
        "onnx_ir.from_proto(onnx.load(sys.argv[1]))",
    ],
    ids=["bytes", "ModelProto", "ir.Model"],
)
def test_memory_stays_within_three_times_a_model_in_memory(given: str, big_file: Path) -> None:
    """Beside the memory that the model itself takes."""
    call = "assert lens.explain(x, 'saliency', target=0, check=True).check.passed"
    assert measure(given, call, big_file) < 3 * big_file.stat().st_size


def measure(given: str, call: str, path: Path) -> int:
    """Bytes that the call takes at most, the model as it was given and the libraries left out."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE.format(given=given, call=call), path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize("make", [onnx.ModelProto.SerializeToString, onnx.ModelProto, ir.from_proto])
def test_a_large_model_in_memory_is_written_once_and_removed(
    make: Callable[[onnx.ModelProto], bytes | onnx.ModelProto | ir.Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    expected, x = cnn(), images()
    given = cnn() if make is onnx.ModelProto else make(cnn())
    lens = Inspector(given)
    assert weights_on_disk(lens.model.proto)
    assert np.isfinite(lens.gradient(x, 3)).all()
    assert len(list(tmp_path.iterdir())) == 1
    found = given if isinstance(given, onnx.ModelProto) else None
    assert found is None or found == expected
    del lens
    gc.collect()
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("all_large")
def test_what_is_no_model_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ModelError, match="damaged"):
        load(b"\xff" * 50)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def big_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dense network of 200 MB in one file, as onnx.save writes it."""
    nodes = [
        helper.make_node("Gemm", ["x", "first"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "second"], ["c"]),
        helper.make_node("Tanh", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "third"], ["y"], transB=1),
    ]
    rng = np.random.default_rng(0)
    shapes = {"first": (64, 5000), "second": (5000, 5000), "third": (5000, 5000)}
    weights = [
        numpy_helper.from_array(0.01 * rng.standard_normal(shape, dtype=np.float32), name)
        for name, shape in shapes.items()
    ]
    inputs = [helper.make_tensor_value_info("x", 1, ["n", 64])]
    outputs = [helper.make_tensor_value_info("y", 1, ["n", 5000])]
    graph = helper.make_graph(nodes, "dense", inputs, outputs, weights)
    path = tmp_path_factory.mktemp("big") / "dense.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path
