"""A PostgreSQL cluster of its own, for as long as it is needed: in a temporary folder, reached by a socket in there, gone at the end."""

import os
import pwd
import subprocess
import tempfile
from contextlib import contextmanager

PROGRAMS = "/usr/lib/postgresql/15/bin"
# Nothing is kept, so nothing is synced; two workers for two cores; and a plan with workers is never thought too dear.
SETTINGS = {
    "listen_addresses": "''",
    "port": 5432,
    "shared_buffers": "4GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "effective_cache_size": "12GB",
    "jit": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "random_page_cost": 1.1,
    "max_parallel_workers_per_gather": 2,
    "max_parallel_maintenance_workers": 2,
    "max_parallel_workers": 2,
    "parallel_setup_cost": 0,
    "parallel_tuple_cost": 0,
    "min_parallel_table_scan_size": 0,
}


def run(program, *arguments):
    """One of PostgreSQL's programs; they refuse to run as root, so root runs them as user postgres."""
    other_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*other_user, f"{PROGRAMS}/{program}", *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL)


@contextmanager
def cluster():
    """Gives the environment in which a client finds it."""
    with tempfile.TemporaryDirectory(prefix="tuban-peers-") as folder:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = f"{folder}/data"
        run("initdb", "--pgdata", data, "--auth", "trust", "--username", "postgres", "--encoding", "UTF8", "--locale", "C")
        with open(f"{data}/postgresql.conf", "a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
            file.write(f"unix_socket_directories = '{folder}'\n")
        try:
            run("pg_ctl", "--pgdata", data, "--log", f"{folder}/log", "--wait", "start")
            yield {"PGHOST": folder, "PGPORT": str(SETTINGS["port"]), "PGUSER": "postgres", "PGDATABASE": "postgres"}
        finally:
            if os.path.exists(f"{data}/postmaster.pid"):
                run("pg_ctl", "--pgdata", data, "--mode", "immediate", "--wait", "stop")
