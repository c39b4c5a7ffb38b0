from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inspector.errors import InputError
from inspector.images import load_pictures, random_feeds
from inspector.model.layer import TensorInfo

IMAGE = TensorInfo("image", ("batch", 3, 8, 10), "float32")
EXTRA = TensorInfo("scale", ("batch", 2), "float32")


def save(path: Path, array: Any) -> Path:
    np.save(path, array)
    return path


def test_pictures_and_arrays_in_the_order_given(tmp_path: Path) -> None:
    Image.new("RGB", (20, 16), (255, 0, 0)).save(tmp_path / "red.png")
    save(tmp_path / "batch.npy", np.zeros((2, 3, 8, 10)))
    found = load_pictures([tmp_path / "red.png", tmp_path / "batch.npy"], IMAGE)
    assert [p.name for p in found] == ["red", "batch-1", "batch-2"]
    assert all(p.tensor.shape == (1, 3, 8, 10) and p.tensor.dtype == np.float32 for p in found)
    assert found[0].rgb is not None
    assert found[0].rgb.shape == (16, 20, 3)
    assert found[0].tensor[0, :, 4, 4].tolist() == [1, 0, 0]
    assert found[0].x is found[0].tensor
    assert any("are assumed" in note for note in found[0].notes)


def test_an_array_without_its_batch_axis_is_one_sample(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((3, 8, 10))
    (found,) = load_pictures([save(tmp_path / "a.npy", values)], [IMAGE])
    np.testing.assert_array_equal(found.tensor[0], values.astype(np.float32))
    # shown as the picture it is
    assert found.rgb is not None
    np.testing.assert_array_equal(found.rgb, np.rint(values * 255).transpose(1, 2, 0))
    assert found.placement is not None
    assert found.placement.identical


def test_npz_feeds_inputs_by_name(tmp_path: Path) -> None:
    image, scale = np.ones((2, 3, 8, 10), np.float32), np.arange(4, dtype=np.float32).reshape(2, 2)
    np.savez(tmp_path / "a.npz", image=image, scale=scale)
    one, two = load_pictures([tmp_path / "a.npz"], [IMAGE, EXTRA])
    assert isinstance(two.x, dict)
    np.testing.assert_array_equal(two.x["scale"], scale[1:])
    assert one.x["image"].shape == (1, 3, 8, 10)


def test_a_single_array_in_an_npz_needs_no_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", np.ones((1, 3, 8, 10)))
    assert load_pictures([tmp_path / "a.npz"], IMAGE)[0].tensor.shape == (1, 3, 8, 10)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.ones((1, 3, 8, 11)), r"float64 \(1, 3, 8, 11\), the input is image float32 \(batch, 3, 8, 10\)"),
        (np.ones((1, 1, 8, 10)), "the shape does not fit"),
        (np.ones((0, 3, 8, 10)), "is empty"),
        (np.full((1, 3, 8, 10), np.nan), "holds 240 NaN or infinite values"),
        (np.full((1, 3, 8, 10), np.inf), "NaN or infinite"),
        (np.full((1, 3, 8, 10), "a"), "the type does not fit"),
        (np.ones((1, 3, 8, 10), complex), "the type does not fit"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, array: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_pictures([save(tmp_path / "a.npy", array)], IMAGE)


def test_integer_inputs_take_integers_in_range(tmp_path: Path) -> None:
    wanted = TensorInfo("image", (1, 8, 10, 3), "uint8")
    (found,) = load_pictures([save(tmp_path / "a.npy", np.full((1, 8, 10, 3), 200))], wanted)
    assert found.tensor.dtype == np.uint8
    with pytest.raises(InputError, match="outside uint8"):
        load_pictures([save(tmp_path / "b.npy", np.full((1, 8, 10, 3), 300))], wanted)
    with pytest.raises(InputError, match="the type does not fit"):
        load_pictures([save(tmp_path / "c.npy", np.ones((1, 8, 10, 3)))], wanted)


def test_pickled_and_broken_files_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 cut short")
    (tmp_path / "empty.npy").touch()
    for name, words in {
        "objects.npy": "never loaded", "text.npy": "numpy.save", "cut.npz": "no readable", "empty.npy": "numpy.save",
    }.items():  # fmt: skip
        with pytest.raises(InputError, match=words):
            load_pictures([tmp_path / name], IMAGE)


def test_several_inputs_need_names(tmp_path: Path) -> None:
    Image.new("RGB", (10, 8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"2 inputs .*scale float32 \(batch, 2\).* give a .npz"):
        load_pictures([tmp_path / "a.png"], [IMAGE, EXTRA])
    np.savez(tmp_path / "missing.npz", image=np.ones((1, 3, 8, 10)), other=np.ones(1))
    with pytest.raises(InputError, match="holds other, which the model has no input for"):
        load_pictures([tmp_path / "missing.npz"], [IMAGE, EXTRA])
    with pytest.raises(InputError, match="lacks the input scale"):
        load_pictures([save(tmp_path / "one.npy", np.ones((1, 3, 8, 10)))], [IMAGE, EXTRA])


def test_inputs_that_are_no_pictures_take_arrays_only(tmp_path: Path) -> None:
    vector = TensorInfo("features", ("batch", 5), "float32")
    (found,) = load_pictures([save(tmp_path / "a.npy", np.ones((1, 5)))], vector)
    assert found.rgb is None
    Image.new("RGB", (10, 8)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="does not take a picture"):
        load_pictures([tmp_path / "a.png"], vector)


def test_random_feeds_are_the_same_for_the_same_seed() -> None:
    inputs = [IMAGE, EXTRA, TensorInfo("ids", ("batch", "tokens"), "int64")]
    one, two, other = random_feeds(inputs), random_feeds(inputs), random_feeds(inputs, seed=1)
    assert {name: array.shape for name, array in one.items()} == {
        "image": (1, 3, 8, 10),
        "scale": (1, 2),
        "ids": (1, 8),
    }
    assert all((one[name] == two[name]).all() for name in one)
    assert (one["image"] != other["image"]).any()
    assert one["image"].min() >= 0
    assert one["image"].max() <= 1
