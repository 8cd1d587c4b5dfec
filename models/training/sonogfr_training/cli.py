"""The `sonogfr-training` command: arguments, the order of stages, and which files already stand.

Loads neither torch nor xgboost: they meet only in workers, each in its own.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from . import cli_data, cli_import, cli_recalibrate
from .bundle import LIMITS, STOPPED, Label, Making, gather, left_out, method_of, write_manifest
from .cluster import has_slurm, run_array
from .data import DataError, load_crops, read_truth
from .evaluate import report, rows, table
from .runs import BEFORE_DEPTHS, DEPTHS, HEADS, Run, Settings, TrainJob
from .stages import held, member_jobs, say, tell, workers_of
from .store import read_json, write_json, write_whole
from .workers import core_count, run_jobs


def fastest_precision() -> str:
    """bf16 where the processor multiplies it in hardware (178 pictures/s a core, float32 made 85), else float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        flags = ""
    return "bf16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def device_of(args: argparse.Namespace) -> str:
    """The device that the arguments ask for."""
    if args.device != "auto":
        return args.device
    (found,) = run_jobs("sonogfr_training.train:best_device", [None], 1)
    return found


def settings_of(args: argparse.Namespace, device: str) -> tuple[Settings, Path | None]:
    """The settings that the arguments ask for, and the file of weights to begin with. Errors: one that does not fit."""
    fastest = "bf16" if device == "cuda" else fastest_precision()
    precision = fastest if args.precision == "auto" else args.precision
    settings = Settings(
        args.size, args.depth, args.head, args.width, args.epochs, args.batch, args.lr, args.weight_decay, precision,
        args.seed, None, args.length_input, args.labels,
    )  # fmt: skip
    if args.init_weights == "none":
        return settings, None
    wanted = replace(settings, init_weights=args.init_weights)
    ((file, digest),) = run_jobs("sonogfr_training.weights:find", [wanted], 1)
    return replace(settings, init_weights=digest), file


def pretrain(args: argparse.Namespace) -> None:
    """Trains the network that the members begin with."""
    if args.out.exists():
        return say(f"{args.out} stands already")
    truth, cache, device = read_truth(args.data), args.out.parent / "cache", device_of(args)
    if args.labels == "oracle" and not truth.oracle:
        raise DataError(f"{args.data} has no oracle: only phantoms have")
    load_crops(truth, args.size, cache)
    settings, init_weights = settings_of(args, device)
    threads = args.workers or core_count()
    job = TrainJob(args.data, cache, args.out, settings, None, init_weights, threads, device, 0)
    for line in run_jobs("sonogfr_training.train:train_one", [job], 1, threads):
        say(line)


def train(args: argparse.Namespace) -> None:
    """Trains the members that do not stand yet."""
    run, truth, device = Run(args.out), read_truth(args.data), device_of(args)
    # What is wrong with either is better said before anything of OUT is settled.
    if truth.ckd.min() == truth.ckd.max():
        raise DataError(f"{args.data}: all patients are on one side of eGFR 60: nothing to tell apart")
    load_crops(truth, args.size, run.cache)
    settings, init_weights = settings_of(args, device)
    workers = workers_of(args, device)
    wanted = {"data": truth.digest, **asdict(settings)}
    if run.settings.exists():
        found = BEFORE_DEPTHS | read_json(run.settings)
        changed = [key for key in wanted if found.get(key) != wanted[key]]
        if changed:
            raise DataError(
                f"{args.out} was begun with other {', '.join(changed)}: go on as then, or choose another OUT"
            )
    write_json(run.settings, wanted)
    write_json(run.patients, truth.names)
    missing = [n for n in range(args.members) if not run.trained(n).exists()]
    jobs = [
        TrainJob(args.data, run.cache, run.trained(n), settings, n, init_weights, args.threads, device, line % workers)
        for line, n in enumerate(missing)
    ]
    function = "sonogfr_training.train:train_one"
    if args.slurm == "on" or (args.slurm == "auto" and has_slurm()):
        side_by_side = args.workers or len(jobs)
        lines = run_array(function, jobs, run.folder / "slurm", side_by_side, args.threads, args.gpus, args.partition)
    else:
        lines = run_jobs(function, jobs, workers, args.threads)
    for line in lines:
        say(line)


