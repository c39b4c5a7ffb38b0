"""From run folders to the page, with a real network, its real gradients and their real checks."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from inspector.errors import OutputError
from inspector.report import Options, ReportSummary, report_runs
from tests.inspector.report.synthetic import FILTERS, make_run

QUICK = Options(filters=4, steps=2, every_layer=False, threads=1)
UNCHECKED = Options(filters=4, steps=2, every_layer=False, check=False, threads=1)
EMPTY = {"meta", "img", "input", "line", "circle", "polyline", "br"}


class Page(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in EMPTY or self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> ReportSummary:
    """Four runs: Section-1 and Section-2 for Line and MNIST in one framework, one model in both."""
    folder = tmp_path_factory.mktemp("runs")
    runs = [
        make_run(folder / "b", "section1-line", "tensorflow", 1),
        make_run(folder / "a", "section1-line", "torch", 0),
        make_run(folder / "c", "section1-mnist", "torch", 2),
        make_run(folder / "d", "section2-line", "torch", 3),
    ]
    return report_runs(runs, folder / "report.html", options=QUICK)


@pytest.fixture(scope="module")
def page(full: ReportSummary) -> Page:
    return Page(full.path)


def test_the_page_is_one_file(page: Page, full: ReportSummary) -> None:
    assert page.open == []
    assert all(str(image["src"]).startswith("data:image/") for image in page.all("img"))
    assert not page.all("link")
    assert all("src" not in script for script in page.all("script"))
    assert full.size == full.path.stat().st_size < 5e6


def test_nothing_needs_scrolling_on_paper(full: ReportSummary) -> None:
    style = full.path.read_text(encoding="utf-8").split("<style>")[1].split("</style>")[0]
    screen, paper = style.split("@media print")
    assert ".table { overflow-x: auto;" in screen
    assert ".table { overflow: visible; }" in paper


def test_every_picture_is_described(page: Page) -> None:
    assert page.all("img")
    assert all(image["alt"] for image in page.all("img"))
    assert all(chart["aria-label"] for chart in page.all("svg"))


def test_the_chapters_are_those_of_the_source(page: Page) -> None:
    text = re.sub(r"\s+", " ", page.text)
    headings = [
        "1 Visualizing Intermediate Layer Activations", "1.1 Section-1", "1.1.1 Line", "1.1.2 MNIST", "1.2 Section-2",
        "1.3 Inferences", "2 Visualizing Convnet Filters", "2.1.1 Line", "2.1.2 MNIST", "2.2 Section-2",
        "2.3 Inferences",
        "3 Visualizing Heatmaps of class activations", "3.1.1 Line", "3.1.2 MNIST", "3.2 Section-2", "3.3 Inferences",
    ]  # fmt: skip
    places = [text.rindex(heading) for heading in headings]
    assert places == sorted(places)
    for layer in (
        "Layer-1: Convolution 2D",
        "Layer-2: ReLU",
        "Layer-3: Batch Normalization",
        "Layer-4: Max Pooling 2D",
    ):
        assert layer in text
    for number in range(1, 7):
        assert f"Image-0{number}" in text


def test_every_link_leads_somewhere(page: Page) -> None:
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [str(link["href"]).removeprefix("#") for link in page.all("a")]
    assert links
    assert set(links) <= ids
    labels = {label["for"] for label in page.all("label")}
    assert labels <= ids


def test_all_claims_are_measured_and_shown(page: Page, full: ReportSummary) -> None:
    assert [claim.number for claim in full.claims] == list(range(1, 14))
    assert all(claim.verdict in ("holds", "does not hold") for claim in full.claims)
    by_number = {claim.number: claim for claim in full.claims}
    assert by_number[7].verdict == "does not hold"  # 4 of 6 filters are shown here
    assert f"4 of {FILTERS} shown" in page.text
    assert by_number[4].verdict == "holds"
    assert by_number[10].verdict == "holds"
    assert "Section-1 · Line in PyTorch and TensorFlow" in by_number[6].method
    for claim in full.claims:
        assert claim.text in page.text
    # rows in the order of the columns above them
    assert list(by_number[1].cases)[:2] == ["Section-1 · Line, PyTorch", "Section-1 · Line, TensorFlow"]


def test_a_verdict_stands_under_every_heatmap(page: Page, full: ReportSummary) -> None:
    verdicts = [tag for _, tag in page.tags if str(tag.get("class", "")).startswith("verdict ")]
    heatmaps = [image for image in page.all("img") if "gradcam of" in str(image["alt"])]
    overlays = [image for image in heatmaps if "over the image" in str(image["alt"])]
    assert len(verdicts) == len(overlays) == len(heatmaps) / 2 == sum(full.checks.values())
    # four runs, six images, three maps each: at the convolution, at the last feature map, of the own class
    assert sum(full.checks.values()) == 4 * 6 * 3
    assert full.failed_checks == 0
    assert full.checks["passed"] > 60


def test_what_is_absent_is_said(full: ReportSummary, page: Page) -> None:
    assert full.absent == (
        "Not in this report: Section-1 · MNIST (section1-mnist) in TensorFlow.",
        "Not in this report: Section-2 · Line (section2-line) in TensorFlow.",
    )
    assert full.absent[0] in page.text


def test_metrics_are_shown(page: Page) -> None:
    assert "75.00%" in page.text
    assert "Accuracy on test images without a twin in training" in page.text
    assert "0° taken for 15° (1)" in page.text


def test_one_run_alone_gives_a_report_that_says_what_is_missing(tmp_path: Path) -> None:
    run = make_run(tmp_path / "only", "section1-mnist", "tensorflow")
    steps: list[tuple[int, int, str]] = []
    summary = report_runs(
        [run], tmp_path / "r.html", options=UNCHECKED, advance=lambda *step: steps.append(step)
    )
    text = Page(summary.path).text
    assert "any run trained with PyTorch" in text
    assert "no run of section1-line was given" in text
    assert "not checked" in text
    assert summary.checks == {}
    measured = {claim.number for claim in summary.claims if claim.verdict != "not measured"}
    assert measured == {1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 13}
    assert [done for done, _, _ in steps] == list(range(5))
    assert {total for _, total, _ in steps} == {4}


def test_two_runs_of_one_model_and_framework_keep_their_names(tmp_path: Path) -> None:
    runs = [
        make_run(tmp_path / name, "section1-mnist", "torch", seed)
        for seed, name in enumerate(("first", "second"))
    ]
    text = Page(report_runs(runs, tmp_path / "r.html", options=UNCHECKED).path).text
    assert "PyTorch (first)" in text
    assert "PyTorch (second)" in text


def test_names_are_escaped(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", "section1-mnist")
    path = run / "metrics.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"1"', '"<b>one</b>"'), encoding="utf-8")
    page = Page(report_runs([run], tmp_path / "r.html", options=UNCHECKED).path)
    assert "<b>one</b>" in page.text


def test_a_folder_in_the_way_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", "section1-mnist")
    (tmp_path / "r.html").mkdir()
    with pytest.raises(OutputError):
        report_runs([run], tmp_path / "r.html", options=UNCHECKED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "r.html"]
