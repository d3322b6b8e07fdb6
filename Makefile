# make demo   set up (no torch) and read example texts with the bundled model
# make test   set up (with torch) and run the tests
# make check  format, lint, types, import contracts
# make bench  train and measure what docs/results.md shows; hours, resumable

PYTHON ?= python3
VENV   ?= .venv
TORCH  ?= 2.13.0
# The address that PyTorch's install page prints for pip and CPU saves gigabytes on Linux.
TORCH_CPU_INDEX ?=
WORKERS ?= 2

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test check bench clean

demo: $(VENV)/.demo
	$(BIN)/skimrnn demo

test: $(VENV)/.train
	$(BIN)/python -m pytest -q -n $(WORKERS)

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.train
	$(BIN)/python -m benchmarks.classification --task sst rotten-tomatoes sst-phrases
	$(BIN)/python -m benchmarks.bundled
	$(BIN)/python -m benchmarks.report

$(VENV)/.demo: pyproject.toml CMakeLists.txt $(wildcard cpp/*)
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -e .
	@touch $@

# The exact local version "+cpu" is found where pip is set up to find it, or fails at once; then
# PyTorch's own index is asked, if it was named; else the plain wheel, which is the CPU one except
# on Linux.
$(VENV)/.train: $(VENV)/.demo
	$(PIP) install "torch==$(TORCH)+cpu" 2>/dev/null \
	 || { [ -n "$(TORCH_CPU_INDEX)" ] && \
	      $(PIP) install --extra-index-url "$(TORCH_CPU_INDEX)" "torch==$(TORCH)+cpu"; } \
	 || $(PIP) install "torch==$(TORCH)"
	$(PIP) install -e '.[train,test]'
	@touch $@

$(VENV)/.check: $(VENV)/.train
	$(PIP) install -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
