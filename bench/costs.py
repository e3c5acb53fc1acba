#!/usr/bin/python3
"""Where the microseconds of a strict write and of a read go: processor time an operation of every process, and panier's own by
what it works on, from perf's samples of its stacks; then what a round costs whatever it carries, and what each write in it.
Prints Markdown tables.

  bench/costs.py [--connections 256] [--seconds 5] [--build build/bench]
"""
import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import catalog
import generators
from systems import SOURCE, Systems

SAMPLES_PER_S = 499
STACK_BYTES = 8_192
TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
SPEC = catalog.Spec("profiled", (catalog.MAIN,))

# Few clients make small rounds, many make large ones: so the two costs can be told apart.
ROUNDS_AT = (16, 64, 256, 1024)
ROUNDS_SAMPLES = 3
COUNTED = {"rounds": 'panier_commit_duration_seconds_count{phase="commit"}', "with_writes": "panier_batch_operations_count",
           "writes": "panier_batch_operations_sum"}

# A sample belongs to the first of these that any frame of its stack is in.
WORK = [
    ("ledger: read the answers of mark, lock, look", r"MariadbLedger::(take_|open_once)|mariadb::cart_row"),
    ("ledger: read carts for GETs", r"MariadbLedger::(read|carts)"),
    ("ledger: write and COMMIT", r"MariadbLedger::commit"),
    ("protocol: settle, reserve, close", r"Protocol::"),
    ("mirror: build, send and judge the bulk", r"MongoMirrorStore|mongo::Worker::loop|Lane::mirror"),
    ("lane: collect, queue", r"Lane::collect|WriteQueue::"),
    ("lane: the rest, with answering", r"commit::Lane"),
    ("reader: the rest, with the answer's JSON", r"commit::Reader"),
    ("HTTP: write the answer to the socket", r"http::Session::send|__libc_sendmsg"),
    ("HTTP: make and hand over the answer", r"Session::respond|Mailbox|Worker::collect"),
    ("HTTP: read from the socket", r"__libc_recv|socket_ops::sync_recv"),
    ("HTTP: parse, route, submit", r"Session::(receive|advance|take_|dispatch)"),
    ("HTTP: wait for events", r"boost::asio"),
]


def ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def record(pid, seconds, data):
    """perf samples of one process; None where perf is refused."""
    command = ["perf", "record", "-F", str(SAMPLES_PER_S), "-e", "cpu-clock", "--call-graph", f"dwarf,{STACK_BYTES}",
               "-o", str(data), "-p", str(pid), "--", "sleep", str(seconds)]
    try:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        return None


def shares(data):
    """What share of the samples each kind of work has."""
    text = subprocess.run(["perf", "script", "--no-inline", "-F", "ip,sym", "-i", str(data)], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    stacks = [stack for stack in re.split(r"\n\s*\n", text) if stack.strip()]
    found = Counter(next((what for what, frames in WORK if re.search(frames, stack)), "everything else")
                    for stack in stacks)
    return {what: count / len(stacks) for what, count in found.items()}


def processes(systems, system):
    return {"panier": system.pid, "MariaDB": systems.server_pid(SPEC.ledger), "the wire double": system.mirror_pid()}


def slice_of(operation, system, pids, connections, seconds):
    """(wrk's sample, {process: us of processor time}), the load generator's included."""
    before = {name: ticks(pid) for name, pid in pids.items()}
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    sample = generators.wrk(system.port, operation, catalog.MAIN, connections, seconds)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = {name: (ticks(pid) - before[name]) * TICK_US for name, pid in pids.items()}
    spent["wrk"] = (used.ru_utime + used.ru_stime - children.ru_utime - children.ru_stime) * 1e6
    if sample["errors"]:
        raise SystemExit(f"costs: failed requests: {sample['errors']}")
    return sample, spent


def profile(systems, operation, connections, seconds, data):
    """(rate, {process: us an operation}, {kind of work: us an operation})"""
    system = systems.get(SPEC)
    pids = processes(systems, system)
    generators.wrk(system.port, operation, catalog.MAIN, connections, 1)
    # Apart: taking samples costs time of its own.
    sample, spent = slice_of(operation, system, pids, connections, seconds)
    spent = {name: us / (sample["rate"] * seconds) for name, us in spent.items()}
    recorder = record(pids["panier"], seconds, data)
    generators.wrk(system.port, operation, catalog.MAIN, connections, seconds + 1)
    if recorder is None or recorder.wait() != 0:
        print("costs: perf is not there, or refused: processes only", file=sys.stderr)
        return sample["rate"], spent, {}
    return sample["rate"], spent, {what: share * spent["panier"] for what, share in shares(data).items()}


def counters(system):
    text = system.process.ops().request("GET", "/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(values[metric]) for name, metric in COUNTED.items()}


def rounds(systems, seconds):
    """Two Markdown tables."""
    system = systems.get(SPEC)
    pids = processes(systems, system)
    counted = {connections: Counter() for connections in ROUNDS_AT}
    a_write = []  # of each slice: rounds a write, {process: us a write}
    for _ in range(ROUNDS_SAMPLES):
        for connections, total in counted.items():
            generators.wrk(system.port, "add", catalog.MAIN, connections, 1)
            before = counters(system)
            _, spent = slice_of("add", system, pids, connections, seconds)
            after = counters(system)
            done = {name: after[name] - before[name] for name in after}
            total.update(done)
            a_write.append((done["rounds"] / done["writes"],
                            {process: us / done["writes"] for process, us in spent.items()}))
    lines = ["| connections | rounds/s | of them with writes | writes in each of these |", "| --- | --- | --- | --- |"]
    for connections, total in counted.items():
        lines.append(f"| {connections} | {total['rounds'] / seconds / ROUNDS_SAMPLES:,.0f} | "
                     f"{total['with_writes'] / total['rounds']:.0%} | {total['writes'] / total['with_writes']:.0f} |")
    lines += ["", "| process | µs a round | µs a write |", "| --- | --- | --- |"]
    for process in a_write[0][1]:
        line = statistics.linear_regression([share for share, _ in a_write], [spent[process] for _, spent in a_write])
        lines.append(f"| {process} | {line.slope:.0f} | {line.intercept:.1f} |")
    return "\n".join(lines)


def table(head, figures):
    rows = [f"| {what} | {us:.1f} |" for what, us in sorted(figures.items(), key=lambda one: -one[1])]
    return "\n".join([f"| {head} | µs an operation |", "| --- | --- |", *rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--build", type=Path, default=SOURCE / "build" / "bench")
    arguments = parser.parse_args()
    systems = Systems(arguments.build, None)
    try:
        for operation, title in (("add", "A strict write"), ("get", "A read")):
            rate, spent, work = profile(systems, operation, arguments.connections, arguments.seconds,
                                        systems.directory / f"perf-{operation}.data")
            print(f"\n### {title}, {arguments.connections} connections\n\n{rate:,.0f}/s on {os.cpu_count()} processors; "
                  f"{sum(spent.values()):.0f} µs of processor time an operation.\n\n{table('process', spent)}\n")
            if work:
                print(table("in panier", work))
        print("\n### A round, and a write in it: strict adds\n\n" + rounds(systems, arguments.seconds))
    finally:
        systems.stop()


if __name__ == "__main__":
    main()
