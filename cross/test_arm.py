"""Runs on emulated cores of the boards what was built for them: the tests that matter, and one whole reading against x86's.

usage: test_arm.py X86_PROGRAM

A Pi 4 has Cortex-A72 cores, a Pi 5 Cortex-A76 ones with dot products; qemu-user emulates both. What is seen on the picture must
be equal to the digit. The networks' sums are added in another order by other kernels: the estimate may differ by ESTIMATE_OFF.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORES = ["cortex-a72", "cortex-a76"]
# Test programs, and which of their tests: where floats, integer widths or a target's own code could tell, and none that draws
# screens by the hundred.
LIBRARY = "sonogfr"
PROGRAMS = {
    LIBRARY: ["bundle::signature", "crop::", "engine::", "estimate::", "evaluate::", "freeze::", "machine::", "overlay::ruler", "overlay::tests::given_a_", "overlay::text"],
    "crop_opencv": [],
    "trees_table": [],
    "trees_xgboost": [],
    "ensemble": ["given_every_kernel", "given_a_network"],
    "packed": [],
}
# In mL/min/1.73 m2, and in parts of one for probabilities: a hundredth of what the panel shows.
ESTIMATE_OFF = 0.01
PROBABILITY_OFF = 0.0001
PHANTOM_SEED = "40"
# Of each property; x86 tries 256, and an emulated core is some twenty times as slow.
CASES = "8"


def build():
    """Builds programs and tests; gives the program's path and those of the tests by name."""
    command = ["cross/cargo", "test", "--no-run", "--message-format", "json-render-diagnostics", "--lib"]
    command += [word for name in PROGRAMS if name != LIBRARY for word in ["--test", name]]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines if line.startswith("{")]
    built = [line for line in built if line.get("executable")]
    tests = {
        line["target"]["name"]: line["executable"]
        for line in built
        if line["profile"]["test"] and line["target"]["kind"] in (["lib"], ["test"])
    }
    (program,) = [line["executable"] for line in built if not line["profile"]["test"] and line["target"]["kind"] == ["bin"]]
    return program, tests


def emulated(core, command):
    """Runs a command as that core would; gives what it printed and the seconds it took."""
    began = time.monotonic()
    # Without -L: with it, the first thread that is started never gets on.
    line = ["qemu-aarch64-static", "-cpu", core, *command]
    done = subprocess.run(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PROPTEST_CASES": CASES})
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nfailed ({done.returncode}): {' '.join(line)}")
    return done.stdout, time.monotonic() - began


def differences(x86, arm, path="", off=0.0):
    """Yields what differs by more than it may between two readings."""
    if isinstance(x86, dict) and isinstance(arm, dict) and x86.keys() == arm.keys():
        for key in x86:
            inside = {"estimate": ESTIMATE_OFF, "p_ckd": min(off, PROBABILITY_OFF), "bundle": 0.0}.get(key, off)
            yield from differences(x86[key], arm[key], f"{path}.{key}", inside)
    elif isinstance(x86, list) and isinstance(arm, list) and len(x86) == len(arm):
        for i, (one, other) in enumerate(zip(x86, arm)):
            yield from differences(one, other, f"{path}[{i}]", off)
    elif isinstance(x86, float) and isinstance(arm, float) and off > 0.0:
        worst[path] = abs(x86 - arm)
        if worst[path] > off:
            yield f"{path}: {x86} on x86, {arm} here, more than {off} apart"
    elif x86 != arm:
        yield f"{path}: {x86} on x86, {arm} here"


def compare_reading(core, program, x86_program, picture):
    """Reads one picture on both; ends the program where they differ."""
    arguments = ["read", str(picture), "--json"]
    x86 = json.loads(subprocess.run([x86_program, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    line, seconds = emulated(core, [program, *arguments])
    worst.clear()
    found = list(differences(x86, json.loads(line)))
    if found or not x86["estimate"]:
        sys.exit("\n".join(["the reading differs from x86's:", *found, line]))
    off = max(worst.values())
    print(f"{core:11} {'read':14} {seconds:6.1f} s  equal to x86; the estimate's numbers within {off:.6f}")


# How far numbers of the estimate lay apart, by where they stand.
worst = {}


def main():
    x86_program = sys.argv[1]
    subprocess.run([ROOT / "cross/install", "qemu-user-static"], check=True)
    program, tests = build()
    folder = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "test-arm"
    # Packed forms of the demonstration are left here, not in the user's own cache.
    os.environ["CACHE_DIRECTORY"] = str(folder / "cache")
    subprocess.run([x86_program, "phantom", "--count", "1", "--seed", PHANTOM_SEED, "-o", folder], check=True, stdout=subprocess.DEVNULL)
    (picture,) = [path for path in folder.rglob("*.png")]
    for core in CORES:
        for name, filters in PROGRAMS.items():
            printed, seconds = emulated(core, [tests[name], *filters])
            counts = printed.rsplit("test result: ok. ", 1)[1].split(";")[0]
            print(f"{core:11} {name:14} {seconds:6.1f} s  {counts}", flush=True)
        compare_reading(core, program, x86_program, picture)


if __name__ == "__main__":
    main()
