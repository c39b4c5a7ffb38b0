"""The chapters of the source document, in its order and with its numbers, filled with what there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspector.report.claims import Claim
from inspector.report.content import Group, activation_images, filter_columns, heat_images
from inspector.report.metrics import training_columns
from inspector.report.runs import FRAMEWORKS, MODELS

__all__ = ["Chapter", "Section", "absences", "build_chapters"]


@dataclass(frozen=True)
class Section:
    """``kind`` is heading, model or inferences; a model's ``content`` depends on the chapter."""

    number: str
    title: str
    level: int
    kind: str
    model: str = ""
    group: Group | None = None
    content: Any = None
    claims: list[Claim] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.number.replace(".", "-")


@dataclass(frozen=True)
class Chapter:
    id: str
    number: str
    title: str
    sections: list[Section] = field(default_factory=list)


CHAPTERS: tuple[tuple[str, str, Callable[[Group], Any], range | None], ...] = (
    ("activations", "Visualizing Intermediate Layer Activations", activation_images, range(1, 7)),
    ("filters", "Visualizing Convnet Filters", filter_columns, range(7, 10)),
    ("heatmaps", "Visualizing Heatmaps of class activations", heat_images, range(10, 14)),
    ("training", "Training curves and metrics", training_columns, None),
)


def build_chapters(groups: Sequence[Group], claims: Sequence[Claim]) -> list[Chapter]:
    """All chapters, those of absent models included: the page says that they are absent."""
    chapters = []
    for number, (name, title, fill, numbers) in enumerate(CHAPTERS, 1):
        sections = _model_sections(str(number), groups, fill)
        if numbers is not None:
            place = len([section for section in sections if section.level == 3]) + 1
            wanted = [claim for claim in claims if claim.number in numbers]
            sections.append(Section(f"{number}.{place}", "Inferences", 3, "inferences", claims=wanted))
        chapters.append(Chapter(name, str(number), title, sections))
    return [*chapters, Chapter("appendix", "A", "Appendix: how it was made")]


def _model_sections(chapter: str, groups: Sequence[Group], fill: Callable[[Group], Any]) -> list[Section]:
    found = {group.model: group for group in groups}

    def section(number: str, title: str, level: int, model: str) -> Section:
        group = found.get(model)
        return Section(number, title, level, "model", model, group, fill(group) if group else None)

    sections = [
        Section(f"{chapter}.1", "Section-1", 3, "heading"),
        section(f"{chapter}.1.1", "Line", 4, "section1-line"),
        section(f"{chapter}.1.2", "MNIST", 4, "section1-mnist"),
        section(f"{chapter}.2", "Section-2", 3, "section2-line"),
    ]
    others = [group for group in groups if group.model not in MODELS]
    return sections + [
        section(f"{chapter}.{place}", group.title, 3, group.model) for place, group in enumerate(others, 3)
    ]


def absences(groups: Sequence[Group]) -> list[str]:
    """A line for each model, and for each framework of a model, that the full report has and this one lacks."""
    lines = []
    there = {(study.run.model, study.run.framework) for group in groups for study in group.studies}
    used = [name for name in FRAMEWORKS if any(framework == name for _, framework in there)]
    for name, title in FRAMEWORKS.items():
        if there and name not in used:
            lines.append(f"Not in this report: any run trained with {title}.")
    for model, title in MODELS.items():
        lacking = [FRAMEWORKS[name] for name in used if (model, name) not in there]
        if len(lacking) == len(used):
            lines.append(f"Not in this report: {title} ({model}).")
        else:
            lines += [f"Not in this report: {title} ({model}) in {framework}." for framework in lacking]
    return lines
