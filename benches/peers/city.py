#!/usr/bin/env python3
"""Makes the city that the peers are timed on: invented, deterministic, EPSG:4490 degrees with 9 decimals.

    city.py PRESET FOLDER      PRESET: small | city | dense

Writes the layers and the survey as GeoJSON, under the names `tuban demo` uses, so that either city can be timed by the same jobs. `dense` is the same
number of parcels on a tenth of the ground, under patches of the same size: a patch meets about a dozen parcels.
"""

import json
import os
import sys
from dataclasses import dataclass

import numpy as np
import orjson
import shapely

METRES_PER_LON, METRES_PER_LAT = 90_800.0, 110_950.0  # near 35.3° N
MU = 10_000 / 15  # square metres
COUNTIES = [f"3713{number}" for number in ("02", "11", "12", "21", "22", "23", "24", "25", "26", "27", "28", "29")]
# fmt: off
CLASSES = {
    "0101": "水田", "0102": "水浇地", "0103": "旱地", "0301": "乔木林地", "0702": "农村宅基地", "1006": "农村道路",
    "1003": "公路用地", "0201": "果园", "1107": "沟渠", "1101": "河流水面", "0601": "工业用地", "0404": "其他草地",
}
# fmt: on


@dataclass(frozen=True)
class Preset:
    parcels: int
    patches: int
    basic_farmland: int
    red_lines: int
    approvals: int
    side: float = 1.8  # degrees, of longitude and of latitude
    seed: int = 1

    def random(self, key):
        return np.random.default_rng([self.seed, key])

    @property
    def x(self):
        return 117.4, 117.4 + self.side

    @property
    def y(self):
        return 34.4, 34.4 + self.side

    @property
    def metres(self):
        return self.side * METRES_PER_LON, self.side * METRES_PER_LAT


PRESETS = {
    "small": Preset(10_000, 2_000, 400, 20, 600),
    "city": Preset(300_000, 100_000, 5_000, 150, 8_000),
    "dense": Preset(300_000, 100_000, 5_000, 150, 800, side=0.57),
}


def nine_decimals(degrees):
    return np.round(degrees, 9)


def smooth_noise(random, waves=24, fastest=9.0):
    """A smooth random function on the unit square, of variance about one."""
    frequency = random.uniform(-fastest, fastest, (waves, 2))
    phase = random.uniform(0, 2 * np.pi, waves)
    amplitude = 1 / (0.5 + np.hypot(frequency[:, 0], frequency[:, 1]))

    def at(u, v):
        total = np.zeros(np.shape(u))
        for a, (fu, fv), p in zip(amplitude, frequency, phase):
            total += a * np.sin(2 * np.pi * (fu * u + fv * v) + p)
        return total / np.sqrt((amplitude**2).sum() / 2)

    return at


def counties(city, random):
    """Twelve counties in four columns, sharing winding borders of a thousand vertices."""
    columns, rows = 4, 3
    u, v = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1), indexing="ij")
    du = random.uniform(-0.18, 0.18, u.shape) / columns
    dv = random.uniform(-0.18, 0.18, v.shape) / rows
    du[0, :] = du[-1, :] = 0
    dv[:, 0] = dv[:, -1] = 0
    corner = np.stack([city.x[0] + (u + du) * city.side, city.y[0] + (v + dv) * city.side], -1)

    def border(start, end, outer):
        steps = int(random.integers(900, 1600))
        t = np.linspace(0, 1, steps + 1)
        wave = np.arange(1, 400)
        amplitude = random.normal(size=wave.size) / wave**1.1
        phase = random.uniform(0, 2 * np.pi, wave.size)
        swing = (amplitude[:, None] * np.sin(2 * np.pi * wave[:, None] * t + phase[:, None])).sum(0)
        swing /= np.abs(swing).max()
        along = end - start
        aside = (0.02 if outer else 0.22) * np.minimum(t, 1 - t) * swing
        line = start + t[:, None] * along + aside[:, None] * np.array([-along[1], along[0]])
        line[0], line[-1] = start, end
        return nine_decimals(line)

    across = {(i, j): border(corner[i, j], corner[i + 1, j], j in (0, rows)) for i in range(columns) for j in range(rows + 1)}
    upward = {(i, j): border(corner[i, j], corner[i, j + 1], i in (0, columns)) for i in range(columns + 1) for j in range(rows)}
    outlines = []
    for j in range(rows):
        for i in range(columns):
            sides = [across[i, j][:-1], upward[i + 1, j][:-1], across[i, j + 1][::-1][:-1], upward[i, j][::-1]]
            outlines.append(shapely.Polygon(np.vstack(sides)))
    return np.array(outlines)


