#!/usr/bin/env python3
"""GeoPandas and Shapely 2 in two processes, half of the file each, the overlay skipped where a prepared piece covers the patch.

peer_geopandas.py FOLDER OUT RUNS
"""

import multiprocessing
import os
import sys
import time

import geopandas
import numpy as np
import pandas
import shapely

from ground import LAYERS, Meter, parse_geojson, repaired, tell, to_plane

folder, out, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
start = time.perf_counter()


def prepared(layer):
    frame = geopandas.read_parquet(f"{folder}/{layer}.parquet")
    pieces = np.asarray(frame.geometry.values)
    tree = shapely.STRtree(pieces)
    tree.query(pieces[:1])
    if layer != "farmland":
        shapely.prepare(pieces)
    owners, owner = np.unique(frame.id.to_numpy(), return_inverse=True)
    return pieces, tree, owner, owners


layers = {layer: prepared(layer) for layer in LAYERS}


def shared(patches, areas, pieces, tree, owner):
    patch, piece = tree.query(patches, predicate="intersects")
    order = np.argsort(piece, kind="stable")
    patch, piece = patch[order], piece[order]
    area = areas[patch].copy()
    rest = ~shapely.contains_properly(pieces[piece], patches[patch])
    area[rest] = shapely.area(shapely.intersection(patches[patch[rest]], pieces[piece[rest]]))
    return patch, owner[piece], area


def measured(patches):
    areas = shapely.area(patches)
    columns = [areas]
    for layer in LAYERS[:-1]:
        patch, _, area = shared(patches, areas, *layers[layer][:3])
        columns.append(np.bincount(patch, area, len(patches)))
    codes = layers["county"][3]
    patch, county, area = shared(patches, areas, *layers["county"][:3])
    share = np.zeros((len(patches), len(codes)))
    np.add.at(share, (patch, county), area)
    columns.append(np.where(share.max(1) > 0, share.argmax(1), len(codes)))
    return columns


def half(second):
    """CSV of one half of the survey, which has a feature to a line."""
    with open(f"{folder}/survey.geojson", "rb") as file:
        text = file.read()
    middle = text.index(b"\n", len(text) // 2)
    (ids,), patches = parse_geojson(b'{"features":[' + text[middle:] if second else text[:middle].rstrip(b",") + b"]}", "JCBH")
    columns = measured(shapely.transform(repaired(patches), to_plane))
    codes = np.append(layers["county"][3], "")
    table = dict(zip(("area", *LAYERS[:-1]), columns))
    frame = pandas.DataFrame({"id": ids, **table, "county": codes[columns[-1]]})
    return len(ids), frame.to_csv(index=False, header=not second, float_format="%.4f")


with multiprocessing.get_context("fork").Pool(2) as pool:
    tell(peer="geopandas", what="load", seconds=time.perf_counter() - start)
    pids = [os.getpid(), *(process.pid for process in multiprocessing.active_children())]
    for _ in range(runs):
        with Meter(lambda: pids) as meter:
            counts, texts = zip(*pool.map(half, (False, True), chunksize=1))
            with open(out, "w") as file:
                file.writelines(texts)
        tell(peer="geopandas", what="run", patches=sum(counts), seconds=meter.seconds, peak_mb=meter.peak / 1e6)
