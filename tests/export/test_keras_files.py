from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import onnx
import pytest
import tensorflow as tf

from export import ExportError
from export.keras_files import export_keras_file, export_saved_model
from tests.export.cutting import changed_by
from tests.export.test_keras import image, small

# saving a model, Keras 3.15 asks TensorFlow 2.21 for an array in a way that NumPy 2 deprecates
pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def model() -> Any:
    return small()


def test_keras_file(tmp_path: Path, model: Any) -> None:
    model.save(tmp_path / "small.keras")
    export_keras_file(tmp_path / "small.keras", tmp_path / "m.onnx", ["conv"])
    assert changed_by(tmp_path / "m.onnx", {"image": image()}, "conv") == {"logits"}


def test_keras_file_with_code_is_refused(tmp_path: Path) -> None:
    x = keras.Input((3,))
    keras.Model(x, keras.layers.Lambda(lambda t: t * 2)(x)).save(tmp_path / "code.keras")
    with pytest.raises(ExportError, match="cannot be loaded") as caught:
        export_keras_file(tmp_path / "code.keras", tmp_path / "m.onnx")
    assert "\n" not in str(caught.value)
    (tmp_path / "broken.keras").write_bytes(b"no zip")
    with pytest.raises(ExportError, match="cannot be loaded"):
        export_keras_file(tmp_path / "broken.keras", tmp_path / "m.onnx")


def test_saved_model(tmp_path: Path, model: Any) -> None:
    model.export(tmp_path / "saved", verbose=False)
    errors = export_saved_model(tmp_path / "saved", tmp_path / "m.onnx", opset=21)
    assert max(errors.values()) < 1e-5
    graph = onnx.load(tmp_path / "m.onnx").graph
    assert [value.name for value in graph.input] == ["image"]
    assert len(graph.output) == 1
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    with pytest.raises(ExportError, match="no layers to tap"):
        export_saved_model(tmp_path / "saved", tmp_path / "m.onnx", ["conv"])


def test_saved_model_of_several_tensors(tmp_path: Path) -> None:
    class Sums(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec((None, 3), tf.float32, name="b"),
                tf.TensorSpec((None, 3), tf.float32, name="a"),
            ]
        )
        def sums(self, b: Any, a: Any) -> dict[str, Any]:
            return {"zebra": a - 2 * b, "apple": a + b}

    module = Sums()
    tf.saved_model.save(module, tmp_path / "saved", signatures=module.sums)
    export_saved_model(tmp_path / "saved", tmp_path / "m.onnx")
    graph = onnx.load(tmp_path / "m.onnx").graph
    assert {value.name for value in graph.input} == {"a", "b"}
    assert {value.name for value in graph.output} == {"zebra", "apple"}


def test_what_is_no_saved_model(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"nonsense")
    with pytest.raises(ExportError, match="cannot be loaded as a SavedModel"):
        export_saved_model(tmp_path, tmp_path / "m.onnx")
