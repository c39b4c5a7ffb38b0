from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.images.layout import picture_layout
from inspector.images.preprocess import PRESETS, picture_input, preprocessing_for
from inspector.model.layer import Dim, TensorInfo
from inspector.model.metadata import InputSpec, Metadata

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def spec(*shape: Dim, dtype: str = "float32") -> TensorInfo:
    return TensorInfo("image", shape, dtype)


def tensor(wanted: TensorInfo, metadata: Metadata | None = None, **options: Any) -> np.ndarray[Any, Any]:
    return preprocessing_for(wanted, metadata, **options).apply(PIXELS)[0]


def test_the_presets_are_what_their_models_were_trained_on() -> None:
    chw = PIXELS.transpose(2, 0, 1)[None].astype(np.float64)
    wanted = spec("batch", 3, 4, 6)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    truth = {
        "unit": chw / 255,
        "signed": chw / 127.5 - 1,
        "raw": chw,
        "imagenet": (chw / 255 - mean[:, None, None]) / std[:, None, None],
        "caffe": chw[:, ::-1] - np.array([103.939, 116.779, 123.68])[:, None, None],
    }
    assert set(truth) == set(PRESETS)
    for preset, expected in truth.items():
        found = tensor(wanted, preset=preset)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5, err_msg=preset)


def test_metadata_rules_unless_a_preset_is_named() -> None:
    metadata = Metadata(input=InputSpec("NHWC", (-1.0, 1.0), (0.1, 0.2, 0.3), (0.5, 0.5, 0.5), "BGR", (4, 6)))
    wanted = spec("batch", None, None, 3)
    expected = (PIXELS[..., ::-1] / 127.5 - 1 - np.array([0.1, 0.2, 0.3])) / 0.5
    np.testing.assert_allclose(tensor(wanted, metadata)[0], expected, rtol=1e-5, atol=1e-6)
    assert preprocessing_for(wanted, metadata).notes == ()
    np.testing.assert_allclose(tensor(wanted, metadata, preset="raw")[0], PIXELS)


def test_without_either_the_assumption_is_said() -> None:
    (note,) = preprocessing_for(spec("batch", 3, 4, 6)).notes
    assert "values from 0 to 1 are assumed" in note
    assert "--preset" in note


def test_bgr_turns_a_presets_means_with_the_channels() -> None:
    plain, turned = (tensor(spec(1, 3, 4, 6), preset="imagenet", bgr=bgr) for bgr in (False, True))
    np.testing.assert_array_equal(turned, plain[:, ::-1])


def test_mean_and_std_are_in_the_tensors_channel_order() -> None:
    found = tensor(spec(1, 4, 6, 3), preset="unit", mean=(0.1, 0.2, 0.3), std=(2.0,), bgr=True)
    expected = (PIXELS[None, ..., ::-1] / 255 - np.array([0.1, 0.2, 0.3])) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_grey_models_get_luminance() -> None:
    found = tensor(spec("batch", 1, 4, 6), preset="raw")
    assert found.shape == (1, 1, 4, 6)
    # ITU-R BT.601
    np.testing.assert_allclose(found[0, 0], PIXELS @ np.array([0.299, 0.587, 0.114]), atol=1)


def test_integer_inputs_get_pixels() -> None:
    found = tensor(spec(1, 4, 6, 3, dtype="uint8"))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[0], PIXELS)
    assert preprocessing_for(spec(1, 4, 6, 3, dtype="uint8")).notes == ()
    assert tensor(spec(1, 3, 4, 6, dtype="float16")).dtype == np.float16


def test_a_dynamic_size_is_the_pictures_own_or_the_one_given() -> None:
    wanted = spec("batch", 3, "height", "width")
    assert tensor(wanted).shape == (1, 3, 4, 6)
    assert any("keeps its own" in note for note in preprocessing_for(wanted).notes)
    assert tensor(wanted, size=(8, 10)).shape == (1, 3, 8, 10)


@pytest.mark.parametrize(
    ("shape", "stated", "layout"),
    [
        (("batch", 3, 224, 224), None, "NCHW"),
        ((1, 224, 224, 3), None, "NHWC"),
        ((1, 28, 28, 1), None, "NHWC"),
        (("batch", 1, 28, 28), None, "NCHW"),
        ((None, None, None, None), None, "NCHW"),
        ((None, None, None, None), "NHWC", "NHWC"),
        ((3, 3, 3, 3), "NHWC", "NHWC"),
        ((3, 64, 64), None, "CHW"),
        ((64, 64, 3), None, "HWC"),
        (("batch", 16, 8, 8), None, None),
        (("batch", 768), None, None),
        ((None, None, None), None, None),
        (None, None, None),
    ],
)
def test_the_layout_follows_from_the_shape(
    shape: tuple[Dim, ...] | None, stated: str | None, layout: str | None
) -> None:
    assert picture_layout(shape, stated) == layout


def test_the_picture_goes_to_the_input_shaped_like_one() -> None:
    inputs = [TensorInfo("mask", ("batch", 1), "bool"), spec("batch", 3, 8, 8)]
    assert picture_input(inputs).name == "image"
    assert picture_input(inputs[:1]).name == "mask"
    with pytest.raises(InputError, match="no input"):
        picture_input([])


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        (("batch", 16, 8, 8), {}, r"image float32 \(batch, 16, 8, 8\) does not take a picture"),
        ((1, 3, 224, 224), {"size": (100, 100)}, "takes pictures of 224x224, not 100x100"),
        ((1, 1, 28, 28), {"preset": "imagenet"}, "mean has 3 numbers, the model's input 1 channel"),
        ((1, 1, 28, 28), {"bgr": True}, "--bgr does not apply"),
        ((1, 3, 28, 28), {"std": (0.0,)}, "std has a 0"),
        ((1, 3, 28, 28), {"mean": (123.7, 116.3, 103.5)}, "add --preset raw"),
        ((1, 3, 28, 28), {"preset": "vgg"}, "choose imagenet, unit"),
        ((1, 3, 28, 28), {"fit": "stretch"}, "choose crop, squash, letterbox"),
    ],
)
def test_contradictions_are_refused(shape: tuple[Dim, ...], options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        preprocessing_for(spec(*shape), **options)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("shape", [(1, 3, 4, 6), (1, 4, 6, 3)])
def test_a_sample_shows_its_picture_again(preset: str, shape: tuple[int, ...]) -> None:
    preprocessing = preprocessing_for(spec(*shape), preset=preset)
    sample = preprocessing.apply(PIXELS)[0][0]
    found = preprocessing.picture_of(sample)
    assert found is not None
    np.testing.assert_array_equal(found, PIXELS)
    assert preprocessing.picture_of(sample[0]) is None
