"""What of three stations reaches Prometheus and the broker: run by deploy/example/run.sh, which sets the variables.

Counters with their labels, the dashboard's queries, verdicts at the broker, an alert for a camera that is lost and one for
a station that is killed, and the end of the first. Exit code 1: something did not come in time.
"""

import json
import os
import pathlib
import re
import signal
import sys
import time
import urllib.parse
import urllib.request

sys.path.append(str(pathlib.Path(__file__).parent))
from names import queries  # noqa: E402

FOLDER = pathlib.Path(os.environ["FLEET"])
PROMETHEUS = os.environ["PROMETHEUS"]
DASHBOARD = pathlib.Path(__file__).resolve().parents[2] / "deploy/grafana/stations.json"
STATIONS = {("line-1", "back"), ("line-1", "front"), ("line-2", "front")}
WAIT_S = 75
# It is about the day before the last 15 minutes.
EMPTY_AT_FIRST = {"station:crosscheck_reject_share:ratio1d"}


def get(path, **parameters):
    with urllib.request.urlopen(f"{PROMETHEUS}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
        return json.load(answer)["data"]


def query(expression):
    return get("query", query=expression)["result"]


def stations(expression):
    """The line and station of each series that an expression gives."""
    return {(series["metric"].get("line"), series["metric"].get("station")) for series in query(expression)}


def firing(alert):
    found = [entry for entry in get("alerts")["alerts"] if entry["labels"]["alertname"] == alert and entry["state"] == "firing"]
    for entry in found:
        wrong = [text for text in entry["annotations"].values() if "error" in text.lower() and "template" in text.lower()]
        assert not wrong, f"{alert}: {wrong}"
    return {(entry["labels"]["line"], entry["labels"]["station"]): entry["annotations"]["summary"] for entry in found}


def wait(about, attempt, expected=True):
    """Waits until `attempt` gives what is expected."""
    began = time.monotonic()
    while True:
        try:
            found = attempt()
        except OSError as error:
            found = error
        if found == expected:
            print(f"{about}: after {time.monotonic() - began:.0f} s", flush=True)
            return
        if time.monotonic() - began > WAIT_S:
            sys.exit(f"{about}: not within {WAIT_S} s: found {found}, expected {expected}")
        time.sleep(0.5)


def own_counters():
    """Whether Prometheus has no more of each station than the station itself says, which it does in the moments after."""
    for entry in get("targets")["activeTargets"]:
        labels = entry["labels"]
        with urllib.request.urlopen(entry["scrapeUrl"], timeout=10) as answer:
            text = answer.read().decode()
        own = float(re.search(r"^crosscheck_parts_total (\S+)", text, re.MULTILINE).group(1))
        selector = f'crosscheck_parts_total{{line="{labels["line"]}",station="{labels["station"]}"}}'
        scraped = float(query(selector)[0]["value"][1])
        # A scrape every 5 s, and at most two parts a second.
        assert own - 20 <= scraped <= own, f"{selector} is {scraped}, the station itself says {own}"


def without_data():
    """The dashboard's queries that have no data, but for those that need what did not happen here. Each is answered."""
    empty = []
    for title, expression in queries(json.loads(DASHBOARD.read_text())):
        text = expression.replace("$__rate_interval", "1m").replace("$line", ".*").replace("$station", ".*")
        if not query(text) and not any(name in text for name in EMPTY_AT_FIRST):
            empty.append(f"{title}: {text}")
    return empty


def verdicts():
    """The stations whose verdicts came to the broker."""
    found = set()
    for line in (FOLDER / "verdicts.log").read_text().splitlines():
        topic, _, message = line.partition(" ")
        if topic.endswith("/verdict") and json.loads(message)["verdict"] in ("pass", "review", "reject"):
            found.add(tuple(topic.split("/")[1:3]))
    return found


def main():
    wait("verdicts of three stations are in Prometheus", lambda: stations("sum by (line, station) (crosscheck_verdicts_total) > 2"), STATIONS)
    own_counters()
    if os.environ["BROKER"]:
        wait("verdicts of three stations are at the broker", verdicts, STATIONS)
    else:
        print("verdicts at the broker were not looked for: the program was built without the feature mqtt")
    healthy = [alert for alert in ("CrosscheckCameraLost", "CrosscheckStationDown") if firing(alert)]
    assert not healthy, f"{healthy} fires although nothing has happened"

    lost, killed = ("line-2", "front"), ("line-1", "back")
    (FOLDER / "plugged").rename(FOLDER / "unplugged")
    os.kill(int((FOLDER / "line-1-back.pid").read_text()), signal.SIGKILL)
    wait("a camera is unplugged, and its alert fires for this station alone", lambda: set(firing("CrosscheckCameraLost")), {lost})
    print(*firing("CrosscheckCameraLost").values(), sep="\n")
    wait("every query of the dashboard has data, but for what is usual in a day", without_data, [])
    (FOLDER / "unplugged").rename(FOLDER / "plugged")
    wait("the camera is back, and its alert ends", lambda: set(firing("CrosscheckCameraLost")), set())
    wait("a station is killed, and its alert fires for this station alone", lambda: set(firing("CrosscheckStationDown")), {killed})
    print(*firing("CrosscheckStationDown").values(), sep="\n")
    wait("the others go on", lambda: stations("up == 1"), STATIONS - {killed})


if __name__ == "__main__":
    main()
