"""Whether an engine rejects fewer good parts than the one before it, and misses no more defects but for chance: some few of
the parts that it was learnt from depend on when they came.

usage: compare.py BEFORE AFTER
  Both are folders of `crosscheck evaluate --report`, of the same parts.
"""

import json
import pathlib
import sys

# Defects that may be missed besides.
CHANCE = 2


def wrong(report):
    """Good parts that do not pass, and defective ones that do."""
    frames = json.loads((pathlib.Path(report) / "report.json").read_text())["frames"]
    verdicts = [(frame["defect"] is None, frame["verdict"] == "pass") for frame in frames]
    return [verdicts.count((True, False)), verdicts.count((False, True)), len(verdicts)]


before, after = map(wrong, sys.argv[1:])
print(f"fresh parts: {before[0]} good ones rejected before, {after[0]} after; {before[1]} defects missed before, {after[1]} after; {after[2]} parts")
sys.exit(not (after[0] < before[0] and after[1] <= before[1] + CHANCE))
