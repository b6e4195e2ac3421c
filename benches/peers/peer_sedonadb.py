#!/usr/bin/env python3
"""SedonaDB, patches read by orjson (faster than its own reader). peer_sedonadb.py FOLDER OUT RUNS"""

import sys
import time

import geopandas
import numpy as np
import sedonadb
import shapely

from ground import LAYERS, Meter, peak_mb, read_geojson, repaired, tell, to_plane

folder, out, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
start = time.perf_counter()
database = sedonadb.connect()


def view(name, query):
    database.sql(query).to_memtable().to_view(name, overwrite=True)


for layer in LAYERS:
    database.read_parquet(f"{folder}/{layer}.parquet").to_view("source", overwrite=True)
    view(layer, "SELECT id, ST_SetSRID(geometry, 0) AS g FROM source")
tell(peer="sedonadb", what="load", seconds=time.perf_counter() - start)

for _ in range(runs):
    with Meter() as meter:
        (ids,), patches = read_geojson(f"{folder}/survey.geojson", "JCBH")
        patches = shapely.transform(repaired(patches), to_plane)
        frame = geopandas.GeoDataFrame({"n": np.arange(len(patches)), "id": ids}, geometry=patches)
        database.create_data_frame(frame).to_view("frame", overwrite=True)
        view("p", "SELECT n, id, ST_SetSRID(geometry, 0) AS g, ST_Area(geometry) AS area FROM frame")
        for layer in LAYERS:
            member = ", l.id" if layer == "county" else ""
            shared = "sum(ST_Area(ST_Intersection(p.g, l.g))) AS a"
            query = f"SELECT p.n AS n{member}, {shared} FROM p JOIN {layer} l ON ST_Intersects(p.g, l.g) GROUP BY p.n{member}"
            if layer == "county":
                query = f"SELECT n, first_value(id ORDER BY a DESC) AS id FROM ({query}) GROUP BY n"
            view(f"on_{layer}", query)
        areas = ", ".join(f"coalesce(on_{layer}.a, 0) AS {layer}" for layer in LAYERS[:-1])
        joins = " ".join(f"LEFT JOIN on_{layer} ON p.n = on_{layer}.n" for layer in LAYERS)
        table = database.sql(f"SELECT p.id AS id, p.area, {areas}, on_county.id AS county, p.n FROM p {joins} ORDER BY p.n").to_pandas()
        table.drop(columns="n").to_csv(out, index=False, float_format="%.4f")
    tell(peer="sedonadb", what="run", patches=len(ids), seconds=meter.seconds, peak_mb=peak_mb())
