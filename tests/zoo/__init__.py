"""Real files, made by others, through everything that onnxlens does: `make test-zoo`.

Needs a network: packages are fetched by name and kept in a cache folder. `make test` does not collect it.
"""
