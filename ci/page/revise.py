"""A recipe that rejects good parts is made better in a real browser, by what people say of its parts.

usage: revise.py URL RECORDING TRUTH.json [SCREENSHOT]
  RECORDING: the recording of the station
  TRUTH.json: of the frames that its camera shows over and over, which show good parts
"""

import json
import pathlib
import sys

from browser import browser, element, wait
from review import log_in, say_open
from selenium.webdriver.support.ui import Select

WANTED = 3
AT_MOST = 8
RECIPE = 7
# The process beside the station has to wait for every other program of the machine.
LEARNING_SECONDS = 1200


def false_rejects(recording, truth):
    """The names of rejected parts that are good, each once."""
    found = {}
    for path in sorted(pathlib.Path(recording).glob("parts/test/reject/verdict/s*.json")):
        record = json.loads(path.read_text())
        frame = record["sequence"] % len(truth)
        if record["recipe"] == RECIPE and record["score"] is not None and truth[frame]:
            found.setdefault(frame, path.stem)
    return list(found.values())[:AT_MOST]


def supported_rate(recording, reviewed):
    """A rate of false rejects that the reviewed parts support: some of their scores lie above its threshold."""
    paths = [*pathlib.Path(recording).glob("parts/test/*/verdict/s*.json")]
    start = max(path.stem.split("-")[0] for path in paths)
    ours = [path for path in paths if path.stem.startswith(start)]
    numbers = [int(path.stem.split("-")[1]) for path in ours]
    rejected = sum("reject" in path.parts for path in ours)
    good = max(numbers) - min(numbers) + 1 - rejected + len(reviewed)
    return round(0.6 * len(reviewed) / good, 4)


def review(driver, url, names):
    log_in(driver, url, "operator")
    for name in names:
        driver.get(f"{url}/review#{name}")
        driver.refresh()
        say_open(driver, "say-good")
    assert not element(driver, "revise").is_displayed(), "an operator is offered to change the recipe"


def make(driver, how, rate):
    """Makes a revision and returns it."""
    Select(element(driver, "revise-how")).select_by_value(how)
    field = element(driver, "revise-rate")
    field.clear()
    field.send_keys(str(rate))
    element(driver, "revise-make").click()
    wait(driver, "a process works", lambda: not element(driver, "revise-make").is_enabled(), 30)
    wait(driver, "the work ends", lambda: element(driver, "revise-make").is_enabled(), LEARNING_SECONDS)
    answer = element(driver, "revising-text").text + element(driver, "revise-answer").text
    wait(driver, f"a revision is there, not: {answer}", lambda: element(driver, "revision").is_displayed(), 10)
    return fetched(driver, f"/lessons/{RECIPE}/revision")


def fetched(driver, path):
    script = "const done = arguments[1]; fetch(arguments[0]).then((answer) => answer.json()).then(done)"
    return driver.execute_async_script(script, path)


def revise(driver, url, recording, reviewed, screenshot):
    log_in(driver, url, "engineer")
    driver.get(f"{url}/review")
    wait(driver, "an engineer may change the recipe", lambda: element(driver, "revise").is_displayed())
    made = make(driver, "recalibrate", supported_rate(recording, reviewed))
    assert made["threshold"] > made["threshold_before"], made
    element(driver, "revise-discard").click()
    wait(driver, "the revision is gone", lambda: not element(driver, "revision").is_displayed(), 60)
    assert fetched(driver, f"/lessons/{RECIPE}/revision") is None

    made = make(driver, "refit", 0.05)
    assert made["found_good"] >= len(reviewed), made
    passes_now = {part["name"].split("/")[-1] for part in made["changed"] if part["verdict"] == "pass"}
    if screenshot:
        driver.execute_script("window.scrollTo(0, 0)")
        driver.save_screenshot(screenshot)
    element(driver, "revise-accept").click()
    answer = lambda: element(driver, "revise-answer").text
    wait(driver, "the station answers", lambda: answer() != "", LEARNING_SECONDS)
    assert f"recipe {RECIPE}" in answer(), answer()
    in_force = fetched(driver, "/state.json")["engine"]
    assert made["engine_sha256"].startswith(in_force), (in_force, made["engine_sha256"], answer())
    print(f"revise: {len(reviewed)} good parts were rejected, {len(passes_now & set(reviewed))} of them pass now; {made['guarantee']}")


if __name__ == "__main__":
    url, recording, truth, *screenshot = sys.argv[1:]
    truth = json.loads(pathlib.Path(truth).read_text())
    with browser(1080, 1400) as driver:
        wait(driver, "good parts are rejected", lambda: len(false_rejects(recording, truth)) >= WANTED, 300)
        names = false_rejects(recording, truth)
        review(driver, url, names)
    with browser(1080, 1000) as driver:
        revise(driver, url, recording, names, screenshot[0] if screenshot else None)
