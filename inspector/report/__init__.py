"""The report: one self-contained HTML page from run folders, or from any model and pictures."""
