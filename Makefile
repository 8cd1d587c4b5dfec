# `make demo` and `make test` install what they need on a Debian machine with rustup; the rest is convenience.

TARGET := $(or $(CARGO_TARGET_DIR),target)
SONOGFR := $(TARGET)/release/sonogfr

.PHONY: demo test build no-std test-training bench bench-sight cross package test-arm virtual-board virtual-pi count-arm

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

# The training toolkit's own tests, in a virtual environment (torch: 3 GB to download), with the program for a tiny
# ensemble trained from DICOM files to a bundle, and with XGBoost as the authors of the paper had it.
TRAINING := models/training
TRAINING_VENV := $(TARGET)/training-venv
XGBOOST_072 := $(TRAINING_VENV)/xgboost072
test-training: build .machine-python
	test -d $(TRAINING_VENV) || python3 -m venv $(TRAINING_VENV)
	$(TRAINING_VENV)/bin/pip install --quiet -e '$(TRAINING)[test]'
	test -d $(XGBOOST_072) || $(TRAINING_VENV)/bin/pip install --quiet --no-deps --target $(XGBOOST_072) xgboost==0.72.1
	SONOGFR=$(abspath $(SONOGFR)) SONOGFR_XGBOOST_072=$(abspath $(XGBOOST_072)) $(TRAINING_VENV)/bin/pytest -q $(TRAINING)

# Engines against each other on the same int8 networks, taking turns: onnxruntime, OpenVINO, tract and this program; ten
# ResNet-101 at once against ten sessions of onnxruntime. Table and plot in target/bench. Takes some minutes and 3 GB of disk.
BENCH_VENV := $(TARGET)/bench-venv
BENCH := $(TARGET)/bench
BENCH_NETS := $(BENCH)/nets
bench: build .machine-python
	test -d $(BENCH_VENV) || python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet onnx onnxruntime \
	    || { echo "make bench needs onnx and onnxruntime to make its networks, and they cannot be had here"; exit 1; }
	$(BENCH_VENV)/bin/pip install --quiet openvino || echo "OpenVINO cannot be had here and is left out"
	$(BENCH_VENV)/bin/pip install --quiet matplotlib || echo "matplotlib cannot be had here: no plot"
	test -e $(BENCH_NETS)/resnet101.egfr || $(BENCH_VENV)/bin/python benches/int8/make_nets.py $(BENCH_NETS)
	test -e $(BENCH_NETS)/bundle/manifest.json \
	    || $(BENCH_VENV)/bin/python benches/int8/make_nets.py $(BENCH_NETS) --nets resnet101 --members 10
	$(SONOGFR) bundle build $(BENCH_NETS)/bundle -o $(BENCH)/ten-resnet101.sonogfr
	CACHE_DIRECTORY=$(abspath $(BENCH)/cache) $(BENCH_VENV)/bin/python benches/int8/compare.py $(BENCH_NETS) \
	    --sonogfr $(SONOGFR) --out $(BENCH) --bundle $(BENCH)/ten-resnet101.sonogfr --members $(BENCH_NETS)/bundle

# Sight against template matching with OpenCV, on synthetic carts and one core, in a virtual environment.
bench-sight: build .machine-python
	cargo build --release --example time_sight
	test -d $(BENCH_VENV) || python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet opencv-python-headless numpy
	$(BENCH_VENV)/bin/python benches/match_template.py --target $(TARGET)/release

# The program for the board: target/aarch64-unknown-linux-gnu/release/sonogfr. See cross/README.md.
cross:
	cross/cargo build

# What is copied onto a board: program, models, board files and their install script.
PACKAGE := $(TARGET)/package/sonogfr
package: cross
	rm -rf $(TARGET)/package
	mkdir -p $(PACKAGE)/bin $(PACKAGE)/models
	aarch64-linux-gnu-strip -o $(PACKAGE)/bin/sonogfr $(TARGET)/aarch64-unknown-linux-gnu/release/sonogfr
	cp -r models/demo models/text $(PACKAGE)/models
	cp -r board LICENSE* README.md $(PACKAGE)
	tar -C $(TARGET)/package -czf $(TARGET)/sonogfr-aarch64.tar.gz sonogfr
	@ls -l $(TARGET)/sonogfr-aarch64.tar.gz

# Tests and a whole reading on emulated cores of the boards, against x86.
test-arm: build
	python3 cross/test_arm.py $(SONOGFR)

# Exams played into an emulated board; pictures of its display in target/virtual-board. See board/virtual/README.md.
virtual-board: .machine-virtual
	python3 board/virtual/exam.py

# The same program on an emulated Pi 4 with a framebuffer, and on a Pi 3 with an SPI panel.
virtual-pi: .machine-virtual
	python3 board/virtual/pi.py pi4 pi3

# Instructions that emulated cores of a Pi 4 and a Pi 5 need for the networks, which must not exceed what is set there, and those
# that a Pi 4's needs to see a picture: make count-arm COUNT= for both.
COUNT := networks
count-arm: .machine-virtual
	python3 board/virtual/count.py $(COUNT)

# A C compiler and linker, which Rust's build scripts and linking need, clang, with which crate v4l reads the kernel's
# headers, and Rust itself.
.PHONY: .machine .machine-python .machine-virtual
.machine:
	@cross/install gcc libc6-dev libclang-dev
	@command -v cargo >/dev/null || { echo "cargo is missing: install rustup first, see README.md"; exit 1; }

.machine-python:
	@python3 -c 'import venv, ensurepip' 2>/dev/null || cross/install python3-venv

# QEMU, what reads kernel modules and device trees, and all that an emulated board runs.
.machine-virtual:
	cross/install device-tree-compiler kmod qemu-system-arm/bookworm-backports qemu-user-static
	cross/cargo build --bin sonogfr --example draw_exams --example play_exam
