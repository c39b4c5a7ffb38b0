"""Tables and the page come from the JSON alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.page import page, terminal, write
from benchmarks.tables import figure

WORK = {"batch": 1, "size": 224, "threads": 2, "provider": "cpu", "precision": "float32"}


def row(name: str, ratio: float, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "version": "1", "seconds": [ratio, ratio, ratio], "ratio": [ratio, ratio, 2 * ratio], **more
    }  # fmt: skip


def document(*cases: dict[str, Any]) -> dict[str, Any]:
    return {
        "began": "2026-01-01", "minutes": 1.0, "threads": 2, "rounds": 3, "gpu": "no GPU here", "notes": ["noted"],
        "machine": {"processor": "abacus", "cores": 2, "system": "Linux"},
        "environments": [{"packages": {"numpy": "2.0"}}, {"packages": {"numpy": "2.1"}}],
        "cases": list(cases),
    }  # fmt: skip


def case(suite: str, network: str, *rows: dict[str, Any], task: str = "", **more: Any) -> dict[str, Any]:
    return {
        "suite": suite,
        "task": task or suite,
        "network": network,
        **WORK,
        "reference": "onnxruntime",
        "rows": list(rows),
        **more,
    }


GRADIENT = case(
    "gradient", "resnet18", row("onnxruntime", 1.0), row("onnxlens", 2.25), row("torch.autograd", 4.5, difference=2e-6),
    {"name": "onnx-ad", "version": "", "error": "onnx_ad not installed"},
)  # fmt: skip


def test_figures() -> None:
    assert figure(row("a", 2.25)) == "2.25 (2.25-4.50)"
    assert figure({"ratio": 0.5}) == "0.50"
    assert figure(row("a", 180.0, once=True)) == "180 (one run)"
    assert figure({"ratio": [9.99, 12.34, 123.4]}) == "9.99 (12.3-123)".replace("9.99 (12.3", "12.3 (9.99")
    assert figure({"error": "why"}) == "fails"


def test_a_page_has_the_table_the_reasons_and_the_machine() -> None:
    text = page(document(GRADIENT), [], Path())
    assert "| **Gradient at the input** |" not in text
    assert "| Gradient at the input | **onnxlens** | **2.25** |" in text
    assert "torch.autograd" in text
    assert "- onnx-ad fails on ResNet-18: onnx_ad not installed" in text
    assert "torch.autograd 2e-06" in text
    assert "abacus, 2 cores" in text
    assert "numpy 2.0 and 2.1" in text
    assert "noted" in text
    (left_out,) = [line for line in text.splitlines() if line.startswith("Not part of this run: ")]
    assert "All activations" in left_out
    assert "ViT-B/16" in left_out
    assert "torch.compile" in left_out
    assert "torch.autograd" not in left_out
    assert "stopped before" not in text
    assert "stopped before" in page({**document(GRADIENT), "finished": False}, [], Path())


def test_growth_is_relative_to_the_shortest_chain() -> None:
    chains = [
        case("build", f"chain-{nodes}", row("plain", 1.0), row("onnxlens", ratio, facts={"nodes": nodes}))
        for nodes, ratio in ((100, 1.0), (1000, 15.0))
    ]
    assert "100 nodes 1.00, 1,000 nodes 1.50" in page(document(*chains), [], Path())


def test_throughput_of_perturbations() -> None:
    bare = row("bare forward passes", 1.0, facts={"passes": 225})
    one = case("perturbation", "resnet18", bare, row("onnxlens", 1.25), task="occlusion")
    assert "occlusion: 80% of the bare throughput (225 passes)." in terminal(document(one))


def test_plots_are_drawn_and_named(tmp_path: Path) -> None:
    sweep = [
        case(
            "sweep: batch",
            "resnet18",
            row("onnxruntime", 1.0),
            row("onnxlens", 2.0),
            task="gradient",
            batch=batch,
        )
        for batch in (1, 4)
    ]
    write(document(GRADIENT, *sweep), tmp_path / "page.md", tmp_path / "images")
    text = (tmp_path / "page.md").read_text()
    for name in ("gradient", "sweep-batch"):
        assert f"](images/{name}.png)" in text
        assert (tmp_path / "images" / f"{name}.png").stat().st_size > 5_000


def test_the_terminal_says_what_was_not_there() -> None:
    text = terminal(document(GRADIENT))
    assert text.startswith("note: noted")
    assert "onnx-ad" in text
    assert "fails" in text
