"""Checks that the rules and the dashboard in deploy/ name only what a station exposes, and that the documents know them.

usage: names.py [--write]   --write makes the table of alerts in docs/station/fleet.md anew. Exit code 1: something is wrong.

- Every metric, label and label's value in the rules, their tests and the dashboard is in docs/reference/metrics.md.
- Every fault that holds a line is held by an alert, and no other one.
- Every alert says what to do, names a page that is there, has a test in which it fires, and is in the table.
"""

import json
import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ("recording.yml", "alerts.yml")
TESTS = ("tests.yml", "usual_tests.yml")
FLEET = "docs/station/fleet.md"
BEGIN, END = "<!-- begin of the table -->\n", "<!-- end of the table -->\n"
SEVERITIES = ("critical", "warning", "info")
# Labels that Prometheus or its configuration adds, and metrics of Prometheus itself with labels of their own.
ADDED = {"line", "station", "job", "instance"}
OWN = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity", "fault", "kind"}}
# Its own alert, because belts stand for good reasons.
HELD_ELSEWHERE = {"belt_stopped"}

SELECTOR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_:]*)(?:\{([^}]*)\})?')
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|on|group_left|group_right|without|ignoring)\s*\(([^)]*)\)")
HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def read(path):
    return (ROOT / path).read_text()


def rows(text):
    """The cells of the tables' rows whose first cell is a name in backticks."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip().strip("|").split(" | ")]


class Exposed:
    """What docs/reference/metrics.md lists: for each metric its labels with their values; none where any value may be."""

    def __init__(self, text):
        self.metrics = {}
        for name, kind, labels, _ in rows(text):
            found = {}
            for label in filter(None, (part.strip() for part in labels.split(";"))):
                words = re.findall(r"`([^`]+)`", label)
                found[words[0]] = set(words[1:]) or None
            name = name.strip("`")
            if kind == "histogram":
                self.metrics |= {f"{name}_bucket": {**found, "le": None}, f"{name}_sum": found, f"{name}_count": found}
            else:
                self.metrics[name] = found
        self.labels = {}
        for found in self.metrics.values():
            for label, values in found.items():
                self.labels[label] = (self.labels.get(label) or set()) | values if values else None


def recorded(rules):
    """The recorded series of the rules, with the labels that the first part of a name promises."""
    names = [rule["record"] for group in rules["groups"] for rule in group["rules"] if "record" in rule]
    return {name: set(name.split(":")[0].split("_")) - {"station"} for name in names}


def expression_faults(expression, exposed, series):
    """What an expression names that is not there."""
    faults = []
    for name, matchers in SELECTOR.findall(re.sub(r'"[^"]*"(?![^{}]*\})', '""', expression)):
        known = exposed.metrics.get(name)
        if name in series:
            known = {label: exposed.labels.get(label) for label in series[name]}
        elif name in OWN:
            known = {label: exposed.labels.get(label) for label in OWN[name]}
        elif known is None:
            if "crosscheck_" in name:
                faults.append(f"there is no metric {name}")
            continue
        for label, operator, value in MATCHER.findall(matchers):
            if label in ADDED:
                continue
            if label not in known:
                faults.append(f"{name} has no label {label}")
                continue
            values = value.split("|") if "~" in operator else [value]
            faults += [f"{name} never has {label}={one}" for one in values if known[label] and one not in known[label]]
    for labels in GROUPING.findall(expression):
        for label in filter(None, (label.strip() for label in labels.split(","))):
            if label not in ADDED | set(exposed.labels) | OWN["ALERTS"]:
                faults.append(f"no metric has the label {label}")
    return faults


def expressions(rules, tests, dashboard):
    """Every expression, with where it stands."""
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule.get("record") or rule["alert"], rule["expr"]
    for test in tests["tests"]:
        for series in test["input_series"]:
            yield f"test: {test['name']}", series["series"]
        for case in test["promql_expr_test"]:
            yield f"test: {test['name']}", case["expr"]
    for title, expression in queries(dashboard):
        yield f"dashboard: {title}", expression


def queries(dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["label"], re.sub(r"^label_values\((.*), (\w+)\)$", r"sum by (\2) (\1)", variable["query"]["query"])


def anchors(text):
    """The anchors of a page's headings."""
    headings = (line.lstrip("#").strip() for line in text.splitlines() if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def page_fault(page):
    path, _, heading = page.partition("#")
    if not (ROOT / "docs" / path).is_file():
        return f"there is no page docs/{path}"
    if heading and heading not in anchors(read(f"docs/{path}")):
        return f"docs/{path} has no heading {heading}"
    return None


def alert_faults(rule, fired, exposed):
    faults = []
    annotations = rule.get("annotations", {})
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        faults.append(f"severity is none of {', '.join(SEVERITIES)}")
    for key in ("summary", "when", "description", "page"):
        if not annotations.get(key):
            faults.append(f"has no {key}")
    if "{{" in annotations.get("when", "") + annotations.get("description", ""):
        faults.append("has a value outside of the summary, which the table in the documents cannot show")
    if "page" in annotations and (fault := page_fault(annotations["page"])):
        faults.append(fault)
    for name in re.findall(r"`(crosscheck_\w+)`", annotations.get("description", "")):
        if name not in exposed.metrics:
            faults.append(f"there is no metric {name}")
    if rule["alert"] not in fired:
        faults.append("has no test in which it fires for the station \"bad\"")
    return faults


def held_faults(rule, exposed):
    """Whether the alert about a held line is about the faults that hold one, as the table of docs/station/faults.md says."""
    section = read("docs/station/faults.md").split("\n## The faults\n")[1].split("\n## ")[0]
    holds = {cells[0].strip("`"): cells[3] == "yes" for cells in rows(section)}
    known = exposed.labels["fault"]
    if set(holds) != known:
        return [f"docs/station/faults.md and metrics.md differ in {sorted(set(holds) ^ known)}"]
    excluded = set(re.search(r'fault!~"([^"]*)"', rule["expr"]).group(1).split("|"))
    expected = {fault for fault, held in holds.items() if not held} | HELD_ELSEWHERE
    return [] if excluded == expected else [f"leaves out {sorted(excluded)}, expected {sorted(expected)}"]


def fired(tests):
    """The alerts that a test expects of the station "bad". None may be expected of "good"."""
    found, faults = set(), []
    for test in tests["tests"]:
        if not any('station="good"' in series["series"] for series in test["input_series"]):
            faults.append(f"test: {test['name']}: has no station \"good\"")
        for case in test["promql_expr_test"]:
            for sample in case["exp_samples"]:
                labels = dict((name, value) for name, _, value in MATCHER.findall(sample["labels"]))
                alerts = labels.get("alertname") or dict((n, v) for n, _, v in MATCHER.findall(case["expr"])).get("alertname")
                if alerts and labels.get("station") == "bad":
                    found.add(alerts)
                elif alerts:
                    faults.append(f"test: {test['name']}: expects {alerts} of another station than \"bad\"")
    return found, faults


def table(rules):
    """The table of alerts in docs/station/fleet.md."""
    lines = ["| alert | fires when | what to do | read on |", "|---|---|---|---|"]
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule):
        page = rule["annotations"]["page"]
        link = page.removeprefix("station/") if page.startswith("station/") else f"../{page}"
        name = pathlib.PurePath(page.partition("#")[0]).stem
        annotations, severity = rule["annotations"], rule["labels"]["severity"]
        about = [f"`{rule['alert']}`, {severity}", annotations["when"], annotations["description"], f"[{name}]({link})"]
        lines.append(f"| {' | '.join(about)} |")
    return "\n".join(lines) + "\n"


