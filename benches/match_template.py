"""Plays sonogfr's sight against a reader by OpenCV's template matching, on the same synthetic carts, on one core.

    pip install opencv-python-headless numpy
    cargo build --release --bins --example time_sight
    python3 benches/match_template.py [--count 60] [--seed 57]

`make bench-sight` does all of it. The other reader is what one would write in an afternoon: eight templates (plus, diagonal,
gapped and boxed cross, two sizes each), scaled to the screen's height, normalised correlation (TM_CCOEFF_NORMED) on the
brightest channel less half of the darkest, non-maximum suppression, and the two best hits of one template as the pair. Pictures
are decoded before either clock starts; the readers take turns on every picture. sonogfr's time is that of markers and ruler,
its pairs are those after the print was read. The other reader has no ruler and no print, so its time is that of markers alone.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import cv2
import numpy as np

# Farther from the truth than this an end is another one, in pixels.
WRONG_PX = 4.0
# The least correlation of a hit.
SCORE_MIN = 0.7
# Arm and stroke of the templates on a screen 720 high: the middle of the smaller and of the larger half of what carts draw.
SIZES = ((7, 2), (11, 3))
HITS_MAX = 12
# Carts' shapes that the templates are made for.
KNOWN = {"plus", "x", "gapped_plus", "boxed_plus"}
# The least of so many runs counts for both readers, as whatever else runs on the machine only adds.
RUNS = 5


def template(shape, arm, stroke):
    """One marker as ink on black, with a margin."""
    outer = arm + (2 * stroke + 2 if shape == "boxed_plus" else 0)
    side = 2 * (outer + 2) + stroke
    c = side // 2
    picture = np.zeros((side, side), np.uint8)
    if shape == "x":
        reach = round(0.85 * arm)
        cv2.line(picture, (c - reach, c - reach), (c + reach, c + reach), 255, stroke)
        cv2.line(picture, (c - reach, c + reach), (c + reach, c - reach), 255, stroke)
        return picture
    low, high = c - stroke // 2, c - stroke // 2 + stroke
    picture[low:high, c - arm : c + arm + 1] = 255
    picture[c - arm : c + arm + 1, low:high] = 255
    if shape == "gapped_plus":
        gap = max(2, round(0.3 * arm))
        picture[c - gap : c + gap + 1, c - gap : c + gap + 1] = 0
    if shape == "boxed_plus":
        cv2.rectangle(picture, (c - outer, c - outer), (c + outer, c + outer), 255, stroke)
    return picture


def templates(height):
    unit = height / 720
    sizes = [(max(4, round(arm * unit)), max(1, round(stroke * unit))) for arm, stroke in SIZES]
    return [template(shape, *size) for shape in sorted(KNOWN) for size in sizes]


def hits(plane, marker):
    """The best places of one template, best first: (score, x, y)."""
    scores = cv2.matchTemplate(plane, marker, cv2.TM_CCOEFF_NORMED)
    side = marker.shape[0]
    found = []
    for _ in range(HITS_MAX):
        _, score, _, (x, y) = cv2.minMaxLoc(scores)
        if not score >= SCORE_MIN:
            break
        found.append((score, x + side // 2, y + side // 2))
        scores[max(0, y - side // 2) : y + side // 2 + 1, max(0, x - side // 2) : x + side // 2 + 1] = -1
    return found


def match(picture, markers):
    """The pair: the best two hits that are alike, which is to say of one template."""
    most, least = picture.max(axis=2), picture.min(axis=2)
    plane = cv2.subtract(most, least // 2)
    best = None
    for marker in markers:
        found = hits(plane, marker)
        if len(found) >= 2 and (best is None or found[0][0] + found[1][0] > best[0]):
            best = (found[0][0] + found[1][0], [found[0][1:], found[1][1:]])
    return best[1] if best else None


def ends_found(pairs, truth):
    ends = [end for pair in pairs for end in pair]
    return sum(any(math.dist(end, (t["x"], t["y"])) <= WRONG_PX for end in ends) for t in truth["ends"])


def is_right(pair, truth):
    a, b = ([(end["x"], end["y"]) for end in truth["ends"]], [(e["x"], e["y"]) for e in truth["ends"][::-1]])
    return min(max(math.dist(p, q) for p, q in zip(pair, order)) for order in (a, b)) <= WRONG_PX


class Score:
    def __init__(self):
        self.ends = {"known shapes": [0, 0], "all shapes": [0, 0]}
        self.wrong = self.on_unmeasurable = 0
        self.ms = []

    def add(self, truth, pairs, chosen, ms):
        self.ms.append(ms)
        wanted = next((pair for pair in truth["pairs"] if pair["chosen"]), None)
        if truth["expected"] == "refused":
            self.on_unmeasurable += chosen is not None
            return
        self.wrong += chosen is not None and not is_right(chosen, wanted)
        for name, counts in self.ends.items():
            if name == "all shapes" or wanted["shape"] in KNOWN:
                counts[0] += ends_found(pairs, wanted)
                counts[1] += 2


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=57)
    parser.add_argument("--target", default="target/release", help="where sonogfr and examples/time_sight are")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    ours, theirs = Score(), Score()
    with tempfile.TemporaryDirectory() as folder:
        order = ["carts", "--count", str(arguments.count), "--seed", str(arguments.seed), "-o", folder]
        subprocess.run([f"{arguments.target}/sonogfr", *order], check=True, stdout=subprocess.DEVNULL)
        program = [f"{arguments.target}/examples/time_sight"]
        sight = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with open(f"{folder}/truth.jsonl", encoding="utf-8") as file:
            truths = [json.loads(line) for line in file]
        for truth in truths:
            path = f"{folder}/{truth['picture']}"
            sight.stdin.write(path + "\n")
            sight.stdin.flush()
            seen = json.loads(sight.stdout.readline())
            ours.add(truth, seen["pairs"], seen["chosen"], seen["ms"])
            picture = cv2.imread(path)
            markers = templates(picture.shape[0])
            times = []
            for _ in range(RUNS):
                start = time.perf_counter()
                pair = match(picture, markers)
                times.append(1000 * (time.perf_counter() - start))
            theirs.add(truth, [pair] if pair else [], pair, min(times))
        sight.stdin.close()
        sight.wait()
    print(f"{len(truths)} carts of seed {arguments.seed}, OpenCV {cv2.__version__}, one core")
    for name, score in (("sonogfr", ours), ("matchTemplate", theirs)):
        recall = ", ".join(f"{found}/{all} ends of {kind}" for kind, (found, all) in score.ends.items())
        wrong = f"{score.wrong} wrong pairs, {score.on_unmeasurable} pairs where nothing is measurable"
        print(f"{name:14} {recall}; {wrong}; median {statistics.median(score.ms):.1f} ms")
    ratio = statistics.median(theirs.ms) / statistics.median(ours.ms)
    print(f"sonogfr is {ratio:.1f} times as fast by the medians")


if __name__ == "__main__":
    sys.exit(main())
