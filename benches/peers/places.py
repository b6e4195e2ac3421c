"""Where the peers are timed: a folder for each preset with layers and survey as GeoJSON, and the layers as the peers want them. Made once."""

import os
import shutil
import subprocess
import sys

import orjson

HERE = os.path.dirname(os.path.abspath(__file__))
PRESETS = {
    "small": "a thirtieth of the city, to try the jobs on",
    "city": "the city",
    "dense": "a dense cadastre: as many parcels on a tenth of the ground, a patch meets about a dozen",
    "demo": "the demo city, `tuban demo --preset city --seed 1`, its urban boundaries for tuban alone",
}


def place(preset, root, tuban):
    """The folder of a preset; it has its name only once it is whole."""
    folder = f"{root}/{preset}"
    if os.path.exists(folder):
        return folder
    part = f"{folder}.part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    if preset == "demo":
        subprocess.run([tuban, "demo", "--preset", "city", "--seed", "1", "--out", part], check=True, stdout=subprocess.DEVNULL)
        spare_the_peers(f"{part}/survey-2022-04.geojson", f"{part}/survey.geojson")
    else:
        subprocess.run([sys.executable, f"{HERE}/city.py", preset, part], check=True, stdout=subprocess.DEVNULL)
    with open(f"{part}/prepared.json", "w") as file:
        subprocess.run([sys.executable, f"{HERE}/prepare.py", part], check=True, stdout=file)
    os.rename(part, folder)
    return folder


def spare_the_peers(path, spared):
    """Leaves out the features that are no polygons at all (none, points, rings of fewer than four positions): the peers' readers end at the first."""
    with open(path, "rb") as file:
        survey = orjson.loads(file.read())
    features = [orjson.dumps(feature) for feature in survey.pop("features") if is_polygon(feature["geometry"])]
    with open(spared, "wb") as file:
        # One feature to a line, as it came.
        file.write(orjson.dumps(survey)[:-1] + b',"features":[\n' + b",\n".join(features) + b"\n]}\n")
    os.remove(path)


def is_polygon(geometry):
    kind = geometry and geometry["type"]
    if kind not in ("Polygon", "MultiPolygon"):
        return False
    parts = [geometry["coordinates"]] if kind == "Polygon" else geometry["coordinates"]
    return bool(parts) and all(part and all(len(ring) >= 4 for ring in part) for part in parts)
