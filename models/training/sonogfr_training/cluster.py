"""Members as a Slurm job array, by submitit, where there is Slurm; `workers.run_jobs` is for where there is none.

What stands in OUT is what counts, not what the queue says: whoever calls `train` again has the missing members queued
again.
"""

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .data import DataError
from .workers import ALLOCATOR, call

# Slurm's own limit on a member, in minutes: a ResNet-101 took less on every card known.
MINUTES_MAX = 24 * 60
MEMORY_GB = 16
POLL_S, ANSWER_S = 1.0, 20.0
# Looks at the queue after which a job that is in it no more is lost: a result may come late over a shared disk.
POLLS_WITHOUT_RESULT = 20


def has_slurm() -> bool:
    """Whether a Slurm answers here; that its commands are installed is not enough."""
    if shutil.which("sbatch") is None:
        return False
    try:
        return subprocess.run(["sinfo", "-h"], capture_output=True, timeout=ANSWER_S, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run_array(
    function: str, jobs: Sequence[Any], folder: Path, workers: int, threads: int, gpus: int, partition: str | None
) -> Iterator[Any]:
    """As `run_jobs`, with at most `workers` of the array at a time; logs lie in `folder`. Errors: the first failure, in
    the words of the job's log."""
    if not jobs:
        return
    # Only where it is used: it is an optional part of the package.
    try:
        import submitit
    except ImportError as error:
        raise DataError("submitit is missing: pip install 'sonogfr-training[slurm]'") from error
    executor = submitit.SlurmExecutor(folder=folder)
    executor.update_parameters(
        job_name="sonogfr", time=MINUTES_MAX, mem=f"{MEMORY_GB}GB", cpus_per_task=threads, array_parallelism=workers,
        setup=[f"export {key}={value}" for key, value in {**ALLOCATOR, "OMP_NUM_THREADS": threads}.items()],
        **({"gpus_per_node": gpus} if gpus else {}), **({"partition": partition} if partition else {}),
    )  # fmt: skip
    array = executor.map_array(call, [function] * len(jobs), jobs)
    waiting, gone = {job.job_id: job for job in array}, Counter()
    try:
        while waiting:
            queued = _queued(array[0].job_id.split("_")[0])
            for name, job in list(waiting.items()):
                # Written by the job as its last act; asking Slurm how it ended needs accounting, which many lack.
                if job.paths.result_pickle.exists():
                    error = waiting.pop(name).exception()
                    if error is not None:
                        raise DataError(f"Slurm job {name}: {_last_line(str(error))}; its log is {job.paths.stderr}")
                    yield job.result()
                elif queued is not None and name not in queued:
                    gone[name] += 1
                if gone[name] > POLLS_WITHOUT_RESULT:
                    raise DataError(
                        f"Slurm job {name} ended without a result: cancelled, or killed; its log is {job.paths.stderr}"
                    )
            time.sleep(POLL_S)
    finally:
        for job in waiting.values():
            job.cancel()


def _last_line(failure: str) -> str:
    """What went wrong, out of submitit's message, which has the trace between two rules."""
    parts = re.split(r"^-{10,}$", failure, flags=re.MULTILINE)
    return (parts[1] if len(parts) > 2 else failure).strip().splitlines()[-1]


def _queued(array: str) -> set[str] | None:
    """The array's jobs that wait or run, "12_0" and so on; none where the queue cannot be asked just now."""
    asked = subprocess.run(["squeue", "-h", "-r", "-j", array, "-o", "%i"], capture_output=True, text=True, check=False)
    # An array of which nothing is left is an invalid one to squeue after some minutes.
    if asked.returncode != 0 and "Invalid job id" not in asked.stderr:
        return None
    return set(asked.stdout.split())
