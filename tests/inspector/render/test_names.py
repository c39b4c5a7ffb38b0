from __future__ import annotations

from inspector.render.names import figure_name, slug


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
