"""Scores a reader on synthetic carts: `sonogfr inspect DIR/screens --json` against DIR/truth.jsonl.

    sonogfr carts --count 400 --seed 31 -o DIR
    sonogfr inspect DIR/screens --json > DIR/seen.jsonl
    python3 tests/score_carts.py DIR/truth.jsonl DIR/seen.jsonl

Ends are compared in either order, in pixels of the final picture. A stretched picture whose stretch cannot be known
for certain, and one where nothing tells which of several markers of one look belong together (`expected` is "either"),
may be refused; if it is measured it is judged like the others. Exit code 1 if a pair is wrong or an unmeasurable picture
is measured. Needs only the standard library.
"""

import json
import math
import os
import sys

# Farther from the truth than this a pair is another one, or none.
WRONG_PX = 4.0
# What the ends must be within, without damage and with it.
NEAR_PX = {False: 1.0, True: 1.5}
# The printed length and the markers agree within this part; the ruler's scale must be this near.
LENGTH_PART = 0.02
SCALE_PART = 0.003


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def off_px(pair, truth):
    """The larger distance of the two ends from the truth, in the order that fits."""
    seen = [(pair["x1"], pair["y1"]), (pair["x2"], pair["y2"])]
    ends = [(end["x"], end["y"]) for end in truth["ends"]]
    orders = (ends, ends[::-1])
    return min(max(math.dist(a, b) for a, b in zip(seen, order)) for order in orders)


def length_cm(pair, truth):
    across, down = truth["px_per_cm"]
    return math.hypot((pair["x1"] - pair["x2"]) / across, (pair["y1"] - pair["y2"]) / down)


def judge(truth, seen):
    """One picture's facts, as counted below."""
    measured = seen["outcome"] == "measured"
    facts = {"truth": truth, "measured": measured, "off": None, "faults": [], "scale_off": None}
    if seen.get("ruler") and truth["ruler"]:
        facts["scale_off"] = abs(seen["ruler"]["px_per_cm"] / truth["px_per_cm"][1] - 1)
    if not measured:
        return facts
    if truth["expected"] == "refused":
        facts["faults"].append("measured, though " + truth["reason"])
        return facts
    chosen = next(pair for pair in seen["pairs"] if pair["chosen"])
    wanted = next(pair for pair in truth["pairs"] if pair["chosen"])
    facts["off"] = off_px(chosen, wanted)
    if facts["off"] > WRONG_PX:
        others = [off_px(chosen, pair) for pair in truth["pairs"] if not pair["chosen"]]
        which = "another measurement" if others and min(others) <= WRONG_PX else "no measurement"
        facts["faults"].append(f"wrong pair: {which}, {facts['off']:.1f} px off")
    length = seen.get("length") or {}
    said = length.get("by_ruler_cm") or length.get("by_text_cm")
    if said is not None:
        if abs(said / length_cm(chosen, truth) - 1) > LENGTH_PART:
            facts["faults"].append(f"length {said:.2f} cm, is {length_cm(chosen, truth):.2f} cm")
    text = (seen.get("text") or {}).get("length_cm")
    if text is not None and length.get("agree") and wanted["printed_cm"] is not None:
        if abs(text - wanted["printed_cm"]) > 0.011:
            facts["faults"].append(f"read {text} cm, printed is {wanted['printed_cm']:.2f} cm, said to agree")
    return facts


def share(part, whole):
    return f"{part}/{whole} ({100 * part / whole:.1f}%)" if whole else "-"


def summary(name, rows):
    """One line of a table."""
    wanted = [r for r in rows if r["truth"]["expected"] == "measured"]
    negative = [r for r in rows if r["truth"]["expected"] == "refused"]
    offs = [r["off"] for r in rows if r["off"] is not None and r["off"] <= WRONG_PX]
    near = [r for r in rows if r["off"] is not None and r["off"] <= NEAR_PX[bool(r["truth"]["damage"])]]
    scales = [r["scale_off"] for r in rows if r["scale_off"] is not None]
    cells = [
        share(sum(r["measured"] for r in wanted), len(wanted)),
        share(len(near), len(offs)),
        f"{max(offs):.2f}" if offs else "-",
        str(sum(any(f.startswith("wrong") for f in r["faults"]) for r in rows)),
        str(sum(any(f.startswith(("length", "read")) for f in r["faults"]) for r in rows)),
        share(sum(r["measured"] for r in negative), len(negative)),
        f"{100 * max(scales):.2f}%, {share(sum(s <= SCALE_PART for s in scales), len(scales))}" if scales else "-",
    ]
    print("| " + " | ".join([name, *cells]) + " |")


def table(title, groups):
    heads = ["measured of measurable", "ends near", "max px", "wrong pairs", "wrong lengths"]
    heads.append("measured of unmeasurable")
    print("| " + " | ".join([title, *heads, "ruler: largest error, within 0.3%"]) + " |")
    print("|" + " --- |" * (len(heads) + 2))
    for name, rows in groups:
        summary(name, rows)
    print()


def grouped(rows, keys_of):
    names = sorted({key for row in rows for key in keys_of(row["truth"])})
    return [(name, [row for row in rows if name in keys_of(row["truth"])]) for name in names]


def main(truth_path, seen_path):
    seen = {os.path.basename(line["picture"]): line for line in lines(seen_path)}
    truths = lines(truth_path)
    rows = [judge(truth, seen[os.path.basename(truth["picture"])]) for truth in truths]
    table("all", [("all", rows)])
    table("style", grouped(rows, lambda t: [t["style"]]))
    table("damage", grouped(rows, lambda t: [d["kind"] for d in t["damage"]] or ["none"]))
    table("shape", grouped(rows, lambda t: sorted({p["shape"] for p in t["pairs"]}) or ["no pair"]))
    table("mode", grouped(rows, lambda t: ["{width}x{height}".format(**t["mode"])]))
    table("unmeasurable", grouped(rows, lambda t: [t["reason"]] if t["reason"] else []))
    faults = [(row, fault) for row in rows for fault in row["faults"]]
    print(f"{len(faults)} faults; {sum(r['truth']['expected'] == 'either' for r in rows)} pictures that may be refused")
    for row, fault in faults:
        t = row["truth"]
        marker = t["marker"]
        shapes = "+".join(sorted({p["shape"] for p in t["pairs"]})) or "-"
        damage = ",".join(d["kind"] for d in t["damage"]) or "none"
        print(
            f"{t['picture']} (seed {t['seed']}, index {t['index']}): {fault}; {t['style']} {t['width']}x{t['height']},"
            f" {shapes}, stroke {marker['stroke']:.0f}, damage {damage}"
        )
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
