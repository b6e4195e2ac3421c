#!/usr/bin/env python3
"""How memory and time of `tuban classify` grow: a table for docs/PERFORMANCE.md.

usage: run.py TUBAN FOLDER [RUNS]     FOLDER is for the data (5 GB with the province); what is there is used again

Every figure is the best of RUNS (3), of CPU seconds (user and system of all threads) as of wall seconds: other work on the machine moves the
first less. What is compared is run in turn. Needs nothing but Python's own library.
"""

import itertools, json, math, os, pathlib, random, subprocess, sys

TUBAN, FOLDER = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
KINDS = ["county", "farmland", "basic_farmland", "red_line", "urban_boundary", "approved"]
PATCHES = "survey-2022-04.geojson"


def city(preset):
    folder = FOLDER / preset
    if not (folder / "survey-2022-06.geojson").exists():
        subprocess.run([TUBAN, "demo", "--preset", preset, "--out", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def every(source, nth, name):
    """Every nth feature of a file that has one a line."""
    made = FOLDER / name
    if not made.exists():
        with open(source, encoding="utf-8") as lines:
            head = list(itertools.takewhile(lambda line: not line.startswith('"features"'), lines))
            features = [line.rstrip().rstrip(",") for number, line in enumerate(line for line in lines if line.startswith('{"type":"Feature"')) if number % nth == 0]
        made.write_text("".join(head) + '"features":[\n' + ",\n".join(features) + "\n]}\n", encoding="utf-8")
    return made


def red_line(vertices):
    """A bay-shaped line around the middle of the city; each has the same course, and wrinkles as small as its vertices are close."""
    made, dice = FOLDER / f"red_line-{vertices}.geojson", random.Random(1)
    if not made.exists():
        step = math.tau / vertices
        ring = []
        for k in range(vertices):
            reach = 0.6 + 0.15 * math.sin(5 * k * step) + 0.3 * step * dice.random()
            ring.append(f"[{118.3 + reach * math.cos(k * step):.9f},{35.3 + reach * math.sin(k * step):.9f}]")
        ring.append(ring[0])
        made.write_text('{"type":"FeatureCollection","features":[\n{"type":"Feature","properties":{},"geometry":{"type":"Polygon","coordinates":[['
                        + ",".join(ring) + "]]}}\n]}\n")
    return made


def classify(patches, layers, memory=None):
    """One run: its timings, CPU seconds and peak memory."""
    command = [TUBAN, "classify", patches, "--output", FOLDER / "out.csv", "--timings"]
    command += [f"--layer={kind}={path}" for kind, path in layers.items()]
    command += ["--memory", memory] if memory else []
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    lines = process.stderr.read().decode().splitlines()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, lines
    return json.loads(lines[-1]) | {"cpu_s": usage.ru_utime + usage.ru_stime}


def best(*runs):
    """The best of several runs of each, taken in turn."""
    rounds = [[classify(*run) for run in runs] for _ in range(RUNS)]
    return [{key: min(one[which][key] for one in rounds) for key in rounds[0][which]} for which in range(len(runs))]


def layers(folder, **others):
    return {kind: folder / f"{kind}.geojson" for kind in KINDS} | others


def row(what, timings, note=""):
    per_s = timings["patches"] / timings["classify_s"]
    print(f"| {what} | {timings['load_s']:.2f} | {timings['classify_s']:.2f} | {per_s:,.0f} | {timings['cpu_s']:.2f} | {timings['peak_rss_mb']:.0f} | {note} |", flush=True)


def main():
    small = city("city")
    hundred, ten = small / PATCHES, every(small / PATCHES, 10, "patches-10k.geojson")
    third = every(small / "farmland.geojson", 3, "farmland-100k.geojson")
    print("| | load, s | classify, s | patches/s | CPU, s | peak MB | |\n| --- | --- | --- | --- | --- | --- | --- |")

    whole, spilled = best((hundred, layers(small)), (hundred, layers(small), "64MB"))
    raw = whole["layers_vertices"] * 16 / 1e6
    row("city", whole, f"raw coordinates {raw:.0f} MB: allowed {2 * raw + 64:.0f}")
    row("city, every position on disk", spilled, f"{whole['classify_s'] / spilled['classify_s']:.2f} × the speed")

    few, = best((ten, layers(small)))
    row("city, 10 000 patches", few, f"ten times the patches: {whole['classify_s'] / few['classify_s']:.2f} × the time")
    some, all_of = best((hundred, {"farmland": third}), (hundred, {"farmland": small / "farmland.geojson"}))
    row("parcels alone, every third", some)
    row("parcels alone", all_of, f"three times the parcels: load {all_of['load_s'] / some['load_s']:.2f} ×, all {all_of['cpu_s'] / some['cpu_s']:.2f} × the CPU")

    thin, thick = best(*((hundred, {"red_line": red_line(n)}) for n in (1_000, 1_000_000)))
    row("red line of 1 000 vertices alone", thin)
    row("red line of 1 000 000 vertices alone", thick, f"{thick['classify_s'] / thin['classify_s']:.2f} × the time a patch")

    large = city("province")
    whole, province = best((hundred, layers(small)), (large / PATCHES, layers(large), "1GB"))
    row("city, in turn with the province", whole)
    row("province, 3 000 000 parcels, `--memory 1GB`", province, f"{whole['classify_s'] / province['classify_s']:.2f} × the city's speed")


main()
