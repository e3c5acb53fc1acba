"""results.json as a page: the wanted figures first, then plots and tables.

    report.py [--build DIR]             writes DIR/report.md and DIR/performance/*.svg from DIR/results.json
    report.py [--build DIR] --publish   also puts them into docs/: the measured part of performance.md, performance/*.svg
"""
import argparse
import json
import shutil
from pathlib import Path

import plots

SOURCE = Path(__file__).resolve().parent.parent
PAGE = SOURCE / "docs" / "performance.md"
PICTURES = "performance"  # beside the page
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

ALT_TEXTS = {"throughput.svg": "Throughput over connections", "latency.svg": "Latency percentiles over rate",
             "cart-size.svg": "Cost over cart size", "lanes.svg": "Throughput over lanes"}
PREAMBLE = """\
Ratios are between what was measured in turn in the same minutes; they carry over to other machines, as far as these have
the same balance of processor and disk. Absolute figures are this machine's. The mirror is the wire double of the tests with a
set delay (2 ms where nothing else is said), which stands for a MongoDB whose majority answers after so long; it is no
measurement of MongoDB. FerretDB, which the tests use beside it, scans a collection for every guarded update: its rate says
nothing about MongoDB's either, so it is not measured. MariaDB flushes its log at every COMMIT, its doublewrite buffer is on."""


def failed_requests(record):
    return sum(count for section in record["sections"] for point in section["points"] for sample in point["samples"]
               for count in sample["errors"].values())


def problems(record):
    """Why the figures of this run are not to be trusted."""
    failed = failed_requests(record)
    return ([f"{failed} requests failed."] if failed else []) + [
        f"After section `{section['name']}`, `panier verify` of {system}: {said}"
        for section in record["sections"] for system, said in section["differences"].items()]


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _figure(value, percent=False):
    return f"{value * 100:.0f} %" if percent else f"{value:.2f}"


def shows_table(rows):
    def verdict(row):
        text = "met" if row["met"] else "**missed**"
        if row["errors"]:
            text += "; some requests failed"
        if row["above_limit"]:
            text += "; above its limit: the inputs do not match"
        return text

    return table(["", "figure", "wanted", "measured", "rounds", ""],
                 [[row["title"], row["figure"], f"{row['relation']} {_figure(row['wanted'], row['percent'])}",
                   _figure(row["measured"], row["percent"]),
                   f"{_figure(row['lowest'], row['percent'])} to {_figure(row['highest'], row['percent'])}",
                   verdict(row)] for row in rows])


def _rate(point):
    failed = sum(count for sample in point["samples"] for count in sample["errors"].values())
    return f"{plots.median(point, 'rate'):,.0f}" + (f" ({failed} failed)" if failed else "")


def _idle(point):
    return f"{plots.median(point, 'idle') * 100:.0f} %"


def _milliseconds(point):
    return " / ".join(f"{plots.median(point, name) / 1000:.3g}" for name, _ in plots.PERCENTILES)


def idle_table(section):
    """Whether a rate is what the processors allow, or its clients waited for something else."""
    points = [{**point, "measurement": point["key"].rpartition("/")[0]} for point in section["points"]]
    stolen = max(sample["stolen"] for point in section["points"] for sample in point["samples"])
    return ("How much of the processors' time nobody used meanwhile (of no slice did the machine below keep back more than "
            f"{stolen * 100:.0f} %):\n\n" + _grid(points, "measurement", "connections", _idle))


def _grid(points, down, across, cell):
    """A table of points by two of their fields; an empty cell where nothing was measured."""
    columns = sorted({point[across] for point in points})
    rows = list(dict.fromkeys(point[down] for point in points))
    cells = {(point[down], point[across]): cell(point) for point in points}
    return table([f"{down}, {across} →", *columns],
                 [[row, *(cells.get((row, column), "") for column in columns)] for row in rows])


def _of(section, **wanted):
    return [point for point in section["points"] if all(point.get(field) == value for field, value in wanted.items())]


def _matrix(section):
    for operation in ("add", "edit", "get", "mix"):
        points = _of(section, probe="Closed", operation=operation)
        if not points:
            continue
        yield f"#### {operation}" + (" (80 % reads, 10 % add, 10 % edit)" if operation == "mix" else "")
        yield "Requests/s:\n\n" + _grid(points, "system", "connections", _rate)
        yield "p50 / p99 / p99.9 in ms:\n\n" + _grid(points, "system", "connections", _milliseconds)
    yield "#### The parts of the limit, each alone: requests/s, and how much of the processors' time nobody used"
    named = {"LedgerLimit": "ledger", "MirrorLimit": "mirror"}
    parts = [{**point, "part": f"{named[point['probe']]} ({point['system']})"} for point in section["points"]
             if point["probe"] in named]
    yield _grid(parts, "part", "connections", lambda point: f"{_rate(point)} ({_idle(point)})")


def _by_system(section):
    yield "Adds/s:\n\n" + _grid(section["points"], "system", "connections", _rate)
    yield "p50 / p99 / p99.9 in ms:\n\n" + _grid(section["points"], "system", "connections", _milliseconds)


