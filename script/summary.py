#!/usr/bin/python3
"""Adds up the results of all test runners: script/summary.py DIRECTORY [FAILED_STEP...]. Exits 1 when anything failed.

Reads every JUnit file below DIRECTORY. A failed step whose runner reported no failed test counts as one failure of its own.
"""

import pathlib
import sys
import xml.etree.ElementTree


def count(file: pathlib.Path):
    """(run, failed, skipped) of one JUnit file; an unreadable one is a failure."""
    try:
        suites = list(xml.etree.ElementTree.parse(file).getroot().iter("testsuite"))
    except xml.etree.ElementTree.ParseError:
        return 1, 1, 0

    def total(name):
        return sum(int(suite.get(name) or 0) for suite in suites)

    return total("tests"), total("failures") + total("errors"), total("skipped") + total("disabled")


def main(directory: str, failed_steps) -> int:
    run = failed = skipped = 0
    told = set()
    for file in sorted(pathlib.Path(directory).rglob("*.xml")):
        ran, broke, left_out = count(file)
        run, failed, skipped = run + ran, failed + broke, skipped + left_out
        if broke:
            told.add(file.relative_to(directory).parts[0].removesuffix(".xml"))
    silent = [step for step in failed_steps if step not in told]
    failed, run = failed + len(silent), run + len(silent)
    if failed_steps:
        print("failed steps: " + ", ".join(failed_steps))
    print(f"{run - failed - skipped} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