def parcels(city, random):
    """A bent lattice of parcels with shared borders of 2 to 8 vertices a side; one in a hundred has an island parcel.

    Returns outlines, class codes, which are farmland, and where each lies on the unit square.
    """
    columns = round(np.sqrt(city.parcels))
    rows = round(city.parcels / columns)
    u, v = np.meshgrid(np.arange(columns + 1) / columns, np.arange(rows + 1) / rows, indexing="ij")
    du = random.uniform(-0.17, 0.17, u.shape) / columns
    dv = random.uniform(-0.17, 0.17, v.shape) / rows
    du[0] = du[-1] = 0
    dv[:, 0] = dv[:, -1] = 0
    u, v = u + du, v + dv
    bent_u, bent_v = u + 0.04 * np.sin(4 * np.pi * u), v + 0.04 * np.sin(4 * np.pi * v)  # nine times as dense here as there
    node = np.stack([city.x[0] + bent_u * city.side, city.y[0] + bent_v * city.side], -1)
    most = 8

    def sides(start, end):
        shape = start.shape[:2]
        count = random.integers(2, most + 1, shape)
        number = np.arange(1, most + 1)
        t = number / (count[..., None] + 1.0)
        there = number <= count[..., None]
        t = np.where(there, t, 0.5)
        t = t + np.where(there, random.uniform(-0.25, 0.25, t.shape) / (count[..., None] + 1), 0)
        aside = random.uniform(-0.13, 0.13, t.shape) * np.minimum(t, 1 - t)
        along = (end - start)[..., None, :]
        across = np.stack([-along[..., 1] * METRES_PER_LAT / METRES_PER_LON, along[..., 0] * METRES_PER_LON / METRES_PER_LAT], -1)
        return nine_decimals(start[..., None, :] + t[..., None] * along + aside[..., None] * across), there

    node = nine_decimals(node)
    flat, flat_there = sides(node[:-1], node[1:])
    tall, tall_there = sides(node[:, :-1], node[:, 1:])
    rings = []
    one = np.ones((rows, 1), bool)
    for i in range(columns):
        corners = [node[i, :-1], node[i + 1, :-1], node[i + 1, 1:], node[i, 1:]]
        a, b, c, d = (corner[:, None, :] for corner in corners)
        points = np.concatenate([a, flat[i, :-1], b, tall[i + 1], c, flat[i, 1:][:, ::-1], d, tall[i][:, ::-1], a], 1)
        there = np.concatenate([one, flat_there[i, :-1], one, tall_there[i + 1], one, flat_there[i, 1:][:, ::-1], one, tall_there[i][:, ::-1], one], 1)
        rings.append(shapely.linearrings(points[there], indices=np.repeat(np.arange(rows), there.sum(1))))
    rings = np.concatenate(rings)
    at_u, at_v = ((w[:-1, :-1] + w[1:, 1:]).ravel() / 2 for w in (u, v))

    island_count = city.parcels // 100
    holed = np.sort(random.choice(rings.size, island_count, replace=False))
    centre = (node[:-1, :-1] + node[1:, :-1] + node[:-1, 1:] + node[1:, 1:]).reshape(-1, 2) / 4
    span = np.stack([(node[1:, :-1] - node[:-1, :-1])[..., 0].ravel(), (node[:-1, 1:] - node[:-1, :-1])[..., 1].ravel()], -1)
    outlines = shapely.polygons(rings)
    islands = []
    for parcel in holed:
        corners = int(random.integers(8, 25))
        angle = (np.arange(corners) + random.uniform(-0.3, 0.3, corners)) / corners * 2 * np.pi
        radius = random.uniform(0.11, 0.17, corners)
        offset = np.stack([radius * np.cos(angle) * span[parcel, 0] * 0.9, radius * np.sin(angle) * span[parcel, 1] * 0.9], -1)
        shore = nine_decimals(centre[parcel] + offset)
        outlines[parcel] = shapely.Polygon(shapely.get_coordinates(rings[parcel]), [shore])
        islands.append(shapely.Polygon(shore))
    outlines = np.concatenate([outlines, np.array(islands)])
    at_u, at_v = np.concatenate([at_u, at_u[holed]]), np.concatenate([at_v, at_v[holed]])

    fertile = smooth_noise(random)(at_u, at_v) + 0.6 * random.normal(size=at_u.size)
    fertile[-island_count:] += random.normal(size=island_count) * 2
    farmland = fertile > np.quantile(fertile, 0.45)
    wet = smooth_noise(random)(at_u, at_v) + 0.3 * random.normal(size=at_u.size)
    crop = np.where(wet > 0.6, "0101", np.where(wet > -0.5, "0102", "0103"))
    shares = {"0301": 0.24, "0702": 0.28, "1006": 0.1, "1003": 0.06, "0201": 0.12, "1107": 0.08, "1101": 0.04, "0601": 0.05, "0404": 0.03}
    other = random.choice(list(shares), at_u.size, p=list(shares.values()))
    return outlines, np.where(farmland, crop, other), farmland, at_u, at_v


