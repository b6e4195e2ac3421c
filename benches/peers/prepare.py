#!/usr/bin/env python3
"""Layers as the peers want them before the clock starts: projected, valid, cut, approvals as their union, as GeoParquet.

prepare.py FOLDER      reads FOLDER/<layer>.geojson, writes FOLDER/<layer>.parquet
"""

import sys
import time

import geopandas
import numpy as np
import shapely

from ground import KEYS, LAYERS, cut, read_geojson, repaired, tell, to_plane

folder = sys.argv[1]
start = time.perf_counter()
for layer in LAYERS:
    keys = [KEYS[layer], "DLBM"] if layer == "farmland" else [KEYS[layer]]
    (ids, *classes), outlines = read_geojson(f"{folder}/{layer}.geojson", *keys)
    ids = np.array(ids)
    if classes:
        farmland = np.isin(np.array(classes[0]), ["0101", "0102", "0103"])
        ids, outlines = ids[farmland], outlines[farmland]
    outlines = repaired(shapely.transform(outlines, to_plane))
    if layer == "approved":
        # Approvals may overlap each other; ground counts once.
        outlines = shapely.get_parts(shapely.union_all(outlines))
        ids = np.array([str(number) for number in range(len(outlines))])
    if layer != "farmland":
        pieces = [cut(outline) for outline in outlines]
        ids = np.repeat(ids, [len(of) for of in pieces])
        outlines = np.array([piece for of in pieces for piece in of])
    geopandas.GeoDataFrame({"id": ids}, geometry=outlines).to_parquet(f"{folder}/{layer}.parquet")
tell(what="prepare", seconds=time.perf_counter() - start)
