"""Files that are either whole or absent, so that a killed run can go on where it stopped."""

import errno
import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

HOST = socket.gethostname()
NUMBERS = re.compile(r"\[[-+\d.eE,\s]+\]")


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Lets `write` fill a temporary file beside `path` and renames it into place once it is on the disk. Errors: an
    `OSError` that names `path`, which is then as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    # Host and process keep two runs apart; the suffix stays last because some writers look at it.
    draft = path.with_name(f".{HOST}-{os.getpid()}-{path.name}")
    try:
        write(draft)
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        # Whoever wrote need not have named the file, nor numpy the reason.
        raise OSError(error.errno, error.strerror or f"cannot be written ({error})", str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Removes what killed processes of this host left half-written for `path`: the state of a large network takes half
    a gigabyte. Those of other hosts on a shared disk may be alive."""
    for draft in path.parent.glob(f".{HOST}-*-{path.name}"):
        writer = draft.name.removeprefix(f".{HOST}-").removesuffix(f"-{path.name}")
        if writer.isdigit() and not Path("/proc", writer).exists():
            draft.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON; NaN and infinity are errors, because JSON has none."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    # A line for each of a hundred thousand numbers would be four times as long as the numbers.
    text = NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Reads what `write_json` wrote. Errors: an `OSError` that names `path`."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OSError(errno.EINVAL, f"was cut off or changed ({error})", str(path)) from error
