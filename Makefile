# Everything a checkout can do. The first call makes .venv with a Python 3.12 that it finds or obtains; no root needed,
# and nothing outside this folder and the user's cache is touched. To name one: make demo PYTHON=/path/to/python3.12

PYTHON ?=
DEMO_PICTURE ?= calibration_data/demo.jpg
COMPARE ?=
THREADS ?=
INTERPRETERS ?=
FAULTS ?=
ARM ?=

BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test test-slow lint dist default-bundle check-install compare threads interpreters faults \
        instructions arm-equality arm-peers clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv and install the project with its tools

# Made again where it no longer runs, or where another PYTHON is named than it was made from.
ifeq ($(shell $(BIN)/python -c 'print("runs")' 2>/dev/null),)
.PHONY: $(READY)
else ifneq ($(PYTHON),$(if $(PYTHON),$(shell cat .venv/.made-from 2>/dev/null)))
.PHONY: $(READY)
endif

$(READY): setup.cfg pyproject.toml constraints/development.txt scripts/find_python.py scripts/make_environment.py
	@$(or $(PYTHON),python3) scripts/make_environment.py .venv $(PYTHON)
	@$(if $(PYTHON),echo $(PYTHON) > .venv/.made-from)
	@touch $@

demo: $(READY)  ## convert PP-OCRv6 tiny to INT8 and read a picture with it
	$(BIN)/ppocr-convert convert ppocrv6-tiny --format tflite --precision int8 -o out/ppocrv6-tiny
	$(BIN)/edge-ocr read $(DEMO_PICTURE) --bundle out/ppocrv6-tiny --save-annotated out/demo.png

test: $(READY)  ## run the tests, all but the few slow ones, then lint
	$(BIN)/python -m pytest -q -m "not slow"
	@$(MAKE) --no-print-directory lint

test-slow: $(READY)  ## run the slow tests
	$(BIN)/python -m pytest -q -m slow --timeout 0

lint: $(READY)  ## check style, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

dist: $(READY)  ## build the wheel and the source distribution into dist/
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*

default-bundle: $(READY)  ## render lines, let the recognizer learn from them (an hour), convert the bundle that ships
	$(BIN)/python -m pip install --quiet --constraint constraints/learn.txt \
	    --constraint constraints/development.txt --editable '.[learn]'
	$(BIN)/python -m calibration_data.generate --seed 70 --pages 0 --lines 4500 --out out/unlabelled
	$(BIN)/ppocr-convert convert ppocrv6-tiny --precision int8-learned --unlabelled out/unlabelled/lines \
	    -o edge_ocr/models/default
	$(BIN)/python scripts/pin_default_bundle.py

check-install: $(READY)  ## install the wheel on every Python of this machine and read a picture without network
	$(BIN)/python scripts/check_install.py $(DEMO_PICTURE)

compare: $(READY)  ## hold edge_ocr against RapidOCR and Tesseract; COMPARE="FOLDER... --limit N" chooses pages
	$(BIN)/python scripts/compare_with_peers.py $(COMPARE)

threads: $(READY)  ## measure what 1, 2 and 4 threads bring; THREADS="FOLDER... --limit N" chooses the pages
	$(BIN)/python scripts/measure_threads.py $(THREADS)

interpreters: $(READY)  ## run the default bundle under every interpreter; INTERPRETERS="FOLDER... --limit N"
	$(BIN)/python scripts/compare_interpreters.py $(INTERPRETERS)

faults: $(READY)  ## break things on purpose, 100,000 times, and count how they end; FAULTS="--scale 0.01" is quick
	$(BIN)/python scripts/fault_run.py $(FAULTS)

instructions: $(READY)  ## count what the default bundle executes on emulated ARM CPUs; ARM="--cpu cortex-a76" chooses
	$(BIN)/python scripts/measure_instructions.py $(ARM)

arm-equality: $(READY)  ## read lines on emulated ARM CPUs and here; ARM="--lines 100 --cpu cortex-a76" chooses
	$(BIN)/python scripts/compare_outputs.py $(ARM)

arm-peers: $(READY)  ## hold edge_ocr against its peers on emulated ARM CPUs; ARM="photo.jpg --cpu cortex-a76" chooses
	$(BIN)/python scripts/compare_instructions.py $(ARM)

clean:  ## remove everything that make made here
	rm -rf .venv out build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
