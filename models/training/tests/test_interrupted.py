"""Given a kill or a full disk at some moment, expect nothing half-written, and in the end what it would have been."""

import resource
import subprocess
import sys

import pytest
import standin
import torch

from sonogfr_training import cli, train
from sonogfr_training.data import DataError
from sonogfr_training.runs import Run, Settings, TrainJob
from sonogfr_training.store import HOST, write_whole
from sonogfr_training.train import train_one


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return standin.write(tmp_path_factory.mktemp("data") / "standin", patients=24, size=32, seed=1)


def train_job(data, run, **more):
    settings = Settings(size=32, depth=18, head="small", width=0.125, batch=16, **more)
    return TrainJob(data, run.cache, run.trained(0), settings, 0, None, 1, "cpu", 0)


def test_given_a_kill_in_any_epoch_expect_the_same_weights_as_without(data, tmp_path, monkeypatch):
    run, whole = Run(tmp_path / "run"), Run(tmp_path / "whole")
    job_of = lambda of: train_job(data, of, epochs=3, length_input=True)  # noqa: E731
    train_one(job_of(whole))
    real, calls = train.epoch, []

    def dying(*arguments):
        calls.append(1)
        # Killed in the first epoch, then in the second, in the third, and then no more.
        if len(calls) in (1, 3, 5):
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(train, "epoch", dying)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train_one(job_of(run))
        assert not run.trained(0).exists()
    train_one(job_of(run))
    assert len(calls) == 6
    state = lambda of: torch.load(of.trained(0), weights_only=True)  # noqa: E731
    assert all(torch.equal(state(run)["state"][key], value) for key, value in state(whole)["state"].items())
    assert [row["loss"] for row in state(run)["history"]] == [row["loss"] for row in state(whole)["history"]]
    assert sorted(path.name for path in run.trained(0).parent.iterdir()) == ["0.pt"]


@pytest.mark.parametrize("left", [b"", b"cut sho", None])
def test_given_a_state_that_is_broken_or_of_other_settings_expect_the_network_begun_anew(data, tmp_path, left):
    run, fresh = Run(tmp_path / "run"), Run(tmp_path / "fresh")
    train_one(train_job(data, fresh, epochs=1))
    partial = run.trained(0).with_suffix(".partial")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(left) if left is not None else torch.save({"identity": {"seed": 9}}, partial)
    train_one(train_job(data, run, epochs=1))
    states = [torch.load(of.trained(0), weights_only=True)["state"] for of in (run, fresh)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0]) and not partial.exists()


def test_given_a_killed_run_expect_only_the_missing_member_trained(data, tmp_path, monkeypatch):
    trained = []

    def in_process(_function, jobs, _workers, _threads=1):
        for job in jobs:
            trained.append(job.member)
            yield train_one(job)

    monkeypatch.setattr(cli, "run_jobs", in_process)
    out = tmp_path / "out"
    tiny = ["train", str(data), str(out), "--size=32", "--depth=18", "--head=small", "--width=0.125", "--epochs=1"]
    tiny += ["--batch=16", "--members=2", "--init-weights=none", "--device=cpu", "--slurm=off"]
    call = lambda *more: (lambda args: args.function(args))(cli.arguments().parse_args([*tiny, *more]))  # noqa: E731
    call()
    before = Run(out).trained(0).read_bytes()
    Run(out).trained(1).unlink()
    left = Run(out).trained(1).with_name(f".{HOST}-4194305-1.pt")
    left.write_bytes(b"cut sho")
    call()
    assert not left.exists()
    assert trained == [0, 1, 1] and Run(out).trained(0).read_bytes() == before
    with pytest.raises(DataError, match="begun with other seed"):
        call("--seed=2")


def test_given_a_writer_that_dies_expect_the_old_file_and_no_litter(tmp_path):
    path = tmp_path / "file"
    write_whole(path, lambda draft: draft.write_text("old"))

    def die(draft):
        draft.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, die)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_given_a_full_disk_at_any_stage_expect_one_line_nothing_half_written_and_the_rest_made_later(data, tmp_path):
    out, more = tmp_path / "out", ["--size=32", "--depth=18", "--head=small", "--width=0.125", "--epochs=1"]
    more += ["--batch=16", "--members=1", "--init-weights=none", "--device=cpu", "--slurm=off"]

    def call(stage, *arguments, bytes_max=None):
        # No file may grow further, which Python is told by an error as of a full disk.
        limit = lambda: bytes_max and resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))  # noqa: E731
        command = [sys.executable, "-m", "sonogfr_training.cli", stage, data, out, *arguments]
        return subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)

    def check(stage, *arguments, bytes_max, file):
        done = call(stage, *arguments, bytes_max=bytes_max)
        assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr[-2000:]
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("sonogfr-training: ") and file in last and "free space" in last, last
        assert not [path for path in out.rglob(".*")] and not list(out.rglob(f"*{file}"))

    check("train", *more, bytes_max=50_000, file="-32.npy")
    check("train", *more, bytes_max=1_000_000, file="0.partial")
    assert call("train", *more).returncode == 0 and Run(out).trained(0).exists()
    check("export", bytes_max=500_000, file="0.onnx")
