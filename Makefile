# make demo   set up (no torch) and read example texts with the bundled models
# make test   set up (with torch) and run the tests
# make check  format, lint, types, import contracts
# make fuzz   random texts, models and damaged folders, with sanitizers; some minutes
# make test-cpp, test-arm   the C++ alone against the reference, here and on emulated 64-bit ARM
# make test-old   read with the native reader on an emulated x86-64 CPU without AVX2
# make test-ray   score on a local Ray cluster, a worker killed in the middle (installs Ray, 600 MB)
# make test-wheel   build the wheel, install it into an empty environment, try it there
# make docs   build the pages of docs/ as a site, into site/
# make test-browser   the page of `skimrnn serve` in Chromium (CHROMIUM=path), and its API by Schemathesis
# make bench  measure and train what docs/benchmarks.md and docs/results*.md show; days, resumable

PYTHON ?= python3
VENV   ?= .venv
TORCH  ?= 2.13.0
# The address that PyTorch's install page prints for pip and CPU saves gigabytes on Linux.
TORCH_CPU_INDEX ?=
WORKERS ?= 2
FUZZ_SECONDS ?= 60
FUZZ_TEXTS ?= 10000000
FUZZ_SEED := $(or $(FUZZ_SEED),$(shell date +%s))

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test check docs bench fuzz test-browser test-cpp test-arm test-old test-ray \
        test-wheel clean

demo: $(VENV)/.demo
	$(BIN)/skimrnn demo

test: $(VENV)/.train
	$(BIN)/python -m pytest -q -n $(WORKERS)

