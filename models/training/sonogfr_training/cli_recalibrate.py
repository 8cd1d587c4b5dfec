"""The stage `recalibrate`: a built bundle and labelled pictures that its members never saw -> the same members with
rules, likeness and card of that data. For a new cart or laboratory, and for bundles older than a rule.
"""

import argparse
import hashlib
from dataclasses import asdict
from pathlib import Path

from .bundle import HALF, LIMITS, Label, Making, judges, out_of_bag, write_manifest
from .cli_data import count, whole
from .data import DataError, load_crops, read_truth
from .recalibrate import read_manifest, unpack
from .runs import Run, Settings
from .stages import member_jobs, say, tell, workers_of
from .store import read_json, write_json
from .workers import run_jobs


def recalibrate(args: argparse.Namespace) -> None:
    """Gives a bundle's members, as they are, new rules, likeness and card from pictures that they never saw."""
    run, truth = Run(args.out), read_truth(args.data)
    try:
        digest = hashlib.sha256(args.bundle.read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{args.bundle}: {error.strerror}") from error
    before = read_manifest(args.bundle)
    if truth.digest in (before["card"] + str(before.get("model_card"))):
        raise DataError(f"{args.data} is what {args.bundle} was made from: rules from it would flatter")
    if truth.oracle and not before["demonstration"]:
        raise DataError("data with an oracle is synthetic: rules for patients cannot come from it")
    size, length_input = before["input"]["size"], before["input"].get("length", False)
    settings = Settings(size=size, seed=args.seed, length_input=length_input, epochs=0)
    begin(run, {"data": truth.digest, **asdict(settings)}, digest)
    unpack(args.bundle, before, run)
    write_json(run.patients, truth.names)
    load_crops(truth, size, run.cache)
    members = len(before["members"])
    judged, unseen = judges(truth, members, args.seed)
    missing = [n for n in range(members) if not run.outputs(n).exists()]
    jobs = member_jobs(args, run, settings, missing, "int8")
    for line in run_jobs("sonogfr_training.recalibrate:measure_member", jobs, workers_of(args, "cpu")):
        say(line)
    oob, spread = out_of_bag(truth, [run.outputs(n) for n in range(members)], judged, unseen)
    making = Making(
        f"networks and trees of the bundle {before['name']}, SHA-256 {digest}, as they are. Intervals, limits, words, "
        "probability and likeness are made anew from this data. That bundle said of itself:\n"
        + "\n".join(f"  {line}" for line in before["card"].splitlines()),
        f"{len(oob.egfr)} patients of this data, one picture each, mean of all members, none of which saw them",
        LIMITS, size, before["feature_count"], length_input, {"bundle before": digest},
        "int8 against float: was measured when the members were exported; see what the bundle before said", HALF,
    )  # fmt: skip
    label = Label(args.name or before["name"], before["demonstration"], args.note)
    write_manifest(run, truth, oob, spread, making, label)
    tell(run, oob, members)


def begin(run: Run, wanted: dict, digest: str) -> None:
    """Notes what OUT is made from. Errors: it was begun from something else."""
    held = run.folder / "recalibrated.json"
    of = {"bundle": digest}
    if run.settings.exists() and (not held.exists() or (read_json(run.settings), read_json(held)) != (wanted, of)):
        raise DataError(f"{run.folder} was begun from another bundle, data or seed: choose another OUT")
    write_json(held, of)
    write_json(run.settings, wanted)


def add_stage(stages) -> None:
    """Adds it to the command line."""
    added = stages.add_parser("recalibrate", help=recalibrate.__doc__, description=recalibrate.__doc__)
    added.set_defaults(function=recalibrate)
    added.add_argument("bundle", type=Path, metavar="BUNDLE", help="that `sonogfr bundle build` made, signed or not")
    added.add_argument("data", type=Path, metavar="DATA", help="labelled pictures of patients whom no member saw")
    added.add_argument("out", type=Path, metavar="OUT")
    added.add_argument("--name", help="of the new bundle (the old one's)")
    added.add_argument("--note", default="", help="a line more for the bundle's card")
    added.add_argument("--seed", type=whole, default=1, help="of the draw of judging patients (%(default)s)")
    added.add_argument("--workers", type=count, help="processes (one a core)")
