"""The SVG plots of a record (results.json): each function makes one file, where its section was measured."""
import statistics

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "panier"  # the same figures make the same file
from matplotlib import pyplot  # noqa: E402 (the backend is chosen first)

import shows  # noqa: E402

WIDE_IN, HIGH_IN = 7.5, 4.2
STYLES = {"strict": "C0o-", "available": "C2s-", "embedded-strict": "C4D-", "one-store": "C1^--", "two-stores": "C3v--",
          "sqlite": "C5<--", "point-reads": "C1^--", "null route": "k.:", "the limit": "k.:"}
PERCENTILES = (("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p99.9"))


def _section(record, name):
    return next((section for section in record["sections"] if section["name"] == name), None)


def median(point, of):
    """of: a figure's name, or what makes one of a sample."""
    return statistics.median(of(sample) if callable(of) else sample[of] for sample in point["samples"])


def series(section, x, y="rate", **wanted):
    """[(x, y)] of the points with these fields, by x."""
    found = [point for point in section["points"] if all(point.get(field) == value for field, value in wanted.items())]
    return sorted((point[x], median(point, y)) for point in found)


def limit_series(section):
    """[(connections, the limit's rate)] from the medians; what a row is judged by is computed within each round."""
    ledger, mirror, http = (dict(series(section, "connections", shows.saturated, **part)) for part in (
        {"probe": "LedgerLimit", "system": "alone"}, {"probe": "MirrorLimit", "system": "alone"},
        {"probe": "Closed", "system": "null route", "operation": "add"}))
    lone = dict(series(section, "connections", "p50_us", probe="Closed", system="strict", operation="add"))
    return [(c, shows.the_limit((ledger[c], mirror[c], http[c]), c, lone[1])) for c in sorted(ledger)]


def _line(axes, points, label, **options):
    if points:
        axes.plot(*zip(*points), STYLES.get(label, "o-"), label=label, markersize=4, **options)


def _finish(figure, directory, name, all_axes, x_label, y_label, x_base=None):
    for axes in all_axes:
        axes.set_xlabel(x_label)
        axes.grid(alpha=0.3)
        if x_base:
            axes.set_xscale("log", base=x_base)
            ticks = sorted({x for line in axes.lines for x in line.get_xdata()})
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
    all_axes[0].set_ylabel(y_label)
    all_axes[-1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(directory / name, metadata={"Date": None})
    pyplot.close(figure)
    return name


def throughput(record, directory):
    section = _section(record, "matrix")
    if section is None:
        return None
    figure, (writes, reads) = pyplot.subplots(1, 2, figsize=(WIDE_IN * 1.4, HIGH_IN))
    for system in ("strict", "available", "embedded-strict", "one-store", "two-stores", "sqlite"):
        _line(writes, series(section, "connections", probe="Closed", system=system, operation="add"), system)
    _line(writes, limit_series(section), "the limit")
    for system in ("strict", "embedded-strict", "point-reads"):
        _line(reads, series(section, "connections", probe="Closed", system=system, operation="get"), system)
    _line(reads, series(section, "connections", probe="Closed", system="null route", operation="get"), "null route")
    writes.set_title("adds (the limit: of strict)")
    reads.set_title("reads")
    writes.legend(fontsize=8)
    return _finish(figure, directory, "throughput.svg", (writes, reads), "connections", "requests/s on this machine", 4)


def latency(record, directory):
    section = _section(record, "open")
    if section is None:
        return None
    figure, all_axes = pyplot.subplots(1, len(PERCENTILES), figsize=(WIDE_IN * 1.4, HIGH_IN), sharey=True)
    for axes, (field, title) in zip(all_axes, PERCENTILES):
        for system in ("strict", "available", "embedded-strict", "one-store", "two-stores", "null route"):
            points = series(section, "rate", field, system=system, operation="add")
            _line(axes, [(rate, us / 1000) for rate, us in points], system)
        axes.set_yscale("log")
        axes.set_title(f"adds, {title}")
    return _finish(figure, directory, "latency.svg", all_axes, "requests/s sent", "ms on this machine")


def cart_size(record, directory):
    section = _section(record, "growth")
    if section is None:
        return None
    figure, (absolute, relative) = pyplot.subplots(1, 2, figsize=(WIDE_IN * 1.4, HIGH_IN))
    for operation in ("add", "edit", "get"):
        points = series(section, "lines", probe="Closed", system="strict", operation=operation, carts=5_000)
        cost = [(lines, 1e6 / rate) for lines, rate in points]
        _line(absolute, cost, operation)
        _line(relative, [(lines, us / dict(cost)[5]) for lines, us in cost], operation)
    absolute.set_title("µs an operation on this machine, 256 connections")
    relative.set_title("against a cart of 5 lines")
    return _finish(figure, directory, "cart-size.svg", (absolute, relative), "lines of a cart", "cost", 5)


def lanes(record, directory):
    section = _section(record, "growth")
    if section is None:
        return None
    figure, axes = pyplot.subplots(figsize=(WIDE_IN, HIGH_IN))
    by_lanes = {int(point["system"].split("-")[1]) for point in section["points"] if point["system"].endswith("-lanes")}
    for connections in (64, 256, 1024):
        points = [(count, rate) for count in sorted(by_lanes)
                  for _, rate in series(section, "connections", system=f"strict-{count}-lanes", connections=connections)]
        _line(axes, points, f"{connections} connections")
    return _finish(figure, directory, "lanes.svg", (axes,), "lanes", "strict adds/s on this machine", 2)


def draw(record, directory):
    """The names of the files made."""
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.svg"):
        old.unlink()
    return [name for name in (plot(record, directory) for plot in (throughput, latency, cart_size, lanes)) if name]
