#!/usr/bin/env python3
"""Runs tuban and its peers in turn on the same city, and writes what they took into docs/PERFORMANCE.md.

    run.py --tuban PROGRAM --bare-pass PROGRAM [--preset city dense demo] [--rounds 3] [--only tuban geopandas …]

Each job is a process of its own: it loads the layers, does the main job once to warm up, and once more timed. `small` and --only are printed, not written.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext

from cluster import cluster
from compare import compared, findings, readings
from ground import LAYERS
from places import HERE, PRESETS, place
from report import section, write

PEERS = ("tuban", "geopandas", "duckdb", "sedonadb", "postgis")
TOP = os.path.dirname(os.path.dirname(HERE))
RUNS = 2  # one to warm up, one that counts


def job(peer, folder, environment):
    """What one peer took: its load, and the last of its runs."""
    command = [sys.executable, f"{HERE}/peer_{peer}.py", folder, f"{folder}/{peer}.csv", str(RUNS)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["what"]: line for line in lines}


def bare_pass(program, folder):
    """Seconds of the bare pass over the survey and over the layers that tuban loads, for each way of parsing."""
    layers = [path for layer in (*LAYERS, "urban_boundary") if os.path.exists(path := f"{folder}/{layer}.geojson")]
    seconds = {}
    for what, files in (("survey", [f"{folder}/survey.geojson"]), ("layers", layers)):
        done = subprocess.run([program, *files], check=True, stdout=subprocess.PIPE, text=True)
        for line in map(json.loads, done.stdout.splitlines()):
            of = seconds.setdefault(line["way"], {"survey": 0, "layers": 0})
            of[what] += line["seconds"]
    return seconds


def in_turn(folder, peers, rounds, program, environment):
    """Every job once a round, one after the other."""
    jobs, bare = {peer: [] for peer in peers}, []
    for number in range(1, rounds + 1):
        for peer in peers:
            jobs[peer].append(job(peer, folder, environment))
            took = jobs[peer][-1]
            print(f"round {number}: {peer}: load {took['load']['seconds']:.2f} s, run {took['run']['seconds']:.2f} s", file=sys.stderr)
        bare.append(bare_pass(program, folder))
    return jobs, bare


def agreement(folder, peers):
    """None without tuban: there is nothing to hold the peers against."""
    if "tuban" not in peers:
        return None
    tuban = findings(f"{folder}/tuban.csv", "tuban")
    each = {peer: compared(tuban, findings(f"{folder}/{peer}.csv", peer)) for peer in peers}
    return {"each": each, **readings(f"{folder}/survey.geojson", tuban)}


def main():
    options = argparse.ArgumentParser(description="times tuban and its peers")
    options.add_argument("--tuban", required=True, type=os.path.abspath)
    options.add_argument("--bare-pass", required=True, type=os.path.abspath)
    options.add_argument("--preset", nargs="+", choices=PRESETS, default=["city", "dense", "demo"])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", nargs="+", choices=PEERS, default=PEERS)
    options = options.parse_args()
    peers = [peer for peer in PEERS if peer in options.only]
    # A request to end runs the clean-up too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    places = [place(preset, f"{TOP}/target/peers", options.tuban) for preset in options.preset]
    with cluster() if "postgis" in peers else nullcontext({}) as server:
        environment = {**os.environ, **server, "TUBAN": options.tuban}
        for preset, folder in zip(options.preset, places):
            jobs, bare = in_turn(folder, peers, options.rounds, options.bare_pass, environment)
            with open(f"{folder}/figures.json", "w") as file:
                json.dump({"jobs": jobs, "bare": bare}, file, indent=1)
            text = section(preset, folder, options.tuban, jobs, bare, agreement(folder, peers))
            print(text)
            if preset != "small" and len(peers) == len(PEERS):
                write(f"{TOP}/docs/PERFORMANCE.md", preset, text)


if __name__ == "__main__":
    main()
