"""The lake's catalog as others see it: in SQLite or in PostgreSQL, and attached by DuckDB."""

import contextlib
import glob
import os
import secrets
import site
import sqlite3
import subprocess
import urllib.parse

import duckdb

import support
from support import ROOT


def load():
    """DuckDB with its extensions out of the installed packages; nothing is downloaded."""
    connection = duckdb.connect()
    pattern = os.path.join("duckdb_extension_*", "extensions", "*", "*.duckdb_extension")
    for path in glob.glob(os.path.join(site.getsitepackages()[0], pattern)):
        connection.execute(f"INSTALL '{path}'")
    for name in ("sqlite_scanner", "postgres_scanner", "ducklake"):
        connection.execute(f"LOAD {name}")
    connection.execute("SET TimeZone='UTC'")
    return connection


class Sqlite:
    """The catalog in the data folder."""

    name, config = "SQLite", ""

    def __init__(self, data):
        self.file = data / "catalog.sqlite"
        self.attached = f"sqlite:{self.file}"

    def run(self, text):
        """SQL as another release, or a hand, would have run it."""
        connection = sqlite3.connect(self.file)
        with connection:
            connection.execute(text)
        connection.close()


class Postgres:
    """The catalog in a database of its own."""

    name = "PostgreSQL"

    def __init__(self, address):
        server = urllib.parse.urlsplit(address)
        database = "lake_" + secrets.token_hex(6)
        login = f"host={server.hostname} port={server.port} user={server.username} password={server.password}"
        postgres_execute(f"{login} dbname={server.path[1:]}", f"create database {database}")
        self.login = f"{login} dbname={database}"
        self.attached = f"postgres:{self.login}"
        without_password = f"postgres://{server.username}@{server.hostname}:{server.port}/{database}"
        self.config = f'catalog = "{without_password}"\ncatalog_password = "{server.password}"\n'

    def run(self, text):
        postgres_execute(self.login, text)


def postgres_execute(login, text):
    connection = load()
    connection.execute(f"ATTACH '{login}' AS there (TYPE postgres)")
    connection.execute("CALL postgres_execute('there', ?, use_transaction => false)", [text])
    connection.close()


def attach(catalog):
    connection = load()
    connection.execute(f"ATTACH 'ducklake:{catalog.attached}' AS lake (READ_ONLY)")
    return connection


def lake(catalog, text):
    """Rows of a query of DuckDB, over a connection of its own: a snapshot is chosen when it attaches."""
    connection = attach(catalog)
    try:
        return connection.execute(text).fetchall()
    finally:
        connection.close()


@contextlib.contextmanager
def on_postgres(checks, folder):
    """Address of a server: the one that is named, or one of our own; none if that does not start."""
    address = os.environ.get("BARTIZAN_TEST_POSTGRES")
    if address:
        yield address
        return
    server = os.path.join(folder, "postgres")
    started = postgres("start", server)
    if not checks.check("a PostgreSQL of our own starts", started.returncode == 0, started.stderr[-400:]):
        yield None
        return
    try:
        yield started.stdout.strip()
    finally:
        postgres("stop", server)


def postgres(command, server):
    return subprocess.run([str(ROOT / ".ci" / "postgres"), command, server], capture_output=True, text=True)


def command(service, *arguments):
    files = ["--config", str(service.config), "--data", str(service.data)]
    done = subprocess.run(
        [support.binary(), *arguments, *files], capture_output=True, text=True, env=support.environment()
    )
    return done.returncode, done.stdout + done.stderr
