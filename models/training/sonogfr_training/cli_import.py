"""The stage `import-kuo2019`: the authors' released weights and labelled pictures -> a bundle.

Which way the released probabilities point is settled by the pictures, not by the program's name for them.
"""

import argparse
import hashlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from .boosters import read_booster, to_json
from .bundle import HALF, LIMITS, Label, Making, judges, out_of_bag, write_manifest
from .cli_data import count, whole
from .data import DataError, Truth, load_crops, read_truth
from .metrics import auc
from .runs import RELEASED, ImportJob, Run
from .stages import held, say, tell, workers_of
from .store import read_json, write_json, write_whole
from .workers import run_jobs

# Standard errors by which the area under the curve must lie off a half before it says which way a probability points.
DECISIVE = 3.0


def import_kuo2019(args: argparse.Namespace) -> None:
    """Makes a bundle from the weights that Kuo et al. 2019 released, judged on your own labelled pictures."""
    folder = args.folder / "models" if (args.folder / "models").is_dir() else args.folder
    files = [(folder / f"model_{n}.pkl", folder / f"xgb_{n}.pickle.dat") for n in range(args.members)]
    missing = [file.name for pair in files for file in pair if not file.is_file()]
    if missing:
        raise DataError(f"{folder}: lacks {missing[0]}" + (f" and {len(missing) - 1} more" if missing[1:] else ""))
    run, truth = Run(args.out), read_truth(args.data)
    if args.clinical and truth.oracle:
        raise DataError("data with an oracle is synthetic: its bundle is a demonstration")
    settings = replace(RELEASED, seed=args.seed)
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for pair in files for file in pair}
    begin(run, {"data": truth.digest, **asdict(settings)}, hashes)
    write_json(run.patients, truth.names)
    load_crops(truth, settings.size, run.cache)
    for _, booster in files:
        # A second each; networks take minutes: what is wrong here is better said before.
        read_booster(booster, RELEASED.feature_count)
    judged, unseen = judges(truth, args.members, args.seed)
    jobs = [
        ImportJob(args.data, run, settings, n, "int8", 0, weights, booster)
        for n, (weights, booster) in enumerate(files)
    ]
    for function, result in (("kuo2019:import_member", run.network), ("trees:say_raw", run.raw_outputs)):
        todo = [job for job in jobs if not result(job.member).exists()]
        for line in run_jobs(f"sonogfr_training.{function}", todo, workers_of(args, "cpu")):
            say(line)
    turned = settle(run, truth, judged, files)
    changed = held(args, run, settings, args.members, judged)
    outputs = [run.outputs(n) for n in range(args.members)]
    oob, spread = out_of_bag(truth, outputs, judged, unseen)
    making = Making(
        f"weights released by Kuo et al. 2019, npj Digital Medicine 2:29: {args.members} ResNet-101 at "
        f"{settings.size} px with XGBoost 0.72 on pooled features; int8, pooling and head in float. The trees' "
        "probability pointed at eGFR "
        + (">= 60 on this data and was turned." if turned else "< 60 on this data and was left so."),
        f"{len(oob.egfr)} patients of this data, one picture each, mean of all members, none of which saw them",
        LIMITS, settings.size, settings.feature_count, False, hashes,
        f"int8 against float, on these pictures: {changed}", HALF,
    )  # fmt: skip
    write_manifest(run, truth, oob, spread, making, Label(args.name, not args.clinical, args.note))
    tell(run, oob, args.members)


def begin(run: Run, wanted: dict, hashes: dict[str, str]) -> None:
    """Notes what OUT is made from. Errors: it was begun from something else."""
    held = run.folder / "imported.json"
    if run.settings.exists() and (not held.exists() or (read_json(run.settings), read_json(held)) != (wanted, hashes)):
        raise DataError(f"{run.folder} was begun from other data, weights or settings: choose another OUT")
    write_json(held, hashes)
    write_json(run.settings, wanted)


def points_at_sick(ckd: np.ndarray, p: np.ndarray) -> bool:
    """Whether `p` rises with eGFR < 60. Errors: the pictures do not tell.

    Source: the area under the curve of pure chance has variance (n1 + n0 + 1) / (12 n1 n0), Mann and Whitney 1947.
    """
    area, ones = auc(ckd, p), int(ckd.sum())
    zeros = len(ckd) - ones
    chance = ((ones + zeros + 1) / (12 * ones * zeros)) ** 0.5
    if abs(area - 0.5) < DECISIVE * chance:
        raise DataError(
            f"AUC {area:.3f} on {len(ckd)} patients does not tell which way the trees' probability points: more "
            "labelled patients are needed, or these weights say nothing of them"
        )
    return area > 0.5


def settle(run: Run, truth: Truth, judged: np.ndarray, files: list[tuple[Path, Path]]) -> bool:
    """Writes trees and outputs that speak of eGFR < 60, and returns whether they had to be turned for it."""
    raw = [dict(np.load(run.raw_outputs(n))) for n in range(len(files))]
    egfr = np.mean([one["egfr"][judged] for one in raw], axis=0)
    if not np.corrcoef(egfr, truth.egfr[judged])[0, 1] > 0:
        raise DataError("the networks' eGFR does not rise with the data's: these weights say nothing of these pictures")
    turned = not points_at_sick(truth.ckd[judged], np.mean([one["p"][judged] for one in raw], axis=0))
    for n, (one, (_, booster)) in enumerate(zip(raw, files)):
        text = to_json(read_booster(booster, RELEASED.feature_count), turned)
        write_whole(run.trees(n), lambda draft, t=text: draft.write_text(t, encoding="utf-8"))
        said = {"egfr": one["egfr"], "p_ckd": 1 - one["p"] if turned else one["p"], "distance": one["distance"]}
        write_whole(run.outputs(n), lambda draft, s=said: np.savez(draft, **s))
    return turned


def add_label(parser: argparse.ArgumentParser, name: str) -> None:
    """What the maker of a bundle says of it."""
    parser.add_argument("--name", default=name, help="of the bundle (%(default)s)")
    parser.add_argument("--note", default="", help="a line more for the bundle's card")
    parser.add_argument("--clinical", action="store_true", help="the bundle is no demonstration: patients' data only")


def add_stage(stages) -> None:
    """Adds it to the command line."""
    added = stages.add_parser("import-kuo2019", help=import_kuo2019.__doc__, description=import_kuo2019.__doc__)
    added.set_defaults(function=import_kuo2019)
    added.add_argument(
        "folder", type=Path, metavar="DIR", help="with models/model_0.pkl and models/xgb_0.pickle.dat ..."
    )
    added.add_argument("data", type=Path, metavar="DATA", help="labelled pictures, by prepare --size 224")
    added.add_argument("out", type=Path, metavar="OUT")
    added.add_argument("--members", type=count, default=10, help="(%(default)s)")
    added.add_argument("--seed", type=whole, default=1, help="of the draw of judging patients (%(default)s)")
    added.add_argument("--workers", type=count, help="processes (one a core)")
    add_label(added, "kuo2019")
