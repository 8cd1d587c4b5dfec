"""The stages before training: arguments of `list` and `prepare`."""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from .labels import FORMULAS, UNITS
from .prepare import BLACK_SHARE_MAX, DAYS_MAX, TEST_SHARE, Order, prepare
from .runs import Settings
from .sight import Program


def run_list(args: argparse.Namespace) -> None:
    """Lists the pictures of a folder for `prepare`, with what DICOM headers tell."""
    from .listing import list_pictures

    count = list_pictures(args.folder, args.manifest)
    print(f"{args.manifest}: {count} pictures; next: fill in creatinine, creatinine_unit and creatinine_date")


def run_prepare(args: argparse.Namespace) -> None:
    """Cuts the crops of a manifest's pictures, labels them and counts what it leaves out."""
    order = Order(
        args.manifest, args.out, Program(args.sonogfr), args.size, args.formula, args.race_term, args.unit, args.days,
        args.test_share, args.black_max, args.key, args.seed,
    )  # fmt: skip
    flow = prepare(order)
    tqdm.write(flow.text(), file=sys.stdout)
    print(f"{args.out}: next: sonogfr-training train {args.out / 'train'} OUT")


def add_stages(stages) -> None:
    """Adds both to the command line."""
    added = stages.add_parser("list", help=run_list.__doc__, description=run_list.__doc__)
    added.set_defaults(function=run_list)
    added.add_argument("folder", type=Path, metavar="FOLDER")
    added.add_argument("manifest", type=Path, metavar="MANIFEST.csv")
    added = stages.add_parser("prepare", help=run_prepare.__doc__, description=run_prepare.__doc__)
    added.set_defaults(function=run_prepare)
    added.add_argument("manifest", type=Path, metavar="MANIFEST.csv")
    added.add_argument("out", type=Path, metavar="OUT", help="folder to make")
    added.add_argument("--sonogfr", metavar="FILE", help="the program (that of $PATH)")
    added.add_argument("--size", type=count, default=Settings().size, help="pixels of a crop (%(default)s)")
    added.add_argument("--formula", choices=sorted(FORMULAS), default="mdrd186", help="of eGFR (%(default)s)")
    added.add_argument("--race-term", action="store_true", help="with the formula's race term, by a column black")
    added.add_argument("--unit", type=_unit, help="of creatinine, mg/dL or umol/L, where there is no column for it")
    added.add_argument("--days", type=count, default=DAYS_MAX, help="most between scan and creatinine (%(default)s)")
    share = "of patients kept for the test, where the manifest has no column split (%(default)s; 0: none)"
    added.add_argument("--test-share", type=_share, default=TEST_SHARE, help=share)
    dark = "largest share of a crop without echo (%(default)s)"
    added.add_argument("--black-max", type=_share, default=BLACK_SHARE_MAX, help=dark)
    secret = (
        "of the pseudonyms, made if missing: the same names again for later data (default: a key that is forgotten)"
    )
    added.add_argument("--key", type=Path, metavar="FILE", help=secret)
    added.add_argument("--seed", type=whole, default=1, help="of the draw of test patients (%(default)s)")


def whole(text: str) -> int:
    """A whole number from 0 on, as an argument."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def count(text: str) -> int:
    """A whole number from 1 on, as an argument."""
    if whole(text) == 0:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: 0 or more, and below 1")
    return share


def _unit(text: str) -> str:
    if text.lower().replace(" ", "") not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is unknown: mg/dL or umol/L")
    return text
