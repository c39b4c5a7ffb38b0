"""The report: one self-contained HTML page from run folders, or from any model and pictures."""

from __future__ import annotations

from inspector.report.anymodel import report_model
from inspector.report.build import report_runs
from inspector.report.gather import Options
from inspector.report.summary import Advance, ReportSummary

__all__ = ["Advance", "Options", "ReportSummary", "report_model", "report_runs"]
