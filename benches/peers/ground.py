"""What all peers share: reading GeoJSON fast, the equal-area plane, cutting large outlines, and measuring a run."""

import gc
import json
import os
import resource
import threading
import time
from itertools import chain

import numpy as np
import orjson
import psutil
import shapely

LAYERS = ("farmland", "basic_farmland", "red_line", "approved", "county")
KEYS = {"farmland": "BSM", "basic_farmland": "YJJBNTBH", "red_line": "HXBH", "approved": "PZWH", "county": "XZQDM", "survey": "JCBH"}
CUT = 64  # vertices: what PostGIS, DuckDB and GEOS were fastest with

SEMI_MAJOR, FLATTENING = 6378137.0, 1 / 298.257222101
E2 = FLATTENING * (2 - FLATTENING)
E = E2**0.5
EQUAL_AREA = "+proj=cea +lat_ts=0 +lon_0=0 +x_0=0 +y_0=0 +ellps=GRS80 +units=m +no_defs"
DEGREES = "+proj=longlat +ellps=GRS80 +no_defs"


def to_plane(degrees):
    """Longitude and latitude to the cylindrical equal-area plane of the ellipsoid, metres."""
    plane = np.empty_like(degrees)
    plane[:, 0] = np.radians(degrees[:, 0]) * SEMI_MAJOR
    sine = np.sin(np.radians(degrees[:, 1]))
    plane[:, 1] = SEMI_MAJOR / 2 * (1 - E2) * (sine / (1 - (E * sine) ** 2) + np.arctanh(E * sine) / E)
    return plane


def repaired(outlines):
    broken = ~shapely.is_valid(outlines)
    outlines[broken] = shapely.make_valid(outlines[broken])
    return outlines


def read_geojson(path, *keys):
    """Values of `keys` and outlines of a FeatureCollection, by orjson and numpy: faster than GDAL's driver."""
    with open(path, "rb") as file:
        return parse_geojson(file.read(), *keys)


def parse_geojson(text, *keys):
    gc.disable()
    features = orjson.loads(text)["features"]
    rings, part_of_ring, feature_of_part, values, parts = [], [], [], [[] for _ in keys], 0
    for number, feature in enumerate(features):
        geometry = feature["geometry"]
        for key, column in zip(keys, values):
            column.append(feature["properties"][key])
        for polygon in [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]:
            rings.extend(polygon)
            part_of_ring.extend([parts] * len(polygon))
            feature_of_part.append(number)
            parts += 1
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(rings)), float).reshape(-1, 2)
    linear = shapely.linearrings(flat, indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings]))
    polygons = shapely.polygons(linear, indices=np.array(part_of_ring))
    feature_of_part = np.array(feature_of_part)
    count = np.bincount(feature_of_part, minlength=len(features))
    outlines = np.empty(len(features), object)
    single = count[feature_of_part] == 1
    outlines[feature_of_part[single]] = polygons[single]
    if (~single).any():
        members = np.unique(feature_of_part[~single], return_inverse=True)[1]
        outlines[count > 1] = shapely.multipolygons(polygons[~single], indices=members)
    del features, rings
    gc.enable()
    return values, outlines


def cut(outline):
    """Halves an outline until each piece has at most `CUT` vertices, as ST_Subdivide does."""
    pieces, left = [], [outline]
    while left:
        piece = left.pop()
        if piece.is_empty:
            continue
        if piece.geom_type in ("MultiPolygon", "GeometryCollection"):
            left.extend(part for part in piece.geoms if part.geom_type in ("Polygon", "MultiPolygon"))
        elif shapely.get_num_coordinates(piece) <= CUT:
            pieces.append(piece)
        else:
            west, south, east, north = piece.bounds
            if east - west > north - south:
                middle = (west + east) / 2
                halves = (west, south, middle, north), (middle, south, east, north)
            else:
                middle = (south + north) / 2
                halves = (west, south, east, middle), (west, middle, east, north)
            left.extend(shapely.clip_by_rect(piece, *half) for half in halves)
    return pieces


class Meter:
    """Wall time, and the most memory that the processes hold together (sampled, without what they share)."""

    def __init__(self, pids=lambda: [os.getpid()]):
        self.pids, self.peak, self.over = pids, 0, threading.Event()

    def sample(self):
        while not self.over.wait(0.05):
            held = 0
            for pid in self.pids():
                try:
                    memory = psutil.Process(pid).memory_info()
                    held += memory.rss - memory.shared
                except psutil.Error:
                    pass
            self.peak = max(self.peak, held)

    def __enter__(self):
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()
        self.start = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.start
        self.over.set()
        self.thread.join()


def peak_mb():
    """Most memory this process ever held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def tell(**figures):
    """One line of JSON for whoever runs the peers."""
    print(json.dumps({key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}), flush=True)
