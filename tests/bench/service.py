"""What the benchmarks share: a release build on an empty data folder, and what machine this is."""

import glob
import http.client
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release", "bartizan")
KEY = "bench-key-of-no-other-use-0123456789"
TICKS = os.sysconf("SC_CLK_TCK")
NO_LIMITS = "[limits]\ningest_requests_per_second = 1000000\nrequests_per_second = 1000000\naddress_requests_per_second = 1000000\n"


def with_program(parser):
    """The arguments, with the program that is measured, which must be there."""
    parser.add_argument("--program", default=PROGRAM)
    arguments = parser.parse_args()
    if not os.path.exists(arguments.program):
        sys.exit(f"{arguments.program} is not there: cargo build --release")
    return arguments


def no_rules():
    """Settings with which no shipped rule runs."""
    ids = []
    for path in glob.glob(os.path.join(ROOT, "alerts", "rules", "*.yaml")):
        with open(path, encoding="utf-8") as file:
            ids.append(re.search(r"^id: *(\S+)", file.read(), re.M)[1])
    return f"[rules]\ndisabled = {json.dumps(sorted(ids))}\n"


class Service:
    """A release build on an empty data folder."""

    def __init__(self, program, store):
        self.folder = tempfile.TemporaryDirectory(prefix="bartizan-bench-")
        config = os.path.join(self.folder.name, "bench.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(NO_LIMITS + store)
        self.data = os.path.join(self.folder.name, "data")
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--config", config, "--data", self.data],
            env=os.environ | {"BARTIZAN_ADMIN_KEY": KEY}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            found = re.search(r"listening on https?://([0-9.]+):(\d+)", line)
            if found:
                self.address = (found[1], int(found[2]))
                break
        else:
            sys.exit("the service ended before it listened")
        # It would meet a full pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        while self.get("/readyz")[0] != 200:
            time.sleep(0.05)
        self.begin = self.cpu()

    def get(self, path):
        connection = http.client.HTTPConnection(*self.address)
        connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def cpu_used(self):
        return self.cpu() - self.begin

    def peak_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) * 1024 / 1e6

    def wait_until_published(self, records):
        for _ in range(6_000):
            found = re.search(r"^bartizan_segment_rows_published_total (\d+)", self.get("/metrics")[1], re.M)
            if found and int(found[1]) >= records:
                return
            time.sleep(0.05)
        sys.exit("not every row was published within five minutes")

    def lake_bytes(self):
        folders = os.walk(os.path.join(self.data, "lake"))
        return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in folders for name in names)

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()


def post(connection, body):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/ingest", body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200 or json.loads(text)["quarantined"]:
        raise SystemExit(f"the service answered {answer.status}: {text[:300]}")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB"
