#!/usr/bin/env python3
"""Removes one rule at a time from a copy of the sources and shows which test notices.

    tests/mutants/run.py [--seeds n] [--only TEXT] [--adapters]
    tests/mutants/run.py --check

A survivor is a missing test or a superfluous rule; the exit code is 1 then. --adapters also takes the
rules that the store adapters keep, whose suites start servers. --check only says whether every mutant
still applies to the sources as they are.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from mutants import MUTANTS, OF_ADAPTERS

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "mutants"
TREE = WORK / "tree"
UNITS = ["unit_commit", "unit_commit_lane", "unit_upkeep"]
HANG_S = 120  # a mutant may wait for ever


def copy_tree():
    shutil.rmtree(TREE, ignore_errors=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, files.decode().split("\0")):
        if (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)
    # A run that was interrupted may have left objects of a mutant.
    for mutant in [*MUTANTS, *OF_ADAPTERS]:
        (TREE / mutant[1]).touch()


def build(targets):
    done = subprocess.run(["ninja", "-C", str(WORK / "build"), *targets], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout[-3000:]


def program(name):
    return next(path for path in (WORK / "build" / "tests").rglob(name) if os.access(path, os.X_OK) and path.is_file())


def run(command):
    """Exit code and output; a program that hangs has noticed too."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S, check=False)
        return done.returncode, done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return 1, "hangs"


def unit_notices(names):
    for name in names:
        code, output = run([str(program(name)), "--gtest_fail_fast"])
        if code:
            failed = re.search(r"^\[  FAILED  \] (\S+)", output, re.MULTILINE)
            return failed.group(1) if failed else f"{name} ({'hangs' if output == 'hangs' else 'crashes'})"
    return ""


def simulator_notices(seeds):
    code, output = run([str(program("panier-sim")), "--seeds", str(seeds), "--whole"])
    if not code:
        return ""
    violation = re.search(r"^VIOLATION (.*)$", output, re.MULTILINE)
    seed = re.search(r"^seed (\d+)", output, re.MULTILINE)
    what = re.sub(r"\d{4,}", "n", violation.group(1))[:70] if violation else output[-60:].strip()
    return f"seed {seed.group(1) if seed else '?'}: {what}"


def mutated(original, texts, replacements):
    """None: it does not apply."""
    if isinstance(texts, str):
        texts, replacements = [texts], [replacements]
    result = original
    for text, replacement in zip(texts, replacements, strict=True):
        if original.count(text) != 1 or text == replacement:
            return None
        result = result.replace(text, replacement)
    return result


def check():
    stale = [name for name, file, texts, replacements, *_ in [*MUTANTS, *OF_ADAPTERS]
             if mutated((ROOT / file).read_text(), texts, replacements) is None]
    for name in stale:
        print(f"the rule's text is gone, or stands more than once: {name}")
    return 1 if stale else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20000, help="for the simulator, per mutant")
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--adapters", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if check():
        return 1
    if options.check:
        return 0

    copy_tree()
    subprocess.run(["cmake", "-S", str(TREE), "-B", str(WORK / "build"), "-G", "Ninja",
                    "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1"], check=True, stdout=subprocess.DEVNULL)
    adapter_suites = sorted({mutant[4] for mutant in OF_ADAPTERS}) if options.adapters else []
    wrong = build([*UNITS, "panier-sim", *adapter_suites])
    if wrong:
        sys.exit(wrong)
    if noticed := unit_notices([*UNITS, *adapter_suites]) or simulator_notices(options.seeds):
        sys.exit(f"without any mutant: {noticed}")

    survivors = []
    chosen = [(*mutant, None) for mutant in MUTANTS] + (OF_ADAPTERS if options.adapters else [])
    for name, file, text, replacement, suite in chosen:
        if options.only not in name:
            continue
        started = time.monotonic()
        path = TREE / file
        original = path.read_text()
        path.write_text(mutated(original, text, replacement))
        try:
            wrong = build([suite] if suite else [*UNITS, "panier-sim"])
            if wrong:
                sys.exit(f"mutant '{name}' does not compile:\n{wrong}")
            by_unit = unit_notices([suite] if suite else UNITS)
            by_simulator = "" if suite else simulator_notices(options.seeds)
        finally:
            path.write_text(original)
        killed = by_unit or by_simulator
        print(f"{'killed  ' if killed else 'SURVIVED'} {name}\n           test: {by_unit or '-'}\n"
              f"           sim:  {by_simulator or '-'}   ({time.monotonic() - started:.0f} s)", flush=True)
        if not killed:
            survivors.append(name)
    print(f"{len(survivors)} survived" + "".join(f"\n  {name}" for name in survivors))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
