"""Prints how late the edges of a station were.

usage: tell.py NAME STATE.json METRICS
"""

import json
import re
import sys

name, state, metrics = sys.argv[1:]
with open(state) as file:
    late = json.load(file)["latencies_ms"]["edge_late"]
with open(metrics) as file:
    figures = dict(re.findall(r"^(crosscheck_[a-z_]+) ([0-9.e+-]+)$", file.read(), re.MULTILINE))
edges = int(float(figures["crosscheck_edge_late_seconds_count"]))
mean_ms = 1e3 * float(figures["crosscheck_edge_late_seconds_sum"]) / max(1, edges)
missed = figures["crosscheck_late_verdicts_total"]
quantiles = ", ".join(f"{which} {late[which]:.3f}" for which in ("p50", "p95", "p99", "max")) if late else "none"
print(f"{name:<12} {edges} edges, late by {mean_ms:.3f} ms in the mean ({quantiles} ms), {missed} late verdicts")
