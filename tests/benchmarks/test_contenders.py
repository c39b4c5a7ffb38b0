"""The table of contenders names what exists, and those of one task on a small network return the same."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import cases as case_module
from benchmarks.cases import Case, measure
from benchmarks.contenders import bound
from benchmarks.contenders.onnxruntime_plain import plain_session
from benchmarks.contenders.table import OURS, REFERENCES, TABLE, Contender
from benchmarks.environments import Environments
from benchmarks.networks.files import provide
from benchmarks.networks.images import images
from benchmarks.suites import SUITES, Choice, cases
from benchmarks.turns import Pace
from benchmarks.work import CLASS, Work
from inspector import Inspector

ROOT = Path(__file__).resolve().parents[2]


def functions(module: str) -> set[str]:
    tree = ast.parse((ROOT / "benchmarks" / "contenders" / f"{module}.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("contender", [*TABLE, *REFERENCES.values()], ids=lambda each: each.function)
def test_every_function_named_exists(contender: object) -> None:
    module, _, name = contender.function.partition(":")  # type: ignore[attr-defined]
    assert name in functions(module)


def test_every_task_has_ours_and_a_reference() -> None:
    assert {each.task for each in TABLE if each.name == OURS} | {"forward"} == set(REFERENCES)
    names = [(each.task, each.name) for each in TABLE]
    assert len(set(names)) == len(names)


def test_suites_have_cases_and_the_quick_ones_fewer(tmp_path: Path) -> None:
    for name in SUITES:
        whole, quick = (cases([name], Choice(tmp_path, 2, quick=quick)) for quick in (False, True))
        assert 0 < len(quick) < len(whole) or name == "perturbation"
        assert all(case.contenders[0] == REFERENCES[case.task] for case in whole)
    (only,) = cases(["gradient"], Choice(tmp_path, 2, networks=("resnet50",), batches=(4,), sizes=(64,)))
    assert (only.work.network, only.work.batch, only.work.size, only.work.threads) == ("resnet50", 4, 64, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def work(folder: Path) -> Work:
    asked = Work("chain-100", str(folder), batch=2, size=4)
    with Environments([], folder) as environments:
        provide(asked, "dynamic", environments)
        provide(asked, "fixed", environments)
    return asked


@pytest.mark.parametrize("graph", [False, True])
def test_bound_sessions_return_what_plain_ones_do(work: Work, graph: bool) -> None:
    x = images(work)
    session = plain_session(work.path(), 1)
    given, output = session.get_inputs()[0].name, session.get_outputs()[0].name
    found = bound.bound(work.path("fixed" if graph else "dynamic"), {given: x}, output, work, graph)().numpy()
    np.testing.assert_array_equal(found, session.run([output], {given: x})[0])


@pytest.mark.parametrize("make", [bound.gradient, bound.gradient_graph])
def test_bound_gradients_are_ours(work: Work, make: object) -> None:
    found = make(work).run().numpy()  # type: ignore[operator]
    expected = Inspector(work.path(), ["cpu"]).gradient(images(work), CLASS)
    # two graphs, for any batch and for this one: float32 rounding
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_a_case_has_a_row_for_everyone_with_a_reason_where_there_is_no_figure(
    work: Work, folder: Path
) -> None:
    with Environments([], folder) as environments:
        # as in an environment without peers
        environments.found[sys.executable]["libraries"]["onnx_ad"] = False
        found = measure(Case("gradient", "gradient", work), environments, Pace(3, 0.0))
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["onnxruntime"]["ratio"] == (1, 1, 1)
    assert rows["onnxlens"]["ratio"][0] <= rows["onnxlens"]["ratio"][1] <= rows["onnxlens"]["ratio"][2]
    assert rows["onnxlens, fixed batch"]["difference"] <= 1e-5
    assert rows["onnx-ad"] == {"name": "onnx-ad", "version": "", "error": "onnx_ad not installed"}
    assert not {"torch.autograd", "tf.GradientTape"} & set(rows)


def test_what_cannot_be_compared_has_a_reason_and_no_figure(
    work: Work, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ragged(Contender):
        where = "tests.benchmarks.contenders:ragged"

    several = Ragged("gradient", "several outputs", "", "onnxruntime", "onnxruntime")
    monkeypatch.setattr(case_module, "TABLE", (*TABLE, several))
    asked = Case("gradient", "gradient", work, (OURS, several.name))
    with Environments([], folder) as environments:
        found = measure(asked, environments, Pace(3, 0.0))
    rows = {row["name"]: row for row in found["rows"]}
    assert "inhomogeneous" in rows["several outputs"]["error"]
    assert "ratio" not in rows["several outputs"]
    assert rows["onnxlens"]["ratio"]
    assert [row["name"] for row in found["rows"]].count("several outputs") == 1