def basic_farmland(city, outlines, farmland, u, v):
    """Farmland parcels joined into blobs of 1, 4 or 16 blocks."""
    kept = farmland & (smooth_noise(city.random(2), fastest=14)(u, v) > -1.1)
    blocks = int(np.ceil(np.sqrt(city.basic_farmland / 0.52) / 4)) * 4
    bx, by = (np.minimum((w * blocks).astype(int), blocks - 1) for w in (u, v))
    random = city.random(8)
    by_four = (random.random((blocks // 4, blocks // 4)) < 0.15)[bx // 4, by // 4]
    by_two = (random.random((blocks // 2, blocks // 2)) < 0.4)[bx // 2, by // 2]
    size = np.where(by_four, 4, np.where(by_two, 2, 1))
    group = (bx // size * size) * blocks + by // size * size
    members = np.nonzero(kept)[0]
    members = members[np.argsort(group[members], kind="stable")]
    borders = np.nonzero(np.diff(group[members]))[0] + 1
    joined = np.array([shapely.coverage_union_all(outlines[part]) for part in np.split(members, borders)])
    broken = ~shapely.is_valid(joined)
    joined[broken] = shapely.make_valid(joined[broken])
    return joined


def star(random, x, y, radius, corners, rough, waves, stretch=1.0, turn=0.0):
    """A closed wavy outline around a place, `radius` in metres."""
    angle = (np.arange(corners) + random.uniform(-0.3, 0.3, corners)) / corners * 2 * np.pi
    wave = np.arange(1, waves + 1)
    amplitude = random.normal(size=waves) / wave**1.0
    phase = random.uniform(0, 2 * np.pi, waves)
    swing = np.zeros(corners)
    for a, k, p in zip(amplitude, wave, phase):
        swing += a * np.cos(k * angle + p)
    swing /= max(1e-9, np.abs(swing).max())
    far = radius * (1 + rough * swing)
    dx, dy = far * np.cos(angle) * np.sqrt(stretch), far * np.sin(angle) / np.sqrt(stretch)
    if turn:
        dx, dy = dx * np.cos(turn) - dy * np.sin(turn), dx * np.sin(turn) + dy * np.cos(turn)
    return nine_decimals(np.stack([x + dx / METRES_PER_LON, y + dy / METRES_PER_LAT], -1))


def red_lines(city, random):
    """Large outlines of 2 000 to 45 000 vertices with up to eight holes, one to a cell of a grid."""
    side = int(np.ceil(np.sqrt(city.red_lines * 1.05)))
    outlines = []
    for cell in random.choice(side * side, city.red_lines, replace=False):
        x = city.x[0] + (cell % side + 0.5) / side * city.side
        y = city.y[0] + (cell // side + 0.5) / side * city.side
        radius = 0.45 * min(city.side / side * METRES_PER_LON, city.side / side * METRES_PER_LAT) * random.uniform(0.6, 1)
        corners = int(np.exp(random.uniform(np.log(2000), np.log(45000))))
        shell = star(random, x, y, radius * 0.68, corners, 0.45, min(corners // 8, 600))
        holes = []
        for slot in range(int(random.integers(0, 9))):
            angle, away = slot * np.pi / 4, radius * 0.2
            place = x + away * np.cos(angle) / METRES_PER_LON, y + away * np.sin(angle) / METRES_PER_LAT
            holes.append(star(random, *place, radius * 0.05, int(random.integers(20, max(30, corners // 20))), 0.4, 12))
        outlines.append(shapely.Polygon(shell, holes))
    return np.array(outlines)


def towns(city, random, count=400):
    """Where building goes on: places, how far each sprawls in metres, and their shares."""
    places = np.stack([random.uniform(low + 0.05, high - 0.05, count) for low, high in (city.x, city.y)], -1)
    return places, np.exp(random.uniform(np.log(400), np.log(5000), count)), random.dirichlet(np.full(count, 0.7))


def strewn(random, count, towns):
    """Places strewn about the towns."""
    places, sprawl, share = towns
    town = random.choice(len(share), count, p=share)
    return places[town] + random.normal(size=(count, 2)) * sprawl[town][:, None] / [METRES_PER_LON, METRES_PER_LAT]


def approvals(city, random, towns):
    """Approved plots, at most one in each square of 900 m, so that they are disjoint."""
    square = 900.0
    columns, rows = (int(metres // square) for metres in city.metres)
    cells = {}
    while len(cells) < city.approvals:
        count = city.approvals * 2
        at = strewn(random, count, towns)
        anywhere = random.random(count) < 0.35
        at[anywhere] = random.uniform([city.x[0], city.y[0]], [city.x[1], city.y[1]], (anywhere.sum(), 2))
        i = ((at[:, 0] - city.x[0]) * METRES_PER_LON // square).astype(int)
        j = ((at[:, 1] - city.y[0]) * METRES_PER_LAT // square).astype(int)
        for cell in zip(i, j):
            if 0 <= cell[0] < columns and 0 <= cell[1] < rows and len(cells) < city.approvals:
                cells[cell] = True
    outlines = []
    for i, j in cells:
        radius = float(np.exp(random.uniform(np.log(40), np.log(290))))
        x, y = city.x[0] + (i + 0.5) * square / METRES_PER_LON, city.y[0] + (j + 0.5) * square / METRES_PER_LAT
        outlines.append(shapely.Polygon(star(random, x, y, radius, int(random.integers(6, 60)), 0.3, 8)))
    return np.array(outlines)


def patches(city, random, towns):
    """Patches of 0.3 to 60 mu with 5 to 40 vertices: 1 % bow-ties, 1 % with a hole, 0.5 % of two parts."""
    count = city.patches
    at = strewn(random, count, towns)
    anywhere = random.random(count) < 0.2
    at[anywhere] = random.uniform([city.x[0], city.y[0]], [city.x[1], city.y[1]], (anywhere.sum(), 2))
    at = np.clip(at, [city.x[0] + 0.02, city.y[0] + 0.02], [city.x[1] - 0.02, city.y[1] - 0.02])
    radius = np.sqrt(np.exp(random.uniform(np.log(0.3 * 1.15 * MU), np.log(60 * 0.8 * MU), count)) / np.pi)
    corners = random.integers(5, 41, count)
    stretch = np.exp(random.uniform(0, np.log(4), count))
    turn = random.uniform(0, np.pi, count)
    kind = random.random(count)
    outlines = []
    for i in range(count):
        ring = star(random, *at[i], radius[i], int(corners[i]), 0.3, 5, stretch[i], turn[i])
        if kind[i] < 0.01:
            swapped = int(random.integers(1, corners[i] - 2))
            ring[[swapped, swapped + 1]] = ring[[swapped + 1, swapped]]
            outlines.append(shapely.Polygon(ring))
        elif kind[i] < 0.02:
            hole = star(random, *at[i], radius[i] * 0.22, int(random.integers(5, 10)), 0.1, 3, stretch[i], turn[i])
            outlines.append(shapely.Polygon(ring, [hole]))
        elif kind[i] < 0.025:
            beside = np.array([3.2 * radius[i] * np.sqrt(stretch[i]) / METRES_PER_LON, 0])
            outlines.append(shapely.MultiPolygon([shapely.Polygon(ring), shapely.Polygon(nine_decimals(ring[::-1] + beside))]))
        else:
            outlines.append(shapely.Polygon(ring))
    return np.array(outlines)


def county_of(outlines, county_outlines):
    """The county code of each outline's centroid."""
    county, member = shapely.STRtree(shapely.centroid(outlines)).query(county_outlines, "intersects")
    code = np.full(len(outlines), 0)
    code[member] = county
    return np.array(COUNTIES)[code]


def coordinates(outline):
    if outline.geom_type == "Polygon":
        return [shapely.get_coordinates(ring).tolist() for ring in [outline.exterior, *outline.interiors]]
    return [coordinates(part) for part in outline.geoms]


def write(folder, name, outlines, fields):
    """Writes a layer; answers its counts."""
    columns = {field: np.asarray(values).tolist() for field, values in fields.items()}
    with open(f"{folder}/{name}.geojson", "wb") as file:
        file.write(b'{"type":"FeatureCollection","name":"%s","invented":true,' % name.encode())
        file.write(b'"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}},"features":[\n')
        for i, outline in enumerate(outlines):
            properties = {field: values[i] for field, values in columns.items()}
            geometry = {"type": outline.geom_type, "coordinates": coordinates(outline)}
            file.write((b",\n" if i else b"") + orjson.dumps({"type": "Feature", "properties": properties, "geometry": geometry}))
        file.write(b"\n]}\n")
    vertices = shapely.get_num_coordinates(outlines)
    invalid = int((~shapely.is_valid(outlines)).sum())
    return {"features": len(outlines), "vertices": int(vertices.sum()), "most_vertices": int(vertices.max()), "invalid": invalid}


def make(city, folder):
    os.makedirs(folder, exist_ok=True)
    counts = {}
    county = counties(city, city.random(0))
    counts["county"] = write(folder, "county", county, {"XZQDM": COUNTIES, "XZQMC": [f"county{i}" for i in range(len(COUNTIES))]})
    ground, code, farmland, u, v = parcels(city, city.random(1))
    belongs = county_of(ground, county)
    numbers = [f"{code}{i:012d}" for i, code in enumerate(belongs)]
    counts["farmland"] = write(folder, "farmland", ground, {"BSM": numbers, "XZQDM": belongs, "DLBM": code, "DLMC": [CLASSES[c] for c in code]})
    basic = basic_farmland(city, ground, farmland, u, v)
    counts["basic_farmland"] = write(folder, "basic_farmland", basic, {"YJJBNTBH": [f"YN{i:06d}" for i in range(len(basic))]})
    red = red_lines(city, city.random(3))
    counts["red_line"] = write(folder, "red_line", red, {"HXBH": [f"HX{i:04d}" for i in range(len(red))]})
    built = towns(city, city.random(4))
    approved = approvals(city, city.random(5), built)
    counts["approved"] = write(folder, "approved", approved, {"PZWH": [f"PZ{i:06d}" for i in range(len(approved))]})
    patch = patches(city, city.random(6), built)
    belongs = county_of(patch, county)
    counts["survey"] = write(folder, "survey", patch, {"JCBH": [f"{code}{i + 1:06d}" for i, code in enumerate(belongs)], "XZQDM": belongs})
    # Written last: a folder without it is not whole.
    with open(f"{folder}/counts.json", "w") as file:
        json.dump(counts, file, indent=1)
    print(json.dumps(counts))


if __name__ == "__main__":
    make(PRESETS[sys.argv[1]], sys.argv[2])
