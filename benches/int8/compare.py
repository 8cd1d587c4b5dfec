"""Times engines on the same int8 networks, taking turns, and prints medians and their ratios.

    pip install onnxruntime            (openvino too, if it should play)
    python3 benches/int8/compare.py NETS --sonogfr target/release/sonogfr [--threads 1 2] [--rounds 5]

NETS is a folder that make_nets.py filled. In every round each engine runs each network in a process of its own, so that none
finds another's threads or caches; the figure of a round is its median, that of an engine the median over rounds, and a ratio
the median of the ratios within each round. Wall and CPU time are both there, as CPU time tells more on a machine with others.
"""

import argparse
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys

ONNXRUNTIME = """
import json, sys, time
import numpy, onnxruntime
path, threads, reps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
feed = {session.get_inputs()[0].name: numpy.zeros(session.get_inputs()[0].shape, numpy.float32)}
run = lambda: session.run(None, feed)
"""
OPENVINO = """
import json, sys, time
import numpy, openvino
path, threads, reps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"})
feed = [numpy.zeros(list(compiled.inputs[0].shape), numpy.float32)]
request = compiled.create_infer_request()
run = lambda: request.infer(feed)
"""
TIMES = """
for _ in range(3): run()
wall, cpu = [], []
for _ in range(reps):
    a, b = time.perf_counter(), time.process_time()
    run()
    wall.append(1e3 * (time.perf_counter() - a)); cpu.append(1e3 * (time.process_time() - b))
print(json.dumps({"wall_ms_median": sorted(wall)[reps // 2], "cpu_ms_median": sorted(cpu)[reps // 2]}))
"""


def timed(command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def engines(sonogfr):
    def python(script):
        return lambda path, threads, reps: timed([sys.executable, "-c", script + TIMES, path, str(threads), str(reps)])

    def own(engine):
        def run(path, threads, reps):
            command = [sonogfr, "bench", path, "--engine", engine, "--threads", str(threads), "--reps", str(reps), "--json"]
            return timed(command)
        return run

    known = {"sonogfr": own("int8"), "onnxruntime": python(ONNXRUNTIME)}
    if importlib.util.find_spec("openvino"):
        known["openvino"] = python(OPENVINO)
    known["tract"] = own("tract")
    return known


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("nets", type=pathlib.Path)
    parser.add_argument("--sonogfr", default="target/release/sonogfr")
    parser.add_argument("--names", nargs="+", default=["resnet18", "resnet50", "resnet101"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reps", type=int, default=20)
    parser.add_argument("--without", nargs="*", default=[])
    arguments = parser.parse_args()
    players = {name: run for name, run in engines(arguments.sonogfr).items() if name not in arguments.without}
    print("| net | threads | engine | wall ms | cpu ms | wall, times sonogfr | cpu, times sonogfr |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in arguments.names:
        for threads in arguments.threads:
            here = {engine: run for engine, run in players.items() if engine != "tract" or threads == 1}
            path = str(arguments.nets / f"{name}.onnx")
            rounds = []
            for _ in range(arguments.rounds):
                # tract is so much slower that fewer runs tell as much.
                rounds.append({engine: run(path, threads, arguments.reps if engine != "tract" else 3)
                               for engine, run in here.items()})
            for engine in here:
                def middle(what, over=None):
                    return statistics.median(r[engine][what] / (r[over][what] if over else 1) for r in rounds)
                wall, cpu = "wall_ms_median", "cpu_ms_median"
                print(f"| {name} | {threads} | {engine} | {middle(wall):.2f} | {middle(cpu):.2f} "
                      f"| {middle(wall, 'sonogfr'):.2f} | {middle(cpu, 'sonogfr'):.2f} |", flush=True)


if __name__ == "__main__":
    main()
