# The one door. `make run` and `make test` do all the set-up on a fresh Debian 12 with Rust and Node; the rest is for people who work here.

.PHONY: run test check unit e2e contract contract-fuzz hostile packed bench bench-peers bench-growth bench-check bench-formats dist dist-test help build web

# What a bare machine lacks. The C compiler is for the embedded SQLite; GDAL is for tuban-ogr alone, which reads Shapefiles and the like.
BUILD_NEEDS := build-essential pkg-config ca-certificates libgdal-dev
# A real browser with Chinese type, GDAL's tools, openpyxl and GEOS as outside oracles, what packs a Shapefile for the browser to upload, and the databases' own.
TEST_NEEDS  := $(BUILD_NEEDS) chromium fonts-noto-cjk gdal-bin zip python3-openpyxl python3-shapely postgresql-15 postgresql-15-postgis-3

# What the same job is measured against.
PEER_NEEDS  := $(BUILD_NEEDS) python3-venv postgresql-15 postgresql-15-postgis-3

# What reads the files of deploy/, and what docs/OPERATIONS.md tells to type: tests do both.
DEPLOY_NEEDS := sqlite3 haproxy systemd python3-yaml

# What `make dist` packs with, and what tries it out in a bare root.
DIST_NEEDS  := $(BUILD_NEEDS) dpkg-dev
DIST_TEST_NEEDS := $(DIST_NEEDS) debootstrap gdal-bin zip curl iproute2 postgresql-15 postgresql-15-postgis-3

# Where cargo builds, also where CARGO_TARGET_DIR says so.
TARGET := $(or $(CARGO_TARGET_DIR),target)
TUBAN  := $(TARGET)/release/tuban
# Linked as a whole: what is packed, and what is measured.
PACKED := $(TARGET)/packed
CITY   := .tuban/city
# Where `make run` listens.
LISTEN := 127.0.0.1:8080
# One compilation for lints and tests, of the browser too: clippy's driver is the compiler of our own crates, as `cargo clippy` sets it, but makes programs of them. With
# `cargo clippy` every dependency would be compiled twice.
LINTED := RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings cargo
# Tests at a time: most of them wait for servers, timers and other processes.
AT_ONCE := 3
VENV   := target/peers/venv
CONTRACT_VENV := target/contract/venv

help:            ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

run: build       ## build everything, make the demo city once, serve on http://127.0.0.1:8080
	@tools/demo-city $(TUBAN) $(CITY)
	@$(TUBAN) serve --listen $(LISTEN) --database sqlite:$(CITY)/city.db

build: web
	@tools/need $(BUILD_NEEDS)
	cargo build --release --locked --workspace

packed: web      ## build what is packed: as `build`, linked as a whole
	@tools/need $(BUILD_NEEDS)
	cargo build --profile packed --locked --workspace

web: web/dist/index.html

web/dist/index.html: $(shell find web/src web/public web/*.html web/*.json web/*.js web/*.ts -type f 2>/dev/null)
	@tools/need ca-certificates
	cd web && npm ci --no-fund --no-audit --loglevel=error && npm run build
	@touch $@

test: check unit e2e contract-fuzz ## everything there is

check: web       ## formatting, lints and types of the programs and of the page
	@tools/need $(TEST_NEEDS)
	cargo fmt --all --check
	$(LINTED) test --locked --workspace --all-targets --no-run
	cd web && npm run check

unit: web        ## kernel, store, formats, API, command line, page logic
	@tools/need $(TEST_NEEDS) $(DEPLOY_NEEDS)
	$(LINTED) test --locked --workspace -- --test-threads $(AT_ONCE)
	cd web && npm test

e2e: web         ## a real browser: upload, progress, map, ratio
	@tools/need $(TEST_NEEDS)
	$(LINTED) build --locked --workspace
	tools/e2e $(TARGET)/debug/tuban

contract: web    ## docs/openapi.json and the types of the page, made again from the handlers
	@tools/need $(BUILD_NEEDS)
	TUBAN_KEEP_OPENAPI=1 $(LINTED) test --locked --test it -- --exact api::openapi::it_is_the_document_that_is_kept
	cd web && npx vitest run --update contract/contract.test.ts

contract-fuzz: web $(CONTRACT_VENV)/installed ## fifty made-up requests to each operation: no 5xx, and every answer as docs/openapi.json says
	@tools/need $(BUILD_NEEDS)
	$(LINTED) build --locked --workspace
	tools/contract/fuzz $(TARGET)/debug/tuban $(CONTRACT_VENV)/bin/schemathesis

$(CONTRACT_VENV)/installed: tools/contract/requirements.txt
	@tools/need python3-venv
	/usr/bin/python3 -m venv --clear $(CONTRACT_VENV)
	$(CONTRACT_VENV)/bin/pip install --quiet --requirement $<
	@touch $@

# What of the tests goes on for longer in the long suite: their size is TUBAN_HOSTILE times that of `make test`.
HOSTILE := fuzz:: cli::kill:: cli::nodes:: cli::fail_points:: cli::full_disk:: cli::hostile::

hostile: web     ## an hour of attacks: 1 500 kills, full disks, 2 000 slow clients of each kind, each fuzz target for a minute (ROUNDS=10 SECONDS_EACH=60)
	@tools/need $(TEST_NEEDS)
	TUBAN_HOSTILE=$(or $(ROUNDS),10) TUBAN_FUZZ_SECONDS=$(or $(SECONDS_EACH),60) $(LINTED) test --locked --workspace --test it -- $(HOSTILE) --test-threads 2

bench: web       ## criterion-like measurements; docs/PERFORMANCE.md says what they showed
	@tools/need $(BUILD_NEEDS)
	cargo bench --locked

bench-peers: packed $(VENV)/installed ## the same job by GeoPandas, DuckDB, SedonaDB and PostGIS, tens of minutes; PEERS="--preset dense --rounds 1" for a part
	@tools/need $(PEER_NEEDS)
	cargo build --release --locked --manifest-path benches/bare_pass/Cargo.toml --target-dir target/peers/bare_pass
	$(VENV)/bin/python benches/peers/run.py --tuban $(PACKED)/tuban --bare-pass target/peers/bare_pass/release/bare_pass $(PEERS)

$(VENV)/installed: benches/peers/requirements.txt
	@tools/need $(PEER_NEEDS)
	/usr/bin/python3 -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --requirement $<
	@touch $@

bench-growth: packed ## memory and time with ten times the layers and patches (5 GB of data, half an hour)
	@tools/need python3
	python3 benches/growth/run.py $(PACKED)/tuban .tuban/growth

bench-check: packed ## POST /api/check on the demo city, idle and while surveys are imported (1 GB of data, minutes)
	@tools/need python3 wrk
	python3 benches/check/run.py $(PACKED)/tuban .tuban/check $(CHECK)

bench-formats: packed ## parcels as GeoJSON and as zipped Shapefiles, time and memory of taking them in (1 GB of data, minutes)
	@tools/need $(BUILD_NEEDS) gdal-bin python3
	python3 benches/formats/run.py $(PACKED)/tuban .tuban/formats

dist: packed     ## target/dist: a .deb, and a .tar.gz with all that a machine without internet needs
	@tools/need $(DIST_NEEDS)
	tools/dist $(PACKED) target/dist

dist-test: dist  ## install it in a bare Debian root without a network, start it on both databases, read a Shapefile; as root, minutes
	@tools/need $(DIST_TEST_NEEDS)
	tools/dist-test target/dist
