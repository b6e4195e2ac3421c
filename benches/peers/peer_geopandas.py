#!/usr/bin/env python3
"""GeoPandas and Shapely 2 on two threads, the overlay skipped where a prepared piece covers the patch. peer_geopandas.py FOLDER OUT RUNS"""
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import geopandas
import numpy as np
import pandas
import shapely
from ground import LAYERS, Meter, peak_mb, read_geojson, repaired, tell, to_plane

THREADS = 2
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


# A set for each thread: GEOS builds what a prepared outline needs at first use, and two threads that do so at once crash.
layers = [{layer: prepared(layer) for layer in LAYERS} for _ in range(THREADS)]
tell(peer="geopandas", what="load", seconds=(time.perf_counter() - start) / THREADS)


def shared(patches, areas, pieces, tree, owner):
    patch, piece = tree.query(patches, predicate="intersects")
    order = np.argsort(piece, kind="stable")
    patch, piece = patch[order], piece[order]
    area = areas[patch].copy()
    rest = ~shapely.contains_properly(pieces[piece], patches[patch])
    area[rest] = shapely.area(shapely.intersection(patches[patch[rest]], pieces[piece[rest]]))
    return patch, owner[piece], area


def measured(patches, layers):
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


for _ in range(runs):
    with Meter() as meter:
        (ids,), patches = read_geojson(f"{folder}/survey.geojson", "JCBH")
        patches = shapely.transform(repaired(patches), to_plane)
        with ThreadPoolExecutor(THREADS) as all_threads:
            parts = list(all_threads.map(measured, np.array_split(patches, THREADS), layers))
        columns = [np.concatenate(column) for column in zip(*parts)]
        codes = np.append(layers[0]["county"][3], "")
        table = dict(zip(("area", *LAYERS[:-1]), columns))
        pandas.DataFrame({"id": ids, **table, "county": codes[columns[-1]]}).to_csv(out, index=False, float_format="%.4f")
    tell(peer="geopandas", what="run", patches=len(ids), seconds=meter.seconds, peak_mb=peak_mb())
