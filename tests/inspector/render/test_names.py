from __future__ import annotations

from inspector.render.names import figure_name, question_slug, slug


def test_names_are_those_of_the_documentation() -> None:
    assert figure_name(image=1, layer=(2, "relu")) == "image-01_layer-2-relu.png"
    assert figure_name(image=1, layer=(2, "relu"), what="gradcam") == "image-01_layer-2-relu_gradcam.png"
    assert figure_name(image=3, what="activations", suffix=".npz") == "image-03_activations.npz"


def test_names_sort_as_people_count() -> None:
    names = [
        figure_name(image=image, images=120, layer=(layer, "x"), layers=12)
        for image in (1, 2, 10, 120)
        for layer in (1, 2, 10)
    ]
    assert sorted(names) == names


def test_any_tensor_name_makes_a_file_name() -> None:
    assert slug("/model/layer.1/Conv_output_0") == "model-layer.1-Conv_output_0"
    assert slug("a:0") == "a-0"
    assert slug("../..") == "tensor"
    assert slug("größe") == "gr-e"
    assert len(slug("x" * 500)) == 80


def test_long_names_are_cut_and_stay_different() -> None:
    targets = [
        f"logp(length=short) + logp(width=thin) + logp(angle={angle}°) + logp(colour=red)"
        for angle in (0, 15)
    ]
    layers = [
        "/model/backbone/stage3/block_17/depthwise/" + end for end in ("Conv_output_0", "Relu_output_0")
    ]
    names = {
        figure_name(image=1, images=1000, layer=(200, layer), layers=1000, what=f"gradcam_{target}")
        for layer in layers
        for target in targets
    }
    assert len(names) == 4
    assert all(len(name.replace(".png", "_overlay.png")) <= 80 for name in names)
    assert all("_gradcam" in name for name in names)
    assert slug("a" * 90 + "b") != slug("a" * 90 + "c")


def test_targets_keep_their_own_names() -> None:
    assert [question_slug(text) for text in ("285", "cat", "tiger cat", "top[1]", "angle[9]")] == [
        "285", "cat", "tiger-cat", "top-1", "angle-9"
    ]  # fmt: skip
    targets = [
        "top[1]", "top(1)", "top - 1", "a - b", "a-b", "-a", "a", "logits[3]", "logits[:, 3]", "logits[3, :]",
        "logits=3", "0.5*a", "0.5 a", "box(3)", "box[3]", "größe", "gr[e]",
    ]  # fmt: skip
    assert len({question_slug(text) for text in targets}) == len(targets)
