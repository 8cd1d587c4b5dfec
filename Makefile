# `make demo` and `make test` install what they need on a Debian machine with rustup; the rest is convenience.

TARGET := $(or $(CARGO_TARGET_DIR),target)
SONOGFR := $(TARGET)/release/sonogfr
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo)
APT_INSTALL := $(SUDO) apt-get update -q && $(SUDO) apt-get install -y -q

.PHONY: demo test build no-std test-training bench-sight

# A phantom exam through the pipeline of the device, with the demonstration bundle.
demo: build
	$(SONOGFR) demo --out target/demo

build: .machine
	cargo build --release

# One profile for program and tests, so that tract is built once.
test: .machine
	cargo test --release

# The pure rooms alone, without the standard library.
no-std:
	cargo build --release --no-default-features --lib

# The training toolkit's own tests, in a virtual environment (torch: 3 GB to download).
test-training: .machine-python
	test -d models/training/.venv || python3 -m venv models/training/.venv
	models/training/.venv/bin/pip install --quiet -e 'models/training[test]'
	models/training/.venv/bin/pytest -q models/training

# Sight against template matching with OpenCV, on synthetic carts and one core, in a virtual environment.
BENCH_VENV := $(TARGET)/bench-venv
bench-sight: build .machine-python
	cargo build --release --example time_sight
	test -d $(BENCH_VENV) || python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet opencv-python-headless numpy
	$(BENCH_VENV)/bin/python benches/match_template.py --target $(TARGET)/release

# A C compiler and linker, which Rust's build scripts and linking need, and Rust itself.
.PHONY: .machine .machine-python
.machine:
	@command -v cc >/dev/null || { echo "installing gcc (needs apt)"; $(APT_INSTALL) gcc libc6-dev; }
	@command -v cargo >/dev/null || { echo "cargo is missing: install rustup first, see README.md"; exit 1; }

.machine-python:
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "installing python3-venv (needs apt)"; $(APT_INSTALL) python3-venv; }
