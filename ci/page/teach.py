"""A recipe is taught in a real browser, from a station without an engine to one that judges.

usage: teach.py URL [SCREENSHOT]
"""

import sys

from browser import browser, element, wait
from review import log_in

# Learning has to wait for every other program of the machine.
LEARNING_SECONDS = 900


def fill(driver, **values):
    for id, value in values.items():
        field = element(driver, id)
        field.clear()
        field.send_keys(str(value))


def state(driver, text, seconds=60):
    wait(driver, f"the lesson is: {text}", lambda: refused(driver) or element(driver, "state").text == text, seconds)
    assert not refused(driver), refused(driver)


def refused(driver):
    return element(driver, "refused").text


def teach(driver, url, screenshot):
    log_in(driver, url, "engineer")
    driver.get(url)
    health = element(driver, "health")
    wait(driver, "the station tells that it has no engine", lambda: "untaught" in health.text)
    driver.get(f"{url}/teach")
    fill(driver, number=7, name="biscuit", parts=8, validation=19)
    driver.find_element("css selector", "#begin button").click()
    state(driver, "parts are missing")
    width = "return document.getElementById('brush').width"
    wait(driver, "the camera's picture is there", lambda: driver.execute_script(width) > 300)
    # A region around the part, corner by corner; the last click closes it.
    driver.find_element("css selector", "input[name=tool][value=of_interest]").click()
    script = """const canvas = document.getElementById('brush'), box = canvas.getBoundingClientRect();
        const at = ([x, y]) => canvas.dispatchEvent(new MouseEvent('click', { clientX: box.left + x * box.width, clientY: box.top + y * box.height }));
        [[0.05, 0.05], [0.95, 0.05], [0.95, 0.95], [0.05, 0.95], [0.05, 0.05]].forEach(at);"""
    driver.execute_script(script)
    element(driver, "choose").click()
    element(driver, "collect").click()
    state(driver, "all parts are there", 300)
    fill(driver, rate=0.05)
    element(driver, "learn").click()
    wait(driver, "the time that is left is told", lambda: "s left" in element(driver, "learning-text").text, LEARNING_SECONDS)
    # Broken off, it goes on from where it was.
    element(driver, "cancel").click()
    wait(driver, "the work ends", lambda: element(driver, "learn").is_enabled(), 120)
    element(driver, "learn").click()
    state(driver, "has its threshold", LEARNING_SECONDS)
    wait(driver, "the work ends", lambda: element(driver, "activate").is_enabled(), LEARNING_SECONDS)
    guarantee = element(driver, "guarantee").text
    assert "at most 1 of 20 good parts is rejected, from 19 good parts" in guarantee, guarantee
    wait(driver, "every part has its score", lambda: len(driver.find_elements("css selector", "#gallery .card")) == 27)
    if screenshot:
        driver.save_screenshot(screenshot)
    element(driver, "activate").click()
    wait(driver, "the station goes to the recipe", lambda: refused(driver) or "recipe 7" in element(driver, "activated").text, 300)
    assert not refused(driver), refused(driver)
    driver.get(url)
    wait(driver, "the station judges", lambda: element(driver, "health").text == "ok", 120)
    wait(driver, "a part passes by what was taught", lambda: ", pass, recipe 7" in element(driver, "overlay-caption").text, 120)
    print(f"teach: {guarantee}; {element(driver, 'overlay-caption').text}")


if __name__ == "__main__":
    url, *screenshot = sys.argv[1:]
    with browser(1080, 1400) as driver:
        teach(driver, url, screenshot[0] if screenshot else None)