def merged(paths, key):
    """The lists that several files have at `key`, as one."""
    return {key: [entry for path in paths for entry in yaml.safe_load(read(f"deploy/prometheus/{path}"))[key]]}


def plants(exposed, series):
    """Wrong names must be found, or a check that finds nothing proves nothing."""
    for expression, expected in (
        ("rate(crosscheck_verdict_total[5m])", "there is no metric crosscheck_verdict_total"),
        ('crosscheck_fault_active{fault="camera"} == 1', "crosscheck_fault_active never has fault=camera"),
        ('crosscheck_fault_active{fault!~"camera_lost|disk"}', "crosscheck_fault_active never has fault=disk"),
        ('crosscheck_verdicts_total{result="pass"}', "crosscheck_verdicts_total has no label result"),
        ("station:crosscheck_parts:rate1m", "there is no metric station:crosscheck_parts:rate1m"),
        ("sum by (line, camera) (up)", "no metric has the label camera"),
        ("crosscheck_edge_late_seconds", "there is no metric crosscheck_edge_late_seconds"),
        ('sum(crosscheck_verdicts_total{verdict="pass",line=~"$line"}) > 0', None),
    ):
        found = expression_faults(expression, exposed, series)
        assert found == ([expected] if expected else []), f"{expression}: {found}, expected {expected}"


def main(writes):
    exposed = Exposed(read("docs/reference/metrics.md"))
    rules, tests = merged(RULES, "groups"), merged(TESTS, "tests")
    dashboard = json.loads(read("deploy/grafana/stations.json"))
    series = recorded(rules)
    plants(exposed, series)
    faults = [f"{where}: {fault}" for where, text in expressions(rules, tests, dashboard) for fault in expression_faults(text, exposed, series)]
    tested, more = fired(tests)
    faults += more
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    for rule in alerts:
        faults += [f"{rule['alert']}: {fault}" for fault in alert_faults(rule, tested, exposed)]
        if rule["alert"] == "CrosscheckLineHeld":
            faults += [f"{rule['alert']}: {fault}" for fault in held_faults(rule, exposed)]
    text = read(FLEET)
    before, rest = text.split(BEGIN)
    shown, after = rest.split(END)
    if writes:
        (ROOT / FLEET).write_text(before + BEGIN + table(rules) + END + after)
    elif shown != table(rules):
        faults.append(f"{FLEET}: the table of alerts is not that of alerts.yml: write it with `python3 ci/fleet/names.py --write`")
    count = sum(1 for _ in queries(dashboard))
    faults = list(dict.fromkeys(faults))
    print(*faults, f"{len(alerts)} alerts, {len(series)} recorded series, {count} queries of the dashboard: {len(faults)} mistakes", sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
