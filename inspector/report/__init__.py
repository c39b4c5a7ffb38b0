"""The report: one self-contained HTML page from run folders, or from any model and pictures."""

from __future__ import annotations

from inspector.report.build import build_report
from inspector.report.gather import Options
from inspector.report.model_report import report_model
from inspector.report.run_report import report_runs
from inspector.report.summary import Advance, ReportSummary

__all__ = ["Advance", "Options", "ReportSummary", "build_report", "report_model", "report_runs"]
