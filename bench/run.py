"""Measures panier beside its peers and beside the machine's own limit; CONTRIBUTING.md and bench/README.md say how.

All systems of a section are measured in turn, in short slices, several times round, so that the machine's drift hits all
alike; what is compared is compared within a round, and the median of the rounds is told.
"""
import argparse
import datetime
import json
import os
import sys
import time
from pathlib import Path

import generators
import machine
import probes as probing
import report
import sections as plan
import shows
from systems import SOURCE, Systems, panier_process

WARM_S = 1
QUICK_ROUNDS, QUICK_S = 3, 3


class Results:
    """All samples of one section; what rows are computed from."""

    def __init__(self):
        self._samples, self._memory = {}, {}

    def add(self, probe, sample):
        self._samples.setdefault(probe, []).append(sample)

    def samples(self, probe):
        return self._samples[probe]

    def values(self, probe, name):
        return [sample[name] for sample in self._samples[probe]]

    def errors(self, probe):
        return sum(count for sample in self._samples[probe] for count in sample["errors"].values())

    def remember_memory(self, spec, mib):
        self._memory[spec] = mib

    def memory(self, spec):
        return self._memory[spec]

    def as_json(self):
        points = [{"key": probe.key, **probing.describe(probe), "samples": samples}
                  for probe, samples in self._samples.items()]
        return {"points": points, "memory_mib": {spec.name: mib for spec, mib in self._memory.items()}}


class Run:
    """What the probes need of a run."""

    def __init__(self, build_dir):
        self.systems = Systems(build_dir, os.environ.get("PANIER_TEST_MONGO_URI"))
        self.vegeta = generators.Vegeta(build_dir)
        self._lanes = {}

    def lanes(self, spec):
        """panier's own default, or what the system was given."""
        if spec not in self._lanes:
            settings = self.systems.get(spec).settings
            text = panier_process.run_command(["config"], settings).stdout
            self._lanes[spec] = int(next(line for line in text.splitlines() if line.startswith("PANIER_LANES="))
                                    .partition("=")[2])
        return self._lanes[spec]


def measure(run, section):
    print(f"{section.title} ({section.name}): {len(section.probes)} measurements, {section.rounds} rounds of "
          f"{section.seconds} s", flush=True)
    used = {probe.system for probe in section.probes if probe.system is not None}
    run.systems.keep_only(used)
    for spec in sorted(used, key=lambda one: one.name):
        run.systems.get(spec)
    if any(isinstance(probe, probing.Open) for probe in section.probes):
        run.vegeta.install()
    results = Results()
    for probe in section.probes:
        probe.run(run, WARM_S)
    for number in range(1, section.rounds + 1):
        for probe in section.probes:
            before = machine.ProcessorTime.now()
            sample = probe.run(run, section.seconds)
            sample |= machine.ProcessorTime.now().shares_since(before)
            results.add(probe, sample)
            errors = f"  ERRORS {sample['errors']}" if sample["errors"] else ""
            print(f"  {number}/{section.rounds} {probe.key}: {sample['rate']:,.0f}/s{errors}", flush=True)
    for spec in used:
        system = run.systems.get(spec)
        if system.process is not None:
            results.remember_memory(spec, system.rss_mib())
    found = {"name": section.name, "title": section.title, "rounds": section.rounds, "seconds": section.seconds,
             **results.as_json()}
    found["start_up_s"] = {spec.name: run.systems.get(spec).restart() for spec in section.restarts}
    # Told at the end, with all that was measured, instead of losing it.
    found["differences"] = {spec.name: said for spec in section.verified if (said := run.systems.get(spec).verify())}
    return results, found


def chosen_sections(arguments):
    """(sections, rows to judge)."""
    rounds, seconds = arguments.rounds or QUICK_ROUNDS, arguments.seconds or QUICK_S
    if arguments.quick:
        return [plan.shows_section(shows.ROWS, rounds, seconds)], shows.ROWS
    known = {section.name: section for section in plan.all_sections()}
    if arguments.only:
        rows = tuple(row for row in shows.ROWS if row.name in arguments.only)
        sections = [known[name] for name in arguments.only if name in known]
        if "shows" in arguments.only:
            rows = shows.ROWS
        elif rows:
            sections.insert(0, plan.shows_section(rows, rounds, seconds))
        return [with_options(section, arguments) for section in sections], rows
    return [with_options(section, arguments) for section in known.values()], shows.ROWS


def with_options(section, arguments):
    return plan.changed(section, arguments.rounds, arguments.seconds)


def parse_arguments():
    names = [row.name for row in shows.ROWS] + [section.name for section in plan.all_sections()]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the wanted figures, some minutes")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME",
                        help=f"only these rows or sections: {', '.join(names)}")
    parser.add_argument("--rounds", type=int, help="instead of each section's own number")
    parser.add_argument("--seconds", type=int, help="of a slice, instead of each section's own")
    parser.add_argument("--build", type=Path, default=SOURCE / "build" / "bench",
                        help="where the programs are and the results go (build/bench)")
    arguments = parser.parse_args()
    if arguments.quick and arguments.only:
        parser.error("--quick and --only exclude each other")
    if any(value is not None and value < 1 for value in (arguments.rounds, arguments.seconds)):
        parser.error("--rounds and --seconds begin at 1")
    return arguments


def main():
    arguments = parse_arguments()
    sections, rows = chosen_sections(arguments)
    started = time.monotonic()
    run = Run(arguments.build)
    record = {"date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
              "commit": machine.commit(SOURCE), "machine": machine.describe(arguments.build),
              "profile": "quick" if arguments.quick else " ".join(arguments.only or ["all"]), "sections": [], "rows": []}
    output = arguments.build / "results.json"
    try:
        record["machine"]["mariadb"] = run.systems.mariadb_version()
        for section in sections:
            results, found = measure(run, section)
            record["sections"].append(found)
            if section.name == "shows":
                record["rows"] = [figure for row in rows for figure in shows.judge(results, row)]
            record["minutes"] = round((time.monotonic() - started) / 60, 1)
            output.write_text(json.dumps(record, indent=1) + "\n")
    finally:
        run.systems.stop()
    report.write(record, arguments.build)
    if record["rows"]:
        print(f"\n{report.shows_table(record['rows'])}")
    print(f"\n{record['minutes']} minutes. {output}, {arguments.build / 'report.md'}")
    for problem in report.problems(record):
        print(problem)
    return 1 if report.problems(record) else 0


if __name__ == "__main__":
    sys.exit(main())
