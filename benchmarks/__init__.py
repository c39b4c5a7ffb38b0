"""Onnxlens beside its peers, on the same work, in turn. Not installed; figures are ratios, never seconds.

`networks` writes each network once, in its framework's environment; `contenders` has a function for each library and
task, and `table` one line for each; `worker` is a process that prepares and runs them, `turns` has them alternate;
`suites` says on what; `run` writes the JSON, `page`, `tables` and `plots` make docs/benchmarks.md of it.
"""
