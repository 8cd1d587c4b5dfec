"""Files that are either whole or absent, so that a killed run can go on where it stopped."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

NUMBERS = re.compile(r"\[[-+\d.eE,\s]+\]")


def write_whole(path: Path, write: Callable[[Path], Any]) -> None:
    """Lets `write` fill a temporary file beside `path` and renames it into place once it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The process id keeps two runs apart; the suffix stays last because some writers look at it.
    draft = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(draft)
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Writes `value` as indented JSON; NaN and infinity are errors, because JSON has none."""
    text = json.dumps(value, indent=2, allow_nan=False) + "\n"
    # A line for each of a hundred thousand numbers would be four times as long as the numbers.
    text = NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
    write_whole(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Reads what `write_json` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))
