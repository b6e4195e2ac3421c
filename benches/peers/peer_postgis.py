#!/usr/bin/env python3
"""PostGIS, a join for each layer on two workers, pieces outer, patches inner. peer_postgis.py FOLDER OUT RUNS; PGHOST and PGPORT name the cluster."""

import sys
import time

import geopandas
import numpy as np
import psutil
import psycopg
import shapely

from ground import EQUAL_AREA, LAYERS, Meter, read_geojson, tell

PLANE = 990001
folder, out, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
start = time.perf_counter()
connection = psycopg.connect("user=postgres dbname=postgres", autocommit=True)
sql = connection.execute
sql("CREATE EXTENSION IF NOT EXISTS postgis")
sql("DELETE FROM spatial_ref_sys WHERE srid = %s", [PLANE])
sql("INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid, proj4text, srtext) VALUES (%s, 'local', %s, %s, '')", [PLANE, PLANE, EQUAL_AREA])


def copy(table, columns, types, rows):
    with connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)") as stream:
        stream.set_types(types)
        for row in rows:
            stream.write_row(row)


for layer in LAYERS:
    frame = geopandas.read_parquet(f"{folder}/{layer}.parquet")
    sql(f"DROP TABLE IF EXISTS {layer}")
    sql(f"CREATE UNLOGGED TABLE {layer} (id text, g geometry)")
    outlines = shapely.set_srid(np.asarray(frame.geometry.values), PLANE)
    copy(layer, "id, g", ["text", "bytea"], zip(frame.id, shapely.to_wkb(outlines, include_srid=True)))
    # Pieces that a newer GEOS has cut and finds valid may not be so for the server's.
    sql(f"UPDATE {layer} SET g = ST_CollectionExtract(ST_MakeValid(g), 3) WHERE NOT ST_IsValid(g)")
    sql(f"CREATE INDEX ON {layer} USING gist (g)")
    sql(f"VACUUM ANALYZE {layer}")
tell(peer="postgis", what="load", seconds=time.perf_counter() - start)

postmaster = psutil.Process(connection.info.backend_pid).parent()
sql("SET max_parallel_workers_per_gather = 2")
sql("SET parallel_leader_participation = off")
for _ in range(runs):
    with Meter(lambda: [process.pid for process in postmaster.children()]) as meter:
        (ids,), patches = read_geojson(f"{folder}/survey.geojson", "JCBH")
        wkb = shapely.to_wkb(shapely.set_srid(patches, 4490), include_srid=True)
        sql("DROP TABLE IF EXISTS came, patch")
        sql("CREATE UNLOGGED TABLE came (n int, id text, g geometry)")
        copy("came", "n, id, g", ["int4", "text", "bytea"], zip(range(len(ids)), ids, wkb))
        valid = "CASE WHEN ST_IsValid(g) THEN g ELSE ST_MakeValid(g) END"
        sql(
            f"""CREATE UNLOGGED TABLE patch AS SELECT n, id, g, ST_Area(g) area
            FROM (SELECT n, id, ST_Transform({valid}, {PLANE}) g FROM came OFFSET 0) AS projected"""
        )
        sql("CREATE INDEX ON patch USING gist (g)")
        sql("VACUUM ANALYZE patch")
        for layer in LAYERS:
            shared = "ST_Area(ST_Intersection(p.g, l.g))"
            if layer not in ("farmland", "approved"):
                shared = f"CASE WHEN ST_Covers(l.g, p.g) THEN p.area ELSE {shared} END"
            key = "p.n, l.id" if layer == "county" else "p.n"
            query = f"SELECT {key}, sum({shared}) a FROM {layer} l JOIN patch p ON p.g && l.g GROUP BY {key}"
            if layer == "county":
                query = f"SELECT DISTINCT ON (n) n, id FROM ({query}) each WHERE a > 0 ORDER BY n, a DESC"
            sql(f"DROP TABLE IF EXISTS on_{layer}")
            sql(f"CREATE UNLOGGED TABLE on_{layer} AS {query}")
        areas = ", ".join(f"coalesce(on_{layer}.a, 0) {layer}" for layer in LAYERS[:-1])
        joins = " ".join(f"LEFT JOIN on_{layer} USING (n)" for layer in LAYERS)
        query = f"SELECT p.id, p.area, {areas}, on_county.id county FROM patch p {joins} ORDER BY p.n"
        with open(out, "wb") as file, connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as stream:
            for block in stream:
                file.write(block)
    tell(peer="postgis", what="run", patches=len(ids), seconds=meter.seconds, peak_mb=meter.peak / 1e6)
