"""Runs jobs in fresh processes.

Two reasons: xgboost hung in a process that had loaded torch, and members trained side by side on one thread each get
through more pictures than one member on all threads.
"""

import importlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

# glibc gives blocks above 32 MB back to the kernel at once, and every activation of every step is then paged in anew.
# Kept instead, training ran at 178 pictures/s a core, not 113 (half-width ResNet-18, 128 px, batch 64, bf16, Zen 4).
ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(4 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(16 << 30),
    "MALLOC_TOP_PAD_": str(256 << 20),
}


def core_count() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def call(function: str, job: Any) -> Any:
    """Calls `function`, "module:name", on a job: what a process of its own begins with."""
    module, name = function.split(":")
    return getattr(importlib.import_module(module), name)(job)


def run_jobs(function: str, jobs: Sequence[Any], workers: int, threads: int = 1) -> Iterator[Any]:
    """Calls `function` ("module:name") on each job and yields the results as they come.

    Each job has a process of its own with `threads` threads, at most `workers` at a time. The first failure is raised
    after the jobs under way have ended.
    """
    if not jobs:
        return
    environment = {**ALLOCATOR, "OMP_NUM_THREADS": str(threads)}
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    try:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(workers, len(jobs)), context, max_tasks_per_child=1) as pool:
            futures = [pool.submit(call, function, job) for job in jobs]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                for future in futures:
                    future.cancel()
    finally:
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)
