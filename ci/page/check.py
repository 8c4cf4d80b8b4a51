"""What the station shows: metrics by Prometheus' own parser, the page in a real browser.

usage: check.py URL [SCREENSHOT]
"""

import json
import sys
import urllib.request

from browser import browser, wait
from prometheus_client.parser import text_string_to_metric_families
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

# Scores are this far from each other, pixels.
SCORE_STEP = 4
# The score that is clicked on, counted from the newest, whose part may still be on its way to the disk.
CLICKED = 6


def check_metrics(text):
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families.values() for s in f.samples}

    def value(name, **labels):
        return samples[(name, tuple(sorted(labels.items())))]

    verdicts = sum(value("crosscheck_verdicts_total", verdict=v) for v in ("pass", "review", "reject"))
    assert verdicts > 0, "no verdict"
    assert value("crosscheck_parts_total") >= verdicts, "more verdicts than parts"
    assert value("crosscheck_frames_total") > 0, "no frame"
    assert value("crosscheck_threshold") > 0, "no threshold"
    stages = ("queue", "prepare", "rgb_tokens", "xyz_groups", "anomaly_map")
    assert all(value("crosscheck_stage_seconds_count", stage=s) > 0 for s in stages), "a stage was not timed"
    assert families["crosscheck_capture_to_verdict_seconds"].type == "histogram"
    print(f"metrics: {len(families)} families, {len(samples)} samples, {verdicts:.0f} verdicts")


def check_page(driver, url):
    driver.get(url)

    def element(id):
        return driver.find_element("id", id)

    wait(driver, "the station is healthy", lambda: element("health").text == "ok")
    wait(driver, "a picture is shown", lambda: "/overlay.jpg?part=" in (element("overlay").get_attribute("src") or ""))
    width = "return document.getElementById('overlay').naturalWidth"
    wait(driver, "the picture is drawn", lambda: driver.execute_script(width) > 100)
    assert "part" in element("score").text, "no score is shown"
    words = element("counts").text.split()
    assert int(words[words.index("parts") + 1]) > 0, words
    assert "capture to verdict" in element("latencies").text, element("latencies").text
    assert element("actions").is_displayed(), "a token is set, but nothing can be changed"
    overflow = driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"the page is {overflow} pixels wider than the window"
    print(f"page: {element('score').text}; {element('about').text}")


def click(driver, id, from_right, path, what):
    """Clicks on a chart, so many pixels from its right end, until that leads to a path: pictures that come move the chart."""

    def leads():
        if path not in driver.current_url:
            canvas = driver.find_element("id", id)
            ActionChains(driver).move_to_element_with_offset(canvas, canvas.size["width"] // 2 - from_right, 10).click().perform()
        return path in driver.current_url

    wait(driver, what, leads)


def check_charts(driver, url):
    def element(id):
        return driver.find_element("id", id)

    def open_live():
        driver.get(f"{url}/")
        wait(driver, "the charts appear", lambda: element("charts").is_displayed())
        wait(driver, "they lead to recorded parts", lambda: all("leads" in element(id).get_attribute("class") for id in ("rejects", "history")))

    open_live()
    assert "median" in element("drift").text, element("drift").text
    for span in ("week", "hour", "day"):
        driver.find_element("css selector", f"#span option[value={span}]").click()
        minutes = "5 minutes" if span == "hour" else "each hour"
        wait(driver, f"the span is {span}", lambda: minutes in element("rejects-title").text)
        for id, told in (("rejects", "rejected"), ("scores-over-time", "median"), ("times-over-time", "99 of 100")):
            element(id).send_keys(Keys.ARROW_LEFT)
            wait(driver, f"{id} tells its newest cell", lambda: told in element(f"{id}-pointed").text)
    print(f"charts: {element('times-over-time-pointed').text}")

    def listed():
        driver.find_element("css selector", "#gallery .card.reject")
        assert not driver.find_elements("css selector", "#gallery .card:not(.reject)"), "parts that were not rejected are listed"
        return element("filter").find_element("name", "from").get_attribute("value")

    def shows_rejects():
        wait(driver, "rejected parts are listed", lambda: driver.find_elements("css selector", "#gallery .card"))
        assert listed(), "the time is not in the filter"

    # The newest hour: 25 of them are drawn, in a window of 390 pixels too.
    path = "/review?verdict=reject&from_unix_ms="
    click(driver, "rejects", 10, path, "a click on a bar leads to its rejected parts")
    shows_rejects()
    open_live()
    element("rejects").send_keys(Keys.ARROW_LEFT, Keys.ENTER)
    wait(driver, "Enter leads there too", lambda: path in driver.current_url)
    shows_rejects()

    is_open = "return document.getElementById('part').open"

    def answered():
        return driver.execute_script(is_open) or element("refused").text

    def scores():
        with urllib.request.urlopen(f"{url}/state.json") as answer:
            return len(json.load(answer)["history"])

    wait(driver, "there are scores to click on", lambda: scores() > CLICKED, 180)
    # Half of the parts that pass are recorded.
    for _ in range(20):
        open_live()
        click(driver, "history", CLICKED * SCORE_STEP, "/review#s", "a click on a score leads to its part")
        wait(driver, "the part is shown, or that it was not recorded", answered)
        if driver.execute_script(is_open):
            break
    part = int(driver.current_url.split("-")[-1])
    assert f"part {part}" in element("part-name").text, (driver.current_url, element("part-name").text)
    driver.get(f"{url}/review#s00000001-0099999999")
    driver.refresh()
    wait(driver, "the page says that a part was not recorded", lambda: "99999999 was not recorded" in element("refused").text)


def act(driver):
    """Holds the output by the page's own button, with the token."""
    driver.find_element("id", "token").send_keys("0123456789abcdef")
    answer = driver.find_element("id", "answer")
    button = driver.find_element("id", "hold")
    button.click()
    wait(driver, "the output is held", lambda: "held at reject" in answer.text)
    wait(driver, "the page shows it", lambda: button.text == "Release")
    button.click()
    wait(driver, "the output is released", lambda: "released" in answer.text)


if __name__ == "__main__":
    url, *screenshot = sys.argv[1:]
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        check_metrics(answer.read().decode())
    with browser(390, 844) as driver:
        check_page(driver, f"{url}/")
        act(driver)
        check_charts(driver, url)
    with browser(1080, 1900) as driver:
        check_charts(driver, url)
        check_page(driver, f"{url}/")
        wait(driver, "the charts appear", lambda: driver.find_element("id", "charts").is_displayed())
        if screenshot:
            loaded = "return [...document.querySelectorAll('.pictures img')].every((image) => image.complete)"
            wait(driver, "the pictures are of one part", lambda: driver.execute_script(loaded))
            driver.save_screenshot(screenshot[0])
