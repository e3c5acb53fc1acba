"""The programs that make load, and what they say: wrk (closed loop), vegeta (open loop), panier-limit (a store alone)."""
import base64
import csv
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import carts as bulk

WORKLOADS = Path(__file__).resolve().parent / "wrk" / "carts.lua"
WARM_S_MAX = 0.5
GENERATOR_S_MAX = 60  # beyond its own duration
ANSWER_S_MAX = 12  # above the service's own deadline of 10 s: a late answer is an answer

VEGETA = "github.com/tsenart/vegeta/v12@v12.8.4"  # builds with Debian 12's Go 1.19
TARGETS = 20_000
WORKERS_MAX = 1_024


def _run(command, seconds, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds + GENERATOR_S_MAX,
                          check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-2000:]}"
                           f"{done.stdout.decode(errors='replace')[-2000:]}")
    return done.stdout


def wrk(port, operation, carts, connections, seconds):
    """One slice of whole seconds; its first tenth, at most WARM_S_MAX, is not counted."""
    warm_ms = int(min(WARM_S_MAX, seconds / 10) * 1000)
    output = _run(["wrk", "-t", str(min(2, connections)), "-c", str(connections), "-d", f"{seconds}s",
                   "--timeout", f"{ANSWER_S_MAX}s", "-s", str(WORKLOADS), f"http://127.0.0.1:{port}", "--",
                   operation, str(carts.first), str(carts.count), str(carts.lines), str(warm_ms)], seconds).decode()
    line = next((text for text in output.splitlines() if text.startswith("BENCH ")), None)
    if line is None:
        raise RuntimeError(f"wrk printed no result:\n{output[-2000:]}")
    sample = json.loads(line.removeprefix("BENCH "))
    sample["errors"] = {kind: count for kind, count in sample["errors"].items() if count}
    return sample


def limit(program, settings, arguments, seconds):
    """panier-limit's one line of JSON; a store alone, saturated."""
    command = [program, *map(str, arguments), "--seconds", str(seconds)]
    environment = {"PATH": os.environ["PATH"], **{name: str(value) for name, value in settings.items()}}
    answer = json.loads(_run(command, seconds, env=environment).decode().strip().splitlines()[-1])
    return {"rate": answer["rate_per_s"], "errors": {}, **answer}


class Vegeta:
    def __init__(self, build_dir):
        self._tools = Path(build_dir) / "bench-tools"
        self._program = self._tools / "vegeta"

    def install(self):
        if self._program.exists():
            return
        if shutil.which("go") is None:
            raise SystemExit("bench: no go on the PATH (scripts/setup bench installs Debian's)")
        print(f"bench: building {VEGETA}", flush=True)
        subprocess.run(["go", "install", VEGETA], env={**os.environ, "GOBIN": str(self._tools.resolve()),
                                                       "GOFLAGS": "-mod=mod"}, check=True, timeout=600)

    def attack(self, port, operation, carts, rate, seconds):
        """A fixed rate, whatever the answers. An answer's latency counts from when its request was due."""
        targets = self._tools / f"targets-{port}-{operation}"
        targets.write_text("\n".join(_targets(port, operation, carts)) + "\n")
        results = self._tools / "results.bin"
        _run([self._program, "attack", "-format=json", f"-targets={targets}", f"-rate={rate}/s",
              f"-duration={seconds}s", "-keepalive", "-http2=false", f"-timeout={ANSWER_S_MAX}s", "-max-body=0",
              "-workers=64", f"-max-workers={WORKERS_MAX}", f"-connections={WORKERS_MAX}", f"-output={results}"],
             seconds)
        table = _run([self._program, "encode", "-to=csv", results], seconds).decode()
        targets.unlink()
        results.unlink()
        return _from_table(table, rate)


def _targets(port, operation, carts):
    draw = random.Random(f"{operation} {carts}")
    for _ in range(TARGETS):
        url = f"http://127.0.0.1:{port}/paniers/"
        user = bulk.user(draw.choice(carts.numbers))
        if operation == "get":
            yield json.dumps({"method": "GET", "url": url + user})
            continue
        quantity = 0.01 if operation == "add" else draw.randint(1, 1000)
        body = json.dumps({"article_id": draw.choice(carts.articles), "quantite": quantity}).encode()
        yield json.dumps({"method": "PATCH", "url": f"{url}{operation}_to_cart/{user}" if operation == "add" else
                          f"{url}{operation}_cart/{user}", "body": base64.b64encode(body).decode(),
                          "header": {"Content-Type": ["application/json"]}})


def _from_table(table, rate):
    """Columns: time sent (ns), status, latency (ns), .., [8] the request's number."""
    rows = [(int(row[0]), int(row[1]), int(row[2]), int(row[8])) for row in csv.reader(table.splitlines())]
    began = min(sent - number * 1e9 / rate for sent, _, _, number in rows)
    latencies_us = sorted((sent - (began + number * 1e9 / rate) + latency) / 1000 for sent, _, latency, number in rows)
    first, last = min(row[0] for row in rows), max(row[0] + row[2] for row in rows)
    errors = {}
    for _, status, _, _ in rows:
        if not 200 <= status < 300:
            errors[str(status)] = errors.get(str(status), 0) + 1

    def percentile(share):
        return round(latencies_us[min(len(latencies_us) - 1, int(share * len(latencies_us)))])

    return {"rate": len(rows) / ((last - first) / 1e9), "wanted_rate": rate, "requests": len(rows),
            "p50_us": percentile(0.5), "p90_us": percentile(0.9), "p99_us": percentile(0.99),
            "p999_us": percentile(0.999), "max_us": round(latencies_us[-1]), "errors": errors}
