"""A built bundle on labelled pictures that its members never saw -> what they say there, for new rules.

Runs in a worker without torch; the members are those of the bundle, to the byte.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from . import likeness
from .bundle import FORMAT
from .data import DataError, halves, read_truth
from .runs import MemberJob, Run
from .store import write_json, write_whole
from .tables import Table
from .trees import pooled, run_member

MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 256 << 20
"""Ten members' likeness of 8192 features take less."""


@contextmanager
def opened(bundle: Path) -> Iterator[tarfile.TarFile]:
    """The bundle's archive. Errors: no such file, or what is read of it is no bundle's."""
    try:
        with tarfile.open(bundle, "r:") as archive:
            yield archive
    except OSError as error:
        raise DataError(f"{bundle}: {error.strerror or error}") from error
    except (tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{bundle}: is no bundle that `sonogfr bundle build` made ({error})") from error


def read_manifest(bundle: Path) -> dict:
    """The bundle's manifest. Errors: as `opened`."""
    with opened(bundle) as archive:
        manifest = json.loads(_entry(archive, MANIFEST, MANIFEST_BYTES_MAX))
        if manifest["format"] != FORMAT:
            raise ValueError(f"format {manifest['format']}, this toolkit reads {FORMAT}")
        return manifest


def unpack(bundle: Path, manifest: dict, run: Run) -> None:
    """Writes the members of `bundle` into `run`. Errors: as `opened`, or an entry that does not fit its hash."""
    with opened(bundle) as archive:
        for n, member in enumerate(manifest["members"]):
            for name, file in ((member["network"], run.network(n)), (member["trees"], run.table(n))):
                content = _entry(archive, name)
                if hashlib.sha256(content).hexdigest() != manifest["sha256"][name]:
                    raise DataError(f"{bundle}: {name} does not fit its hash; copy it again")
                write_whole(file, lambda draft, c=content: draft.write_bytes(c))


def _entry(archive: tarfile.TarFile, name: str, bytes_max: int | None = None) -> bytes:
    """What the file of that name in the archive holds."""
    found = archive.getmember(name)
    if not found.isfile() or (bytes_max is not None and found.size > bytes_max):
        raise ValueError(f"{name} is no file, or too large")
    return archive.extractfile(found).read()


def measure_member(job: MemberJob) -> str:
    """Runs a member over all crops; learns from one half of the patients what its features are like, and keeps what it
    says of every crop."""
    truth = read_truth(job.data)
    egfr, features = run_member(job, job.run.network(job.member), truth)
    table = job.run.table(job.member)
    p_ckd = Table.read(table.name, table.read_bytes()).probabilities(features)
    own = pooled(features, job)
    patients, _ = halves(truth.patient_count, job.settings.seed)
    known = own[np.isin(truth.patient, patients)]
    like = likeness.learn(known, np.ones(len(known)))
    write_json(job.run.likeness(job.member), like)
    said = {"egfr": egfr, "p_ckd": p_ckd, "distance": likeness.distances(like, own)}
    write_whole(job.run.outputs(job.member), lambda draft: np.savez(draft, **said))
    return f"member {job.member}: said of {len(egfr)} pictures, likeness from {len(known)} of them"
