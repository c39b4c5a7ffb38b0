"""The report: one self-contained HTML page from run folders, or from any model and pictures."""

from __future__ import annotations

from inspector.report.build import ReportSummary, report_runs
from inspector.report.gather import Options

__all__ = ["Options", "ReportSummary", "report_runs"]