def begun(args: argparse.Namespace) -> tuple[Run, Settings, int, str]:
    """The run in OUT, its settings, its number of members and the digest of its data."""
    run = Run(args.out)
    try:
        found = read_json(run.settings)
    except OSError as error:
        raise DataError(f"{run.settings}: {error.strerror}; `train` comes first") from error
    digest, members = found.pop("data"), 0
    while run.trained(members).exists() or run.outputs(members).exists():
        members += 1
    if members == 0:
        raise DataError(f"{args.out} holds no trained member; `train` comes first")
    return run, Settings.of(found), members, digest


def export(args: argparse.Namespace) -> None:
    """Writes networks and trees that do not stand yet, then the manifest."""
    run, settings, members, digest = begun(args)
    truth = read_truth(args.data)
    if truth.digest != digest:
        raise DataError(f"{args.data} is not what {args.out} was trained on")
    if not run.trained(0).exists():
        raise DataError(f"{args.out} was imported, not trained: the stage that imported it makes its bundle")
    if args.clinical and truth.oracle:
        raise DataError("data with an oracle is synthetic: its bundle is a demonstration")
    load_crops(truth, settings.size, run.cache)
    for function, result in (("export:export_member", run.network), ("trees:grow_member", run.outputs)):
        # Versions before distances wrote no likeness.
        whole = lambda n: result(n).exists() and (result == run.network or run.likeness(n).exists())  # noqa: B023, E731
        jobs = member_jobs(args, run, settings, [n for n in range(members) if not whole(n)], "int8")
        for line in run_jobs(f"sonogfr_training.{function}", jobs, workers_of(args, "cpu")):
            say(line)
    label = Label(args.name, not args.clinical, args.note)
    pictures, _ = left_out(truth, members, settings.seed)
    changed = held(args, run, settings, members, pictures)
    oob, spread = gather(truth, [run.outputs(n) for n in range(members)], settings.seed)
    source = f"out of bag, {len(oob.egfr)} patients, one picture each, mean of the members that never saw the patient"
    making = Making(
        method_of(asdict(settings), members), source, LIMITS + STOPPED, settings.size, settings.feature_count,
        settings.length_input, {"init_weights": settings.init_weights} if settings.init_weights else {},
        f"int8 against float, on these pictures: {changed}", "each member's training pictures",
    )  # fmt: skip
    write_manifest(run, truth, oob, spread, making, label)
    tell(run, oob, members)


