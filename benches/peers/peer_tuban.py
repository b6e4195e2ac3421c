#!/usr/bin/env python3
"""`tuban classify`, all its columns. Layers are loaded anew for each run, which is what comes after. peer_tuban.py FOLDER OUT RUNS; TUBAN names the program."""

import json
import os
import subprocess
import sys

from ground import LAYERS, tell

folder, out, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
# The urban boundary, where the city has one, is a layer the peers are spared.
kinds = [kind for kind in (*LAYERS, "urban_boundary") if os.path.exists(f"{folder}/{kind}.geojson")]
layers = [argument for kind in kinds for argument in ("--layer", f"{kind}={folder}/{kind}.geojson")]
for _ in range(runs):
    command = [os.environ["TUBAN"], "classify", f"{folder}/survey.geojson", *layers, "--output", out, "--timings"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures = json.loads(done.stderr.strip().splitlines()[-1])
    tell(peer="tuban", what="load", seconds=figures["load_s"])
    seconds = figures["read_s"] + figures["classify_s"] + figures["write_s"]
    tell(peer="tuban", what="run", patches=figures["patches"], seconds=seconds, peak_mb=figures["peak_rss_mb"])
