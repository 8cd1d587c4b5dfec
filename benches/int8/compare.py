"""Times engines on the same int8 networks, taking turns, and writes medians, their ratios and a plot.

    pip install onnx onnxruntime openvino matplotlib
    python3 benches/int8/compare.py NETS --sonogfr target/release/sonogfr --out target/bench [--bundle FILE --members DIR]

NETS is a folder that make_nets.py filled; so is DIR, of whose networks `sonogfr bundle build` made FILE. In every round each
engine runs each network in a process of its own, so that none finds another's threads or caches; the figure of a round is its
median, that of an engine the median over rounds, and a ratio the median of the ratios within each round. Wall and CPU time are
both there, as CPU time tells more on a machine with others. Of a bundle's members onnxruntime gets one session each, and the
better of two arrangements: a member a thread, or all threads for one member after the other. Engines that are not installed
are named and left out.
"""

import argparse
import importlib.util
import json
import os
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
MEMBERS = """
import concurrent.futures, glob, json, sys, time
import numpy, onnxruntime
folder, threads, reps, apart = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "apart"
began, began_cpu = time.perf_counter(), time.process_time()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1 if apart else threads
sessions = [onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for path in sorted(glob.glob(folder + "/*.onnx"))]
load = {"load_ms": 1e3 * (time.perf_counter() - began), "load_cpu_ms": 1e3 * (time.process_time() - began_cpu)}
feed = {sessions[0].get_inputs()[0].name: numpy.zeros(sessions[0].get_inputs()[0].shape, numpy.float32)}
one = lambda session: session.run(None, feed)
pool = concurrent.futures.ThreadPoolExecutor(threads)
run = lambda: list((pool.map if apart else map)(one, sessions))
"""
TIMES = """
for _ in range(3): run()
wall, cpu = [], []
for _ in range(reps):
    a, b = time.perf_counter(), time.process_time()
    run()
    wall.append(1e3 * (time.perf_counter() - a)); cpu.append(1e3 * (time.process_time() - b))
rss = [int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmRSS")]
print(json.dumps({"wall_ms_median": sorted(wall)[reps // 2], "cpu_ms_median": sorted(cpu)[reps // 2], "rss_mib": rss[0],
                  **globals().get("load", {})}))
"""
WALL, CPU = "wall_ms_median", "cpu_ms_median"
OWN = "sonogfr"


