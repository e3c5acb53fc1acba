"""Instruction counts of panier-scenario against the committed ones: a guard without a clock.

  check.py [--renew] BUILD   builds the scenario in BUILD (preset bench), runs it under callgrind and compares each
                             section with figures.json. Exit 0: all within the tolerance; 1: one is not, or names no
                             figure; 77: another compiler than the figures are of.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIGURES = HERE / "figures.json"
TOLERANCE = 0.02  # of a section, in either direction: a figure that is too high guards nothing
SKIPPED = 77

# libc chooses its memcpy by the processor, and so would the counts.
SAME_LIBC_EVERYWHERE = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-BMI1,-BMI2,-LZCNT,-MOVBE"


def run(what, *command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"check.py: {what} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def build(directory):
    directory = Path(directory).resolve()
    run("cmake", "cmake", "--preset", "bench", "-B", directory)
    run("the build", "cmake", "--build", directory, "--target", "panier-scenario")
    return directory / "panier-scenario"


def compiler(directory):
    cache = (Path(directory) / "CMakeCache.txt").read_text()
    program = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache, re.MULTILINE).group(1)
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def count(program):
    """Instructions within each section, what it calls included."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "callgrind.out"
        counted = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=section_*", f"--callgrind-out-file={out}", program],
            env={"PATH": os.environ["PATH"], "GLIBC_TUNABLES": SAME_LIBC_EVERYWHERE, "TMPDIR": directory},
            capture_output=True, text=True, check=False)
        if counted.returncode != 0:
            sys.exit(f"check.py: the scenario failed under valgrind:\n{counted.stderr}")
        listed = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out],
                                capture_output=True, text=True, check=True).stdout
    counts = {}
    for number, name in re.findall(r"^\s*([\d,]+) \([^)]*\)\s+\S*:section_(\w+)", listed, re.MULTILINE):
        # Parts that were inlined have lines of their own, by their files; the whole is the largest.
        counts[name] = max(counts.get(name, 0), int(number.replace(",", "")))
    return counts


def judge(counts, figures):
    good = True
    for name in sorted(counts.keys() | figures.keys()):
        counted, wanted = counts.get(name), figures.get(name)
        if counted is None or wanted is None:
            print(f"{name:10} counted {counted}, committed {wanted}")
            good = False
            continue
        change = counted / wanted - 1
        within = abs(change) <= TOLERANCE
        good = good and within
        print(f"{name:10} {counted:>12,} instructions, committed {wanted:>12,}: {change:+.2%}{'' if within else '  <--'}")
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", help="directory of the scenario's own build")
    parser.add_argument("--renew", action="store_true", help="write the figures instead of comparing with them")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        sys.exit("check.py: valgrind is missing: scripts/setup test installs it")
    program = build(options.build)
    by = compiler(options.build)
    if options.renew:
        FIGURES.write_text(json.dumps({"compiler": by, "instructions": count(program)}, indent=2, sort_keys=True) + "\n")
        print(FIGURES.read_text(), end="")
        return 0
    committed = json.loads(FIGURES.read_text())
    if committed["compiler"] != by:
        print(f"the figures are of {committed['compiler']}, this is {by}")
        return SKIPPED
    if judge(count(program), committed["instructions"]):
        return 0
    print(f"More than {TOLERANCE:.0%} away. Dearer: find out why. Cheaper, or worth it: make figures, and commit them.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
