#!/usr/bin/env python3
"""The same parcels as GeoJSON and as zipped Shapefiles, taken in by `tuban layer add`: the table “Measured” of docs/FORMATS.md.

usage: run.py TUBAN FOLDER [RUNS]     FOLDER is for the data (1 GB); what is there is used again

Every time is the best of RUNS (3), each run into an empty database, the files in turn, so that whatever else the machine does falls on all of them.
Memory is the most that any run held: of the service as the kernel counts it, of the worker as /proc tells it a hundred times a second. Needs ogr2ogr
(gdal-bin) and Python's own library.
"""

import os, pathlib, shutil, subprocess, sys, tempfile, time, zipfile

TUBAN, FOLDER = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
RUNS = int(sys.argv[3]) if len(sys.argv) > 3 else 3


def parcels():
    """The parcels of the demo city as GeoJSON."""
    city = FOLDER / "city"
    if not (city / "survey-2022-06.geojson").exists():
        subprocess.run([TUBAN, "demo", "--preset", "city", "--out", city], check=True, stdout=subprocess.DEVNULL)
    return city / "farmland.geojson"


def shapefile(source, name, *options):
    """The same as a zipped Shapefile in GBK, made by GDAL."""
    made = FOLDER / f"{name}.zip"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            subprocess.run(["ogr2ogr", "-f", "ESRI Shapefile", "-lco", "ENCODING=GBK", *options, f"{folder}/DLTB.shp", source], check=True)
            with zipfile.ZipFile(f"{made}.part", "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(pathlib.Path(folder).iterdir()):
                    archive.write(file, file.name)
        os.rename(f"{made}.part", made)
    return made


def peak_kb(process):
    """Most memory a process ever held, kB; 0 where it is gone."""
    try:
        status = pathlib.Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def children(process):
    """The processes that a process has started and that still run."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            found += pathlib.Path(f"/proc/{process}/task/{thread}/children").read_text().split()
    except OSError:
        pass
    return found


def take_in(file):
    """One run: seconds, and the peaks of service and worker in MB."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        command = [TUBAN, "layer", "add", "--kind", "farmland", "--name", "DLTB", "--effective", "2022-01-01", "--database", f"sqlite:{folder}/tuban.db", file]
        started, worker = time.monotonic(), 0
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            worker = max([worker, *map(peak_kb, children(process.pid))])
            time.sleep(0.01)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said = process.stdout.read().decode()
        assert process.returncode == 0, said
        assert " 0 rejected" in said, said
        return {"seconds": seconds, "service_mb": usage.ru_maxrss * 1024 / 1e6, "worker_mb": worker * 1024 / 1e6}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    assert shutil.which("ogr2ogr"), "ogr2ogr is missing: install gdal-bin"
    source = parcels()
    files = {
        "GeoJSON, 4490": source,
        "zipped Shapefile, GBK, 4490": shapefile(source, "DLTB-4490"),
        "zipped Shapefile, GBK, zone 39": shapefile(source, "DLTB-4527", "-t_srs", "EPSG:4527"),
    }
    rounds = [{name: take_in(file) for name, file in files.items()} for _ in range(RUNS)]
    print("| file | MB | seconds | times GeoJSON | peak memory of the service | of the worker |\n| --- | --- | --- | --- | --- | --- |")
    best = {name: min(one[name]["seconds"] for one in rounds) for name in files}
    for name, file in files.items():
        most = {key: max(one[name][key] for one in rounds) for key in ("service_mb", "worker_mb")}
        worker = f"{most['worker_mb']:.0f} MB" if most["worker_mb"] else ""
        times = best[name] / best["GeoJSON, 4490"]
        print(f"| {name} | {file.stat().st_size / 1e6:.0f} | {best[name]:.2f} | {times:.2f} | {most['service_mb']:.0f} MB | {worker} |")


main()