def timed(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def engines(sonogfr):
    """What runs one network, by name; names those that are not here."""
    def python(script):
        return lambda path, threads, reps: timed([sys.executable, "-c", script + TIMES, path, threads, reps])

    def own(engine):
        return lambda path, threads, reps: timed(
            [sonogfr, "bench", path, "--engine", engine, "--threads", threads, "--reps", reps, "--json"])

    known = {OWN: own("int8")}
    for name, script in (("onnxruntime", ONNXRUNTIME), ("openvino", OPENVINO)):
        if importlib.util.find_spec(name):
            known[name] = python(script)
        else:
            print(f"{name} is not installed here and is left out")
    known["tract"] = own("tract")
    return known


def take_turns(players, rounds):
    return [{name: run() for name, run in players.items()} for _ in range(rounds)]


def rows(label, threads, results):
    """One row for each engine: medians, and ratios to this program's within each round."""
    for engine in results[0]:
        def middle(what, over=None):
            return statistics.median(r[engine][what] / (r[over][what] if over else 1) for r in results)
        yield {"net": label, "threads": threads, "engine": engine, "wall_ms": middle(WALL), "cpu_ms": middle(CPU),
               "wall_ratio": middle(WALL, OWN), "cpu_ratio": middle(CPU, OWN),
               **{key: middle(key) for key in ("share_of_peak", "peak_gmac_per_s", "load_ms", "load_cpu_ms", "rss_mib")
                  if all(key in r[engine] and r[engine][key] is not None for r in results)}}


def compare_nets(arguments, players):
    for name in arguments.nets:
        path = arguments.folder / f"{name}.onnx"
        for threads in arguments.threads:
            # tract has one thread, and is so much slower that fewer runs tell as much.
            here = {engine: run for engine, run in players.items() if engine != "tract" or threads == 1}
            results = take_turns({
                engine: lambda run=run, reps=3 if engine == "tract" else arguments.reps: run(path, threads, reps)
                for engine, run in here.items()}, arguments.rounds)
            yield from rows(name, threads, results)


def compare_members(arguments):
    threads, reps = max(arguments.threads), max(arguments.reps // 4, 3)
    own = [arguments.sonogfr, "bench", arguments.bundle, "--threads", threads, "--reps", reps, "--json"]
    # So that its packed form is there.
    timed(own)
    players = {OWN: lambda: timed(own)}
    if importlib.util.find_spec("onnxruntime"):
        for arrangement in ("apart", "together"):
            command = [sys.executable, "-c", MEMBERS + TIMES, arguments.members, threads, reps, arrangement]
            players[f"onnxruntime, {arrangement}"] = lambda command=command: timed(command)
    yield from rows(f"{len(list(arguments.members.glob('*.onnx')))} members", threads, take_turns(players, arguments.rounds))


def table(found):
    lines = ["| net | threads | engine | wall ms | cpu ms | wall, times sonogfr | cpu, times sonogfr | share of peak | load ms (cpu) | RSS MiB |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for row in found:
        share = f"{row['share_of_peak']:.0%} of {row['peak_gmac_per_s']:.0f}" if "share_of_peak" in row else ""
        load = f"{row['load_ms']:.0f} ({row['load_cpu_ms']:.0f})" if "load_ms" in row and "load_cpu_ms" in row else ""
        rss = f"{row['rss_mib']:.0f}" if "rss_mib" in row else ""
        lines.append(f"| {row['net']} | {row['threads']} | {row['engine']} | {row['wall_ms']:.2f} | {row['cpu_ms']:.2f} "
                     f"| {row['wall_ratio']:.2f} | {row['cpu_ratio']:.2f} | {share} | {load} | {rss} |")
    return "\n".join(lines)


def plot(found, path):
    """CPU time of each engine on each network, as it changes least with what else the machine does."""
    if not importlib.util.find_spec("matplotlib"):
        print("matplotlib is not installed here: no plot")
        return
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    subjects = list(dict.fromkeys((row["net"], row["threads"]) for row in found))
    colours = {"sonogfr": "#1b6ca8", "onnxruntime": "#d98c21", "onnxruntime, apart": "#d98c21",
               "onnxruntime, together": "#f0c27b", "openvino": "#5b8c5a", "tract": "#8a8a8a"}
    figure, panels = plt.subplots(len(subjects), figsize=(8, 0.45 * len(found) + 0.6 * len(subjects)), squeeze=False,
                                  gridspec_kw={"height_ratios": [sum((r["net"], r["threads"]) == s for r in found) for s in subjects]})
    for panel, (net, threads) in zip(panels[:, 0], subjects):
        here = [row for row in found if (row["net"], row["threads"]) == (net, threads)]
        bars = panel.barh([row["engine"] for row in here], [row["cpu_ms"] for row in here],
                          color=[colours.get(row["engine"], "#555555") for row in here])
        panel.bar_label(bars, [f"{row['cpu_ms']:.1f} ms, {row['cpu_ratio']:.2f} x" for row in here], padding=4, fontsize=8)
        panel.set_title(f"{net}, {threads} thread{'s' if threads > 1 else ''}", loc="left", fontsize=9)
        panel.invert_yaxis()
        panel.set_xlim(0, 1.35 * max(row["cpu_ms"] for row in here))
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
    panels[-1, 0].set_xlabel("CPU time of one picture, ms (and how many times sonogfr's)", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--sonogfr", default="target/release/sonogfr")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/bench"))
    parser.add_argument("--bundle", type=pathlib.Path)
    parser.add_argument("--members", type=pathlib.Path)
    parser.add_argument("--nets", nargs="*", default=["resnet18", "resnet50", "resnet101"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--reps", type=int, default=20)
    parser.add_argument("--without", nargs="*", default=[])
    arguments = parser.parse_args()
    players = {name: run for name, run in engines(arguments.sonogfr).items() if name not in arguments.without}
    loads = [os.getloadavg()[0]]
    found = list(compare_nets(arguments, players))
    if arguments.bundle:
        found += compare_members(arguments)
    loads.append(os.getloadavg()[0])
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = (f"{table(found)}\n\n{arguments.rounds} rounds; {os.cpu_count()} cores; load average {loads[0]:.1f} before, "
            f"{loads[1]:.1f} after (engines that take turns share what others take).\n")
    (arguments.out / "int8.md").write_text(text)
    (arguments.out / "int8.json").write_text(json.dumps(found, indent=1))
    plot(found, arguments.out / "int8.png")
    print(text)


if __name__ == "__main__":
    main()
