"""What the peers took, as Markdown, and its place in a page."""

import json
import os
import re
import subprocess
from datetime import date
from importlib.metadata import version
from statistics import median

import psutil
import shapely

from compare import COLUMNS
from places import PRESETS

NAMES = {"tuban": "**tuban**", "geopandas": "GeoPandas", "duckdb": "DuckDB spatial", "sedonadb": "SedonaDB", "postgis": "PostGIS"}


def number(value, decimals=0):
    return f"{value:,.{decimals}f}".replace(",", " ")


def spread(seconds):
    """Median, and from least to most."""
    decimals = 2 if median(seconds) >= 1 else 3
    middle, least, most = (f"{value:.{decimals}f}" for value in (median(seconds), min(seconds), max(seconds)))
    return f"{middle} ({least}–{most})"


def taken(jobs, what):
    return {peer: [job[what]["seconds"] for job in of] for peer, of in jobs.items()}


def machine(tuban):
    with open("/proc/cpuinfo") as file:
        cpu = re.search(r"model name\s*: (.*)", file.read())
    debian = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "postgresql-15-postgis-3"], capture_output=True, text=True, check=False).stdout
    program = subprocess.run([tuban, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    parts = [f"{name} {version(name)}" for name in ("geopandas", "shapely", "duckdb", "sedonadb")]
    memory = psutil.virtual_memory().total / 2**30
    model = cpu[1].strip() if cpu else "unknown processor"
    return (
        f"{date.today()}, {model}, {os.cpu_count()} cores, {memory:.0f} GiB; {program}, {', '.join(parts)} (GEOS {shapely.geos_version_string}), "
        f"PostgreSQL 15 with PostGIS {debian.split('+')[0]}."
    )


def times(jobs):
    """The table: run, patches a second, how many times the fastest peer, load, memory."""
    runs, loads = taken(jobs, "run"), taken(jobs, "load")
    fastest = min((median(seconds) for peer, seconds in runs.items() if peer != "tuban"), default=None)
    yield "| | run, s | patches/s | × the fastest peer | load and index, s | peak, MB |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for peer, seconds in runs.items():
        run = median(seconds)
        patches = jobs[peer][0]["run"]["patches"]
        ratio = f"{fastest / run:.2f}" if fastest else ""
        peak = median(job["run"]["peak_mb"] for job in jobs[peer])
        yield f"| {NAMES[peer]} | {spread(seconds)} | {number(patches / run)} | {ratio} | {spread(loads[peer])} | {number(peak)} |"


def yardstick(jobs, bare):
    """Tuban's run and load against the bare pass over the same files, by whichever parser was fastest."""
    passes = {over: {way: [of[way][over] for of in bare] for way in bare[0]} for over in ("survey", "layers")}
    yield "| bare pass of a JSON parser, one core | over the patches, s | over the layers, s |"
    yield "| --- | ---: | ---: |"
    for way in bare[0]:
        yield f"| {way} | {spread(passes['survey'][way])} | {spread(passes['layers'][way])} |"
    if "tuban" in jobs:
        fastest = {over: min(map(median, ways.values())) for over, ways in passes.items()}
        run, load = (median(taken(jobs, what)["tuban"]) for what in ("run", "load"))
        yield f"| **tuban ÷ the fastest** | {run / fastest['survey']:.2f} (goal: 3) | {load / fastest['layers']:.2f} (goal: 4) |"


def differences(agreement):
    """The table of agreement, and what became of the outlines that are not valid."""
    each = agreement["each"]
    peers = [peer for peer in each if peer != "tuban"]
    yield "| | tuban's sum, m² | " + " | ".join(NAMES[peer] for peer in peers) + " |"
    yield "| --- | ---: |" + " ---: |" * len(peers)
    for column in COLUMNS:
        total = each["tuban"][column]["sum"]
        cells = " | ".join(difference(each[peer][column], total) for peer in peers)
        yield f"| {column} | {number(total, 2)} | {cells} |"
    yield "| another county | | " + " | ".join(str(each[peer]["county"]) for peer in peers) + " |"
    refused, repaired = agreement["refused"], agreement["repaired"]
    yield ""
    yield (
        f"Over the {number(each['tuban']['patches'])} patches that tuban accepted: difference of the sums, m²; then the largest difference, m² (and the "
        "largest in parts of its patch's area), first of outlines as they came, then of repaired ones. Four decimals are written: 5e-05 m² is rounding, "
        "1e-04 where both round. The peers look for crossings in degrees, tuban in the plane, where edges are straight: repaired in the plane by GEOS, "
        f"the {repaired['patches']} repaired outlines are within {repaired['from_tuban_m2']:.0e} m² of tuban's. {refused['patches']} outlines are refused. "
        f"GEOS itself reads {refused['read_in_two_ways']} of them in two ways (`make_valid` by linework and by structure, {number(refused['apart_m2'])} m² "
        f"apart), {refused['enclose_nothing']} enclose nothing; of the repaired it reads {repaired['read_in_two_ways']} in two ways."
    )


def difference(of, total):
    largest = (f"{square_metres:.0e} ({part:.0e})" for square_metres, part in (of["as_it_came"], of["repaired"]))
    return "; ".join((f"{of['sum'] - total:+.2f}", *largest))


def section(preset, folder, tuban, jobs, bare, agreement):
    """All that is said of one preset; `jobs` by peer and `bare` hold an entry for each round."""
    with open(f"{folder}/prepared.json") as file:
        prepared = json.load(file)["seconds"]
    lines = [f"### {preset}: {PRESETS[preset]}", "", machine(tuban), "", *times(jobs), ""]
    lines += [
        f"Medians of {len(bare)} rounds, least and most in brackets. Tuban loads the layers from GeoJSON; the peers load them projected, cut and united, "
        f"which took {prepared:.0f} s beforehand and is not counted.",
        "",
        *yardstick(jobs, bare),
    ]
    if agreement:
        lines += ["", *differences(agreement)]
    return "\n".join(lines)


def write(page, preset, text):
    """Replaces what stands between the preset's two marks."""
    begin, end = f"<!-- bench-peers: {preset} -->", f"<!-- bench-peers end: {preset} -->"
    with open(page) as file:
        before, found, rest = file.read().partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise SystemExit(f"{page} has no place for {preset}: it needs the lines {begin} and {end}")
    with open(page, "w") as file:
        file.write(f"{before}{begin}\n{text}\n{end}{after}")
