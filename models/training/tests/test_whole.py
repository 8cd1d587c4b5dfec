"""Given a hospital's DICOM files and creatinine, expect a bundle that the program reads: every command of the README.

Needs the program: $SONOGFR names it, as `make test-training` does. Phantoms stand in for patients.
"""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import hospital
import numpy as np
import pytest
from PIL import Image

from sonogfr_training.data import load_crops, read_truth
from sonogfr_training.tables import Table
from sonogfr_training.trees import load_trees, probabilities

PROGRAM = os.environ.get("SONOGFR")
PHANTOMS, SEED = 240, 63
TINY = [
    "--size=64",
    "--depth=18",
    "--head=small",
    "--width=0.125",
    "--init-weights=none",
    "--lr=1e-3",
    "--batch=32",
    "--epochs=5",
    "--members=3",
    "--precision=float32",
    "--length-input",
    "--device=cpu",
    "--slurm=off",
]

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="$SONOGFR names no program")


def call(*arguments) -> str:
    """Runs a command and returns what it prints; what went wrong is the test's message."""
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
    return done.stdout


def kit(*arguments) -> str:
    return call(sys.executable, "-m", "sonogfr_training.cli", *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with everything from `export/` to `local.sonogfr`."""
    folder = tmp_path_factory.mktemp("hospital")
    call(PROGRAM, "phantom", "--count", PHANTOMS, "--seed", SEED, "-o", folder / "phantoms")
    hospital.write(folder / "phantoms", folder)
    kit("list", folder / "export", folder / "manifest.csv")
    hospital.join(folder / "manifest.csv", folder / "laboratory.csv")
    # The key draws who is tested.
    (folder / "key").write_text("63" * 32)
    kit("prepare", folder / "manifest.csv", folder / "data", "--size=64", "--sonogfr", PROGRAM, "--key", folder / "key")
    train, out = folder / "data/train", folder / "out"
    kit("train", train, out, *TINY)
    print(kit("export", train, out, "--name=local", "--clinical"))
    call(PROGRAM, "bundle", "build", out / "bundle", "-o", folder / "local.sonogfr")
    return folder


def test_given_a_hospital_expect_its_flow_chart_and_card_in_the_bundle(made):
    flow = (made / "data/flow.txt").read_text()
    assert flow.startswith(f"{len(list((made / 'export').iterdir()))} pictures in the manifest") and "\ntest: " in flow
    manifest = json.loads((made / "out/bundle/manifest.json").read_text())
    assert not manifest["demonstration"] and manifest["model_card"]["flow"] == flow.strip()
    assert "eGFR by mdrd186 without race term" in manifest["model_card"]["data"]
    rules = manifest["rules"]
    assert rules["distance_limit"] > 0 and rules["length_cm"][0] > 5
    assert all(len(member["likeness"]["mean"]) == manifest["feature_count"] for member in manifest["members"])
    said = call(PROGRAM, "bundle", "info", made / "local.sonogfr")
    assert "likeness" in said and "MRN" not in json.dumps(manifest)
    assert "in order, 3 members" in call(PROGRAM, "bundle", "check", made / "local.sonogfr")


def test_given_its_bundle_expect_the_program_to_read_screens_and_to_say_what_the_toolkit_says(made):
    screens = sorted((made / "phantoms/screens").glob("*.png"))[:12]
    lines = call(PROGRAM, "read", *screens, "--bundle", made / "local.sonogfr", "--json").splitlines()
    readings = [json.loads(line) for line in lines]
    assert len(readings) == 12
    shown = [reading["estimate"] for reading in readings if reading["estimate"]]
    assert len(shown) >= 6, [reading["refusal"] for reading in readings]
    for estimate in shown:
        low, high = estimate["interval"]
        assert low <= estimate["egfr"] <= high and 0 <= estimate["p_ckd"] <= 1
        assert all(member["distance"] > 0 for member in estimate["members"])


def test_given_a_screen_expect_each_member_to_say_on_the_board_what_it_says_here(made):
    truth = read_truth(made / "data/train")
    crops, off = load_crops(truth, 64), []
    said = [np.load(made / f"out/outputs/{n}.npz") for n in range(3)]
    for screen in sorted((made / "phantoms/screens").glob("*.png"))[:6]:
        call(PROGRAM, "crop", screen, "-o", made / "crop.png", "--size", 64)
        with Image.open(made / "crop.png") as crop:
            (places,) = np.nonzero((crops == np.asarray(crop.convert("RGB"))).all(axis=(1, 2, 3)))
        reading = json.loads(call(PROGRAM, "read", screen, "--bundle", made / "local.sonogfr", "--json"))
        # Test patients are not among the training crops.
        for place in places[: 1 if reading["estimate"] else 0]:
            for member, here in zip(reading["estimate"]["members"], said):
                off.append([abs(member[name] - here[name][place]) for name in ("egfr", "p_ckd", "distance")])
    # A rounding of one feature may lead into another leaf of a tree, and seldom into several.
    assert (np.median(off, axis=0) < [0.1, 0.01, 0.02]).all() and (np.max(off, axis=0) < [1.0, 0.06, 0.05]).all()
    assert len(off) >= 6


def test_given_its_test_patients_expect_figures_and_its_training_patients_refused(made):
    said = kit("evaluate", made / "data/test", made / "out")
    assert "longest" in said and (made / "out/evaluation.json").exists()
    rows = (made / "out/evaluation.csv").read_text().splitlines()
    assert rows[0] == "true_egfr,pred_egfr,p_ckd,lo,hi,patient" and len(rows) > 5
    done = subprocess.run(
        [sys.executable, "-m", "sonogfr_training.cli", "evaluate", made / "data/train", made / "out"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "what" in done.stderr and "Traceback" not in done.stderr


def test_given_the_papers_network_expect_a_bundle_that_the_program_reads_by_its_own_engine(made):
    train, out = made / "data/train", made / "out50"
    small = ["--size=64", "--depth=50", "--width=0.25", "--init-weights=none", "--epochs=1", "--batch=32"]
    small += ["--members=3"]
    kit("train", train, out, *small, "--length-input", "--precision=float32", "--device=cpu", "--slurm=off")
    kit("export", train, out, "--name=deep", "--clinical")
    bundle, screen = made / "deep.sonogfr", min((made / "phantoms/screens").glob("*.png"))
    call(PROGRAM, "bundle", "build", out / "bundle", "-o", bundle)
    said = call(PROGRAM, "bundle", "info", bundle)
    assert "3, input 64 x 64 and the kidney's length, 512 features\n" in said and "runs         int8 by" in said
    assert "ResNet-50 of width 0.25 with the authors' head" in said
    reading = json.loads(call(PROGRAM, "read", screen, "--bundle", bundle, "--json"))
    assert reading["outcome"] == "measured" and (reading["estimate"] or reading["refusal"])


def test_given_its_bundle_expect_each_table_to_say_what_xgboost_says_of_the_trees(made):
    with tarfile.open(made / "local.sonogfr") as bundle:
        tables = [bundle.extractfile(f"members/{n}.trees").read() for n in range(3)]
    features = np.random.default_rng(8).normal(1, 2, (500, 65)).astype(np.float32)
    for n, table in enumerate(tables):
        booster = load_trees(made / f"out/bundle/members/{n}.json")
        said = Table.read(f"{n}.trees", table).probabilities(features)
        assert said == pytest.approx(probabilities(booster, features), abs=1e-6) and np.ptp(said) > 0.01
