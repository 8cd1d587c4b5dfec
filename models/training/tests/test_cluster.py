"""Given what Slurm's commands answer, expect members waited for, lost ones told, and no Slurm where none answers.

The real one: slurm_one_node.sh.
"""

import pytest
import submitit

from sonogfr_training import cluster
from sonogfr_training.data import DataError


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Puts commands on the path: sbatch takes every array as number 7, and the queue says what `queue` holds."""

    def install(queue: str, sinfo: int = 0):
        answers = {"sbatch": "echo Submitted batch job 7", "squeue": queue, "sinfo": f"exit {sinfo}", "scancel": "true"}
        for name, script in (answers | {"srun": "true", "sacct": "exit 1"}).items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.setattr(cluster, "POLL_S", 0.0)

    return install


def test_given_commands_without_an_answer_expect_no_slurm(slurm):
    slurm("true", sinfo=1)
    assert not cluster.has_slurm()
    slurm("true")
    assert cluster.has_slurm()


def test_given_a_job_that_left_the_queue_without_a_result_expect_it_named(slurm, tmp_path):
    slurm("echo 7_1")
    array = cluster.run_array("os:getcwd", ["a", "b"], tmp_path / "logs", 2, 1, 0, None)
    with pytest.raises(DataError, match="Slurm job 7_0 ended without a result: cancelled, or killed"):
        next(array)


@pytest.mark.parametrize("outcome, expected", [(("success", 5), 5), (("error", "Traceback\nValueError: no"), None)])
def test_given_results_expect_them_or_the_last_line_of_what_went_wrong(slurm, tmp_path, outcome, expected):
    slurm("exit 1")
    array = cluster.run_array("os:getcwd", ["a", "b"], tmp_path / "logs", 1, 1, 0, None)
    (tmp_path / "logs").mkdir()
    for number in (0, 1):
        submitit.core.utils.cloudpickle_dump(outcome, tmp_path / "logs" / f"7_{number}_0_result.pkl")
    if expected is None:
        with pytest.raises(DataError, match="Slurm job 7_0: ValueError: no; its log is"):
            next(array)
    else:
        assert list(array) == [expected, expected]