test-browser: $(VENV)/.train
	$(PIP) install -e '.[test-serve]'
	$(BIN)/python -m pytest -q tests/serve/test_serve_page.py tests/serve/test_serve_fuzz.py

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/clang-format --dry-run -Werror $(wildcard cpp/*.h cpp/*.cc cpp/tests/*.cc)

docs: $(VENV)/.demo
	$(PIP) install -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

bench: $(VENV)/.train
	$(PIP) install -e '.[bench]'
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.training_report
	$(BIN)/python -m benchmarks.classification
	$(BIN)/python -m benchmarks.classification.controls.sizes
	$(BIN)/python -m benchmarks.classification.search
	$(BIN)/python -m benchmarks.classification.times
	$(BIN)/python -m benchmarks.classification.curves
	$(BIN)/python -m benchmarks.classification.words
	$(BIN)/python -m benchmarks.classification.reviews
	$(BIN)/python -m benchmarks.classification.pictures
	$(BIN)/python -m benchmarks.classification.bundled --make
	$(BIN)/python -m benchmarks.questions
	$(BIN)/python -m benchmarks.questions.cloze
	$(BIN)/python -m benchmarks.questions.chosen
	$(BIN)/python -m benchmarks.questions.curves
	$(BIN)/python -m benchmarks.questions.times
	$(BIN)/python -m benchmarks.questions.bundled --make
	$(BIN)/python -m benchmarks.questions.pictures
	$(BIN)/python -m benchmarks.questions.report
	$(BIN)/python -m benchmarks.rivals.adding
	$(BIN)/python -m benchmarks.rivals.reading_time
	$(BIN)/python -m benchmarks.rivals.ceilings
	$(BIN)/python -m benchmarks.rivals.knobs
	$(BIN)/python -m benchmarks.rivals.picture
	$(BIN)/python -m benchmarks.rivals.report
	$(BIN)/python -m benchmarks.speed
	$(BIN)/python -m benchmarks.speed_report
	$(BIN)/python -m benchmarks.scoring
	$(BIN)/python -m benchmarks.scoring_report
	$(BIN)/python -m benchmarks.export
	$(BIN)/python -m benchmarks.export_report
	$(PIP) install -e '.[serve,test-serve]'
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.serving_report
	$(BIN)/python -m benchmarks.few_texts
	$(BIN)/python -m benchmarks.few_texts_report
	$(BIN)/python -m benchmarks.newcomer
	$(BIN)/python -m benchmarks.newcomer_report
	$(BIN)/python -m benchmarks.classification.report

CASES = build/agreement-cases.bin
CORE = cpp/tests/agreement.cc \
       $(addprefix cpp/,network.cc reading.cc routers.cc text.cc denormals.cc dispatch.cc)
CXXFLAGS_CORE = -std=c++20 -O2 -Wall -Wextra -Wno-psabi -fno-math-errno
ARM = aarch64-linux-gnu-g++

$(CASES): $(VENV)/.demo tools/make_agreement_cases.py
	$(BIN)/python -m tools.make_agreement_cases $@

test-cpp: $(CASES)
	for file in kernels training_kernels; do \
	  $(CXX) $(CXXFLAGS_CORE) -ffp-contract=fast -DSKIMRNN_ISA=portable \
	    -c cpp/$$file.cc -o build/$$file-portable.o || exit; done
	$(CXX) $(CXXFLAGS_CORE) -ffp-contract=off -DSKIMRNN_PORTABLE \
	  $(CORE) build/kernels-portable.o build/training_kernels-portable.o -o build/agreement
	build/agreement $(CASES)

test-arm: $(CASES)
	@command -v $(ARM) qemu-aarch64 >/dev/null || { \
	  echo "make test-arm needs a cross-compiler and an emulator; on Debian:" \
	    "apt install g++-aarch64-linux-gnu qemu-user"; exit 2; }
	for file in kernels training_kernels; do \
	  $(ARM) $(CXXFLAGS_CORE) -ffp-contract=fast -DSKIMRNN_ISA=neon \
	    -c cpp/$$file.cc -o build/$$file-neon.o || exit; done
	$(ARM) $(CXXFLAGS_CORE) -ffp-contract=off -static -DSKIMRNN_NEON \
	  $(CORE) build/kernels-neon.o build/training_kernels-neon.o -o build/agreement-arm
	qemu-aarch64 build/agreement-arm $(CASES)

# Code that is compiled for a newer CPU must not run before the one at hand was asked.
test-old: $(VENV)/.demo
	@command -v qemu-x86_64 >/dev/null || { \
	  echo "make test-old needs an emulator; on Debian: apt install qemu-user"; exit 2; }
	qemu-x86_64 -cpu Nehalem $(BIN)/python -W ignore -c "import skimrnn; \
	  assert skimrnn.implementations() == ('portable', 'numpy'), skimrnn.implementations(); \
	  print('read without AVX2:', skimrnn.load('sst').read('a joy to watch').label)"

test-ray: $(VENV)/.train
	$(PIP) install -e '.[ray]'
	SKIMRNN_TEST_RAY=1 $(BIN)/python -m pytest -q tests/scoring/test_ray.py

test-wheel:
	$(PYTHON) tools/test_wheel.py

# The sanitizers' runtime must be there before Python; what Python itself never frees is no leak.
SANITIZED = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
            ASAN_OPTIONS=detect_leaks=0 $(VENV)-sanitize/bin/python

fuzz: $(VENV)/.demo
	$(PYTHON) -m venv $(VENV)-sanitize
	$(VENV)-sanitize/bin/python -m pip install -q -C cmake.define.SKIMRNN_SANITIZE=ON \
	  -C build-dir=build/sanitize .
	$(SANITIZED) -m fuzz.reading --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)
	$(SANITIZED) -m fuzz.training --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)
	$(SANITIZED) -m fuzz.folders --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED) --unlimited
	$(BIN)/python -m fuzz.reading --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)
	$(BIN)/python -m fuzz.training --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)
	$(BIN)/python -m fuzz.folders --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)
	$(BIN)/python -m fuzz.leaks
	$(BIN)/python -m fuzz.scanners --workers $(WORKERS) --count $(FUZZ_TEXTS) --seed $(FUZZ_SEED)

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
	rm -rf $(VENV) $(VENV)-sanitize build dist .pytest_cache .mypy_cache .ruff_cache
