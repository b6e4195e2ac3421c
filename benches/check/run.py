#!/usr/bin/env python3
"""`POST /api/check` with polygons of 50 vertices on a demo city, idle and while surveys are imported: a table for docs/PERFORMANCE.md.

usage: run.py TUBAN FOLDER [--preset city] [--seconds 10] [--rounds 3] [--connections 4]     FOLDER is for the data; what is there is used again

Needs wrk. Each round measures the idle service and right after it the same service while it imports one survey after another; medians of the rounds.
"""

import argparse, contextlib, json, pathlib, shutil, statistics, subprocess, threading, time, urllib.request

HERE = pathlib.Path(__file__).resolve().parent


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


@contextlib.contextmanager
def service(tuban, database, address):
    """The service over a database, from when it is ready on."""
    process = subprocess.Popen([tuban, "serve", "--database", f"sqlite:{database}", "--listen", address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://{address}/ready", timeout=1).close()
                break
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait()


class Imports(threading.Thread):
    """Sends a survey, to one period after another, until it is told to stop; the last one is brought to its end."""

    def __init__(self, address, survey, first):
        super().__init__()
        self.address, self.survey, self.number, self.seconds, self.stopping = address, survey, first, [], threading.Event()

    def run(self):
        while not self.stopping.is_set():
            period = f"{2030 + self.number // 12}-{self.number % 12 + 1:02}"
            self.number += 1
            begun = time.monotonic()
            request = urllib.request.Request(f"http://{self.address}/api/surveys?period={period}&level=city&file=survey.geojson", self.survey, method="POST")
            with urllib.request.urlopen(request, timeout=600) as answer:
                assert answer.status == 201, answer.status
            self.seconds.append(time.monotonic() - begun)


def wrk(address, bounds, wanted):
    command = ["wrk", "--threads", "1", "--connections", str(wanted.connections), "--duration", f"{wanted.seconds}s", "--timeout", "10s"]
    command += ["--script", HERE / "polygons.lua", f"http://{address}", "--", *map(str, bounds)]
    measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    assert measured["refused"] == 0, measured
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tuban", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--preset", default="city")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--address", default="127.0.0.1:18099")
    wanted = parser.parse_args()
    city = wanted.folder / wanted.preset
    wanted.folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([HERE.parent.parent / "tools/demo-city", wanted.tuban, city, wanted.preset], check=True, stdout=subprocess.DEVNULL)
    # The city stays as it is: what is imported goes into a copy.
    scratch = wanted.folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    shutil.copy(city / "city.db", scratch / "city.db")
    survey = (city / "files" / "survey-2022-06.geojson").read_bytes()
    rounds = []
    with service(wanted.tuban, scratch / "city.db", wanted.address):
        bounds = get(f"http://{wanted.address}/api/about")["bounds"]
        wrk(wanted.address, bounds, argparse.Namespace(**vars(wanted) | {"seconds": 2}))
        for number in range(wanted.rounds):
            idle = wrk(wanted.address, bounds, wanted)
            imports = Imports(wanted.address, survey, 1000 * number)
            imports.start()
            busy = wrk(wanted.address, bounds, wanted)
            imports.stopping.set()
            imports.join()
            rounds.append((idle, busy, imports.seconds))
    shutil.rmtree(scratch)
    median = lambda which, key: statistics.median(one[which][key] for one in rounds)
    print(f"{wanted.preset}, {wanted.connections} connections, {wanted.seconds} s each, medians of {wanted.rounds} rounds\n")
    print("| `POST /api/check`, 50 vertices | a second | p50, ms | p99, ms |\n| --- | ---: | ---: | ---: |")
    for which, what in ((0, "idle"), (1, "while surveys are imported")):
        print(f"| {what} | {median(which, 'per_s'):,.0f} | {median(which, 'p50_ms'):.2f} | {median(which, 'p99_ms'):.2f} |")
    took = [seconds for _, _, all_of in rounds for seconds in all_of]
    print(f"\np99 while importing ÷ idle: {statistics.median(busy['p99_ms'] / idle['p99_ms'] for idle, busy, _ in rounds):.1f}; "
          f"{len(took)} surveys were imported meanwhile, in {min(took):.1f}–{max(took):.1f} s each")


if __name__ == "__main__":
    main()
