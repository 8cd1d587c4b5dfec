"""What several stages do alike: processes for members, the gate over an ensemble, the last lines. Loads no torch."""

import argparse
import sys
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from .calibrate import OutOfBag
from .data import DataError
from .gate import Change, change
from .metrics import agreement, auc, calibration
from .runs import MemberJob, PicturesJob, Run, Settings
from .workers import core_count, run_jobs

# One half-width ResNet-18 at 128 px leaves a large GPU idle between its steps; a bottleneck network fills it.
GPU_WORKERS = 3


def say(line: str) -> None:
    """Prints a line without breaking the progress bars."""
    tqdm.write(line, file=sys.stdout)
    sys.stdout.flush()


def workers_of(args: argparse.Namespace, device: str) -> int:
    """How many networks train side by side."""
    on_gpu = 1 if getattr(args, "depth", 18) >= 50 else GPU_WORKERS
    return args.workers or (on_gpu if device == "cuda" else core_count())


def member_jobs(
    args: argparse.Namespace, run: Run, settings: Settings, members: list[int], kind: str
) -> list[MemberJob]:
    """A job for each of `members`."""
    workers = workers_of(args, "cpu")
    return [MemberJob(args.data, run, settings, n, kind, line % workers) for line, n in enumerate(members)]


def held(args: argparse.Namespace, run: Run, settings: Settings, members: int, pictures: np.ndarray) -> Change:
    """What int8 changes on `pictures`. Errors: too much, with the member and the layer that do most of it."""
    jobs = [
        PicturesJob(**vars(job), pictures=pictures)
        for job in member_jobs(args, run, settings, list(range(members)), "float")
    ]
    stands = lambda file: file.exists() and np.array_equal(np.load(file)["pictures"], pictures)  # noqa: E731
    missing = [job for job in jobs if not stands(run.float_outputs(job.member))]
    for line in run_jobs("sonogfr_training.compare:say_float", missing, workers_of(args, "cpu")):
        say(line)
    said = lambda file, which: np.load(file(which))["egfr"]  # noqa: E731
    int8 = np.stack([said(run.outputs, n)[pictures] for n in range(members)])
    changed = change(int8, np.stack([said(run.float_outputs, n) for n in range(members)]))
    say(f"{changed}")
    if not changed.passed:
        # No manifest of an earlier export may vouch for these networks.
        (run.bundle / "manifest.json").unlink(missing_ok=True)
        job = replace(jobs[changed.worst_member], pictures=pictures[changed.worst])
        (worst,) = run_jobs("sonogfr_training.compare:worst_layer", [job], 1)
        raise DataError(f"{changed}; worst is {worst}")
    return changed


def tell(run: Run, oob: OutOfBag, members: int) -> None:
    """Prints the figures that the rules come from, and what comes next."""
    figures = agreement(oob.egfr, oob.truth)
    say(
        f"{len(oob.egfr)} patients whom the members never saw: "
        + ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
    )
    say(f"probability of eGFR < 60: AUC {auc(oob.ckd, oob.p_ckd):.3f}; said, was, patients:")
    for row in calibration(oob.p_ckd, oob.ckd):
        say(f"{row['said']:8.3f}{row['was']:8.3f}{row['count']:8d}")
    size = sum(path.stat().st_size for path in run.bundle.rglob("*") if path.is_file())
    say(f"{run.bundle}: {members} members, {size / 1e6:.1f} MB; next: sonogfr bundle build {run.bundle} -o FILE")
