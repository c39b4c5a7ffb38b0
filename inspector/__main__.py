"""`python -m inspector` is the same program as `onnxlens`."""

from __future__ import annotations

from inspector.cli import main

if __name__ == "__main__":
    main(prog_name="onnxlens")
