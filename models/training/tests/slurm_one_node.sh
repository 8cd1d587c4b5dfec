#!/usr/bin/env bash
# Trains members as a job array on a real Slurm of one node: munge, slurmctld and slurmd on loopback, all in a folder of
# its own. Needs Debian's slurm-wlm and munge (apt-get install slurm-wlm munge), root, and a Python with the toolkit:
#
#     PYTHON=target/training-venv/bin/python models/training/tests/slurm_one_node.sh
#
# Shows the queue, cancels a member, and has the second call of `train` make what is missing. Ends what it started.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
python=$(command -v "$python") && python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
node=$(mktemp -d)
started=()
end() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$node"
}
trap end EXIT

wait_for() {
    local what=$1
    shift
    for _ in $(seq 100); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.2
    done
    echo "$what did not come up:" >&2
    tail -n 5 "$node"/*.log >&2
    return 1
}

chmod 755 "$node"
mkdir -m 755 "$node"/{state,spool}
head -c 128 /dev/urandom >"$node/munge.key"
chmod 600 "$node/munge.key"
munged --foreground --force --key-file="$node/munge.key" --socket="$node/munge.socket" --pid-file="$node/munge.pid" \
    --log-file="$node/munged.log" --seed-file="$node/munge.seed" >"$node/munged.out.log" 2>&1 &
started+=($!)
cat >"$node/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$node/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation=$node/state
SlurmdSpoolDir=$node/spool
SlurmctldPidFile=$node/slurmctld.pid
SlurmdPidFile=$node/slurmd.pid
SlurmctldLogFile=$node/slurmctld.log
SlurmdLogFile=$node/slurmd.log
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(($(awk '/MemTotal/ {print $2}' /proc/meminfo) / 1100))
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$node/slurm.conf
wait_for munge munge --socket="$node/munge.socket" -n
slurmctld -D >"$node/slurmctld.out.log" 2>&1 &
started+=($!)
slurmd -D -N "$(hostname -s)" >"$node/slurmd.out.log" 2>&1 &
started+=($!)
is_idle() { sinfo -h -o %T | grep -q idle; }
wait_for "the node" is_idle
sinfo

"$python" - "$here" "$node/data" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import standin
standin.write(Path(sys.argv[2]), patients=40, size=32, seed=1)
PY

train() {
    "$python" -m sonogfr_training.cli train "$node/data" "$node/out" --size 32 --depth 18 --head small --width 0.125 --init-weights none \
        --epochs "$1" --batch 16 --members 3 --device cpu --slurm on 2>&1
}

echo "== a member is cancelled while it trains"
train 40 &
first=$!
runs() { [ "$(squeue -h -r -t R | wc -l)" -ge 1 ]; }
wait_for "an array" runs
squeue -r -o '%.12i %.10j %.8T %.6M'
scancel "$(squeue -h -r -t R -o %i | head -n 1)"
if wait "$first"; then
    echo "the cancelled member was not missed" >&2
    exit 1
fi

echo "== called again, the missing members are made"
train 40
ls "$node/out/members" | sort
[ "$(ls "$node/out/members" | grep -c '^[0-9]*\.pt$')" = 3 ]
# What a member became does not depend on who ran it.
"$python" -m sonogfr_training.cli train "$node/data" "$node/local" --size 32 --depth 18 --head small --width 0.125 --init-weights none \
    --epochs 40 --batch 16 --members 1 --device cpu --slurm off >/dev/null 2>&1
"$python" - "$node" <<'PY'
import sys, torch
a, b = (torch.load(f"{sys.argv[1]}/{out}/members/0.pt", weights_only=True)["state"] for out in ("out", "local"))
assert all(torch.equal(a[key], b[key]) for key in a), "the array's member is another one"
print("member 0 of the array and of a local process: the same weights")
PY
echo "slurm_one_node: passed"
