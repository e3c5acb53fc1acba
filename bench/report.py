#!/usr/bin/python3
"""results.json as a page: the wanted figures, plots, tables. `report.py --publish` puts it into docs/.

    report.py [--build DIR]             writes DIR/report.md and DIR/performance/*.svg again
    report.py [--build DIR] --publish   also replaces the measured part of docs/performance.md, and docs/performance/
"""
import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- measured: begin (bench/report.py --publish) -->", "<!-- measured: end -->"


def median(point, name):
    return statistics.median(sample[name] for sample in point["samples"])


def failed_requests(record):
    return sum(count for section in record["sections"] for point in section["points"] for sample in point["samples"]
               for count in sample["errors"].values())


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _figure(value, percent):
    return f"{value * 100:.0f} %" if percent else f"{value:.2f}"


def shows_table(rows):
    def verdict(row):
        text = "met" if row["met"] else "**missed**"
        if row["errors"]:
            text += ", with failed requests"
        if row["above_limit"]:
            text += ", above its limit: the inputs do not match"
        return text

    return table(["what", "figure", "wanted", "measured", "rounds from .. to", ""],
                 [[row["title"], row["figure"], f"{row['relation']} {_figure(row['wanted'], row['percent'])}",
                   _figure(row["measured"], row["percent"]),
                   f"{_figure(row['lowest'], row['percent'])} .. {_figure(row['highest'], row['percent'])}",
                   verdict(row)] for row in rows])


def write(record, build_dir):
    (Path(build_dir) / "report.md").write_text(shows_table(record["rows"]) + "\n")
