"""A disk that is really full: ingest answers 503 and nothing is damaged; with space it goes on without a restart."""

import json
import os
import pathlib
import subprocess

import support
from support import CONFIG, Service, gateway_record, wait_for

VOLUME_BYTES = 48 << 20
RECORDS = 200


def mounted(folder):
    """Mounts a small volume on a folder; false where that is not permitted."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={VOLUME_BYTES}", "tmpfs", str(folder)]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def fill(path):
    """Takes all the space there is; gives how much that was."""
    written = 0
    with open(path, "wb", buffering=0) as ballast:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    written += ballast.write(b"x" * size)
            except OSError:
                continue
    return written


class Load:
    """Bodies, each with its own key, and what became of them."""

    def __init__(self, checks, service):
        self.checks, self.service, self.number = checks, service, 0
        self.acknowledged, self.refused, self.faults = set(), [], 0

    def send(self):
        base = f"full-{self.number:05d}"
        ids = [f"{base}-{place}" for place in range(RECORDS)]
        self.number += 1
        body = json.dumps({"records": [gateway_record(one, padding=os.urandom(400).hex()) for one in ids]}).encode()
        return self.post(base, body, ids)

    def post(self, key, body, ids):
        answer = self.service.ingest(body, {"Idempotency-Key": key})
        if answer.status == 200:
            self.acknowledged.update(ids)
        else:
            self.faults += 1
            self.refused.append((key, body, ids))
        return answer

    def send_until_refused(self):
        while (answer := self.send()).status == 200 and self.number < 2_000:
            pass
        self.checks.check("a full disk is answered with 503", answer.status == 503, answer)
        self.checks.check("... which says so", "disk is full" in answer.text, answer)
        self.checks.check("... and when to come back", "Retry-After" in answer.headers, answer.headers)

    def resend(self):
        again, self.refused = self.refused, []
        for key, body, ids in again:
            answer = self.post(key, body, ids)
            self.checks.check(f"{key} is acknowledged when sent again", answer.status == 200, answer)

    def verify(self, when):
        text = (
            "select CorrelationId, count(*) as Times from ApiManagementGatewayLogs "
            "where CorrelationId like 'full-{:04d}%' group by CorrelationId"
        )
        found = {}
        for part in range(self.number // 10 + 1):
            found |= {row["CorrelationId"]: int(row["Times"]) for row in self.service.query(text.format(part))}
        open_ids = {one for _, _, ids in self.refused for one in ids}
        lost = self.acknowledged - found.keys()
        twice = [one for one, times in found.items() if times != 1]
        phantom = found.keys() - self.acknowledged - open_ids
        self.checks.check(f"{when}: nothing acknowledged is lost", not lost, sorted(lost)[:5])
        self.checks.check(f"{when}: nothing is there twice", not twice, twice[:5])
        self.checks.check(f"{when}: nothing else is there", not phantom, sorted(phantom)[:5])
        return len(lost), len(twice)


def body(checks):
    with support.folder("full") as folder:
        volume = pathlib.Path(folder) / "volume"
        volume.mkdir()
        if not mounted(volume):
            checks.skip("a volume can't be mounted here (needs root)")
            return
        try:
            on_volume(checks, volume)
        finally:
            subprocess.run(["umount", "-l", str(volume)], check=False)


def on_volume(checks, volume):
    config = CONFIG + f'[store]\nflush_interval = "500ms"\nfree_bytes = {4 << 20}\n'
    service = Service(volume, config)
    # The log of the service itself is not what fills the disk.
    service.log = volume.parent / "service.log"
    service.start()
    load = Load(checks, service)
    lost, twice = 0, 0
    try:
        for round_ in range(2 * support.effort()):
            load.send_until_refused()
            # What is kept free is taken by somebody else: now the catalog and the segments have no room either.
            fill(volume / "ballast")
            load.send()
            load.send()
            checks.equal("/readyz is red", service.call("GET", "/readyz").status, 503)
            losses = load.verify(f"round {round_}, full")
            lost, twice = lost + losses[0], twice + losses[1]
            (volume / "ballast").unlink()
            grow(volume, round_)
            wait_for(lambda: service.call("GET", "/readyz").status == 200, 20, "the log to be written again")
            checks.check("it goes on by itself", service.alive())
            load.resend()
            losses = load.verify(f"round {round_}, with space")
            lost, twice = lost + losses[0], twice + losses[1]
        checks.check("there was load", len(load.acknowledged) > 10 * RECORDS, len(load.acknowledged))
        service.kill()
        service.start()
        losses = load.verify("after kill -9")
        left = list(volume.glob("data/lake/**/*.tmp"))
        checks.check("no unfinished file is left", not left, left)
        support.record(
            "T6", "a volume is filled by ingest, then to its last byte; space comes back without a restart",
            rounds=2 * support.effort(), faults=load.faults, acknowledged=len(load.acknowledged),
            lost=lost + losses[0], doubled=twice + losses[1],
        )
    except Exception:
        print(service.tail(), flush=True)
        raise
    finally:
        if service.alive():
            service.kill()


def grow(volume, round_):
    size = VOLUME_BYTES * (round_ + 2)
    subprocess.run(["mount", "-o", f"remount,size={size}", str(volume)], check=True)


support.run("full: a disk without space", body)
