"""What the station shows: metrics by Prometheus' own parser, the page in a real browser.

usage: check.py URL [SCREENSHOT]
"""

import sys
import urllib.request

from browser import browser, wait
from prometheus_client.parser import text_string_to_metric_families


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
    with browser(1080, 1180) as driver:
        check_page(driver, f"{url}/")
        if screenshot:
            driver.save_screenshot(screenshot[0])
