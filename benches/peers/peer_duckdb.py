#!/usr/bin/env python3
"""DuckDB spatial on two connections, half of the patches each, the overlay skipped where a piece covers the patch. peer_duckdb.py FOLDER OUT RUNS"""

import glob
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import duckdb
import duckdb_extension_spatial

from ground import DEGREES, EQUAL_AREA, LAYERS, Meter, peak_mb, tell

folder, out, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
start = time.perf_counter()
database = duckdb.connect()
sql = database.execute
# The wheel carries the extension; nothing is fetched.
sql(f"LOAD '{glob.glob(os.path.dirname(duckdb_extension_spatial.__file__) + '/**/spatial.duckdb_extension', recursive=True)[0]}'")
sql("SET threads = 2")
sql("SET memory_limit = '12GB'")
sql("ATTACH ':memory:' AS m (ROW_GROUP_SIZE 8192)")
sql("USE m")
for layer in LAYERS:
    sql(f"CREATE TABLE {layer} AS SELECT id, geometry::GEOMETRY g FROM '{folder}/{layer}.parquet'")
tell(peer="duckdb", what="load", seconds=time.perf_counter() - start)

SHARED = "CASE WHEN ST_CoveredBy(p.g, l.g) THEN p.area ELSE ST_Area(ST_Intersection(p.g, l.g)) END"


def overlay(half):
    cursor = database.cursor()
    cursor.execute("USE m")
    for layer in LAYERS:
        member = ", l.id" if layer == "county" else ""
        query = f"SELECT p.n{member}, sum({SHARED}) a FROM p JOIN {layer} l ON ST_Intersects(p.g, l.g) WHERE p.n % 2 = {half} GROUP BY p.n{member}"
        if layer == "county":
            query = f"SELECT n, arg_max(id, a) id FROM ({query}) GROUP BY n"
        cursor.execute(f"CREATE OR REPLACE TABLE on_{layer}_{half} AS {query}")


for _ in range(runs):
    with Meter() as meter:
        sql(
            f"""CREATE OR REPLACE TABLE raw AS SELECT row_number() OVER () - 1 n, f.properties.JCBH id, ST_GeomFromGeoJSON(f.geometry) g
            FROM (SELECT unnest(features) f FROM read_json('{folder}/survey.geojson', maximum_object_size=1000000000,
            columns={{features: 'STRUCT(properties STRUCT(JCBH VARCHAR), geometry JSON)[]'}}))"""
        )
        valid = "CASE WHEN ST_IsValid(g) THEN g ELSE ST_MakeValid(g) END"
        plane = f"ST_Transform({valid}, '{DEGREES}', '{EQUAL_AREA}', always_xy := true)"
        sql(f"CREATE OR REPLACE TABLE p AS SELECT n, id, g, ST_Area(g) area FROM (SELECT n, id, {plane} g FROM raw)")
        with ThreadPoolExecutor(2) as both:
            list(both.map(overlay, range(2)))
        joins = " ".join(f"LEFT JOIN (SELECT * FROM on_{layer}_0 UNION ALL SELECT * FROM on_{layer}_1) AS on_{layer} USING (n)" for layer in LAYERS)
        areas = ", ".join(f"coalesce(on_{layer}.a, 0) {layer}" for layer in LAYERS[:-1])
        sql(f"COPY (SELECT p.id, p.area, {areas}, on_county.id county FROM p {joins} ORDER BY n) TO '{out}' (HEADER)")
    count = sql("SELECT count(*) FROM p").fetchone()[0]
    tell(peer="duckdb", what="run", patches=count, seconds=meter.seconds, peak_mb=peak_mb())