def _binlog(section):
    with_it = {(point["system"].removesuffix("-binlog"), point["connections"]): plots.median(point, "rate")
               for point in section["points"] if point["system"].endswith("-binlog")}
    without = [point for point in section["points"] if not point["system"].endswith("-binlog")]
    yield "The rate with `sync_binlog=1` against that without a binlog:\n\n" + _grid(
        without, "system", "connections",
        lambda point: _figure(with_it[point["system"], point["connections"]] / plots.median(point, "rate")))
    yield from _by_system(section)


def _disk(section):
    def rate(system, point):
        of = _of(section, system=f"{system}-sync-{point['added, µs']}-us", connections=point["connections"])
        return plots.median(of[0], "rate")

    peers = [{**point, "added, µs": int(point["system"].split("-")[-2])} for point in section["points"]
             if point["system"].startswith("sqlite")]
    yield ("Every `fdatasync` takes so much longer than this machine's own (`bench/disk`). Rates of embedded strict, of the "
           "peer *sqlite*, and their ratio:\n\n" + _grid(
               peers, "connections", "added, µs", lambda point: (
                   f"{rate('embedded-strict', point):,.0f} / {rate('sqlite', point):,.0f} = "
                   f"{rate('embedded-strict', point) / rate('sqlite', point):.1f}")))


def _open(section):
    for operation in ("add", "get"):
        points = _of(section, operation=operation)
        yield f"#### {operation}: p50 / p99 / p99.9 in ms, from when a request was due"
        yield _grid(points, "system", "rate", lambda point: _milliseconds(point) + (
            "" if plots.median(point, "rate") > 0.97 * point["rate"] else f" (only {_rate(point)}/s)"))


def _growth(section):
    sizes = [{**point, "operation, carts": f"{point['operation']}, {point['carts']:,}"} for point in _of(section, lines=5)
             if point["carts"] not in (1, 5_000) and not point["system"].endswith("-lanes")]
    yield "Rates/s by number of carts, 5 lines, 256 connections:\n\n" + _grid(sizes, "operation", "carts", _rate)
    lines = [point for point in section["points"] if point["carts"] == 5_000]
    yield "Rates/s by lines of a cart, 5,000 carts, 256 connections:\n\n" + _grid(lines, "operation", "lines", _rate)
    lanes = [{**point, "lanes": int(point["system"].split("-")[1])} for point in section["points"]
             if point["system"].endswith("-lanes")]
    yield "Strict adds/s by lanes:\n\n" + _grid(lanes, "connections", "lanes", _rate)
    yield "One hot cart taking every add, 256 connections:\n\n" + _grid(
        _of(section, carts=1), "system", "connections", _rate)
    yield "The service's memory afterwards, and its start-up:\n\n" + table(
        ["system", "MiB", "s until it listens"],
        [[system, f"{mib:.0f}", f"{section['start_up_s'][system]:.2f}" if system in section["start_up_s"] else ""]
         for system, mib in sorted(section["memory_mib"].items())])


RENDERERS = {"matrix": _matrix, "mirrors": _by_system, "binlog": _binlog, "disk": _disk, "open": _open, "growth": _growth,
             "mongodb": _by_system}
PICTURE_OF = {"matrix": ("throughput.svg",), "open": ("latency.svg",), "growth": ("cart-size.svg", "lanes.svg")}


def text(record):
    machine = record["machine"]
    yield (f"Measured on {record['date'][:10]} at commit `{record['commit']}` (`{record['profile']}`, "
           f"{record['minutes']:.0f} minutes): {machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, "
           f"{machine['file_system']}, Linux {machine['kernel']}, {machine['system']}; MariaDB {machine['mariadb']}, "
           f"{machine['wrk']}. Load generator, service and stores share the cores.")
    yield PREAMBLE
    if record["rows"]:
        yield shows_table(record["rows"])
        yield from (idle_table(section) for section in record["sections"] if section["name"] == "shows")
    found = problems(record)
    yield "\n\n".join(f"**{problem}**" for problem in found) if found else \
        "No request of this run failed, and `panier verify` found the stores equal where it was asked."
    for section in record["sections"]:
        if section["name"] not in RENDERERS:
            continue
        yield f"### {section['title']}"
        yield f"Medians of {section['rounds']} rounds of {section['seconds']} s."
        for picture in PICTURE_OF.get(section["name"], ()):
            yield f"![{ALT_TEXTS[picture]}]({PICTURES}/{picture})"
        yield from RENDERERS[section["name"]](section)


def write(record, build_dir):
    build_dir = Path(build_dir)
    plots.draw(record, build_dir / PICTURES)
    (build_dir / "report.md").write_text("\n\n".join(text(record)) + "\n")


def publish(build_dir):
    page = PAGE.read_text()
    if BEGIN not in page or END not in page:
        raise SystemExit(f"report: {PAGE} has lost its markers {BEGIN} and {END}")
    head, tail = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{(build_dir / 'report.md').read_text()}{END}{tail}")
    shutil.rmtree(PAGE.parent / PICTURES, ignore_errors=True)
    shutil.copytree(build_dir / PICTURES, PAGE.parent / PICTURES)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=SOURCE / "build" / "bench", help="where results.json is")
    parser.add_argument("--publish", action="store_true", help="put the page and the plots into docs/")
    arguments = parser.parse_args()
    write(json.loads((arguments.build / "results.json").read_text()), arguments.build)
    if arguments.publish:
        publish(arguments.build)


if __name__ == "__main__":
    main()