def evaluate(args: argparse.Namespace) -> None:
    """Prints and writes the figures of a finished ensemble on other data."""
    run, settings, members, digest = begun(args)
    truth, manifest = read_truth(args.data), run.bundle / "manifest.json"
    if not manifest.exists():
        raise DataError(f"{manifest} is missing; `export` comes first")
    if truth.digest == digest:
        raise DataError(f"{args.data} is what {args.out} was trained on: its figures would flatter")
    # Phantoms of other seeds bear the same names.
    known = set() if truth.oracle or not run.patients.exists() else set(read_json(run.patients)) & set(truth.names)
    if known:
        raise DataError(f"{len(known)} patients of {args.data} are among those whom {args.out} saw: leakage")
    load_crops(truth, settings.size, run.cache)
    # Members out of a bundle come without their float networks.
    kinds = ["int8", "float"] if run.float_network(0).exists() else ["int8"]
    jobs = [job for kind in kinds for job in member_jobs(args, run, settings, list(range(members)), kind)]
    said: dict = {}
    function = "sonogfr_training.trees:evaluate_member"
    for kind, member, *columns in run_jobs(function, jobs, workers_of(args, "cpu")):
        said[kind, member] = columns
    of_members = lambda kind: zip(*[said[kind, member] for member in range(members)])  # noqa: E731
    outputs = {kind: tuple(np.stack(column) for column in of_members(kind)) for kind in kinds}
    result = report(truth, read_json(manifest)["rules"], outputs) | {"data": truth.digest}
    write_json(args.out / "evaluation.json", result)
    text = rows(truth, read_json(manifest)["rules"], outputs["int8"])
    write_whole(args.out / "evaluation.csv", lambda draft: draft.write_text(text, encoding="utf-8"))
    say(table(result))


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="sonogfr-training", description=__doc__.splitlines()[0])
    stages = parser.add_subparsers(required=True, metavar="STAGE")
    cli_data.add_stages(stages)
    cli_import.add_stage(stages)
    cli_recalibrate.add_stage(stages)

    def stage(function: Callable[[argparse.Namespace], None], out: str) -> argparse.ArgumentParser:
        added = stages.add_parser(function.__name__, help=function.__doc__, description=function.__doc__)
        added.set_defaults(function=function)
        added.add_argument("data", type=Path, metavar="DATA", help="folder with truth.jsonl and crops")
        added.add_argument("out", type=Path, metavar=out)
        added.add_argument(
            "--workers", type=cli_data.count, help="processes, or threads of pretrain (one a core; 3 on a GPU)"
        )
        return added

    for function, out in ((train, "OUT"), (pretrain, "OUT.pt")):
        added = stage(function, out)
        added.add_argument("--size", type=cli_data.count, default=defaults.size, help="pixels of a crop (%(default)s)")
        added.add_argument("--depth", type=int, choices=DEPTHS, default=defaults.depth, help="layers (%(default)s)")
        added.add_argument("--head", choices=HEADS, default=defaults.head, help="authors' or small one (%(default)s)")
        added.add_argument("--width", type=float, default=defaults.width, help="relative to the ResNet (%(default)s)")
        added.add_argument("--epochs", type=cli_data.count, default=defaults.epochs, help="(%(default)s)")
        added.add_argument("--batch", type=cli_data.count, default=defaults.batch, help="(%(default)s)")
        added.add_argument("--lr", type=float, default=defaults.lr, help="highest rate (%(default)s)")
        added.add_argument("--weight-decay", type=float, default=defaults.weight_decay, help="(%(default)s)")
        added.add_argument("--precision", choices=["auto", "bf16", "float32"], default="auto", help="(%(default)s)")
        added.add_argument("--seed", type=cli_data.whole, default=defaults.seed, help="(%(default)s)")
        added.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="(%(default)s)")
        added.add_argument("--length-input", action="store_true", help="head and trees see the kidney's length in cm")
        begun = "a file of torch weights, as pretrain writes; torchvision's of ImageNet; or random ones (%(default)s)"
        added.add_argument("--init-weights", default="torchvision", metavar="FILE|torchvision|none", help=begun)
        added.set_defaults(labels=defaults.labels)
        if function is pretrain:
            labels = "what it learns to say; the oracle only phantoms have (%(default)s)"
            added.add_argument("--labels", choices=["egfr", "oracle"], help=labels)
        if function is train:
            added.add_argument("--members", type=cli_data.count, default=10, help="(%(default)s)")
            added.add_argument("--threads", type=cli_data.count, default=1, help="cores of a member (%(default)s)")
            slurm = "members as a Slurm array, or processes here (auto: as an array where there is Slurm)"
            added.add_argument("--slurm", choices=["auto", "on", "off"], default="auto", help=slurm)
            added.add_argument("--gpus", type=cli_data.whole, default=0, help="of a member under Slurm (%(default)s)")
            added.add_argument("--partition", help="of Slurm (its default one)")
    cli_import.add_label(stage(export, "OUT"), "phantom-demo-2")
    stage(evaluate, "OUT")
    return parser


def problem_of(error: Exception) -> str:
    """What went wrong, in a line for the person who called the stage."""
    if isinstance(error, BrokenProcessPool):
        return "a process was killed, as when memory runs out: call the stage again, with fewer --workers"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}; check the path, its permissions and the free space"
    return str(error)


def main() -> None:
    """Runs one stage; what is wrong with data, files or machine is a line on stderr and exit code 2."""
    args = arguments().parse_args()
    try:
        args.function(args)
    except (DataError, OSError, BrokenProcessPool) as error:
        print(f"sonogfr-training: {problem_of(error)}", file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
