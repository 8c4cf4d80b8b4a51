"""Recorded parts are reviewed in a real browser, by people with accounts.

usage: review.py URL FOLDER [SCREENSHOT]
  FOLDER: the recording of the station
"""

import json
import pathlib
import sys

from browser import browser, wait
from selenium.webdriver import ActionChains

PASSWORD = "correct-horse-battery"


def log_in(driver, url, name):
    driver.get(f"{url}/review")
    wait(driver, "whoever is not logged in is shown where to", lambda: driver.current_url == f"{url}/login")
    driver.find_element("id", "name").send_keys(name)
    driver.find_element("id", "password").send_keys("wrong-" + PASSWORD)
    button = driver.find_element("css selector", "#log-in button")
    button.click()
    answer = driver.find_element("id", "answer")
    wait(driver, "a wrong password is refused", lambda: answer.text != "")
    driver.find_element("id", "password").clear()
    driver.find_element("id", "password").send_keys(PASSWORD)
    button.click()
    wait(driver, f"{name} is logged in", lambda: name in driver.find_element("id", "who").text)


def cards(driver):
    return driver.find_elements("css selector", "#gallery .card")


def open_gallery(driver, url):
    driver.get(f"{url}/review")
    wait(driver, "parts are listed", lambda: len(cards(driver)) >= 3)
    select(driver, "verdict", "reject")
    rejected = "return [...document.querySelectorAll('#gallery .card')].every((card) => card.classList.contains('reject'))"
    wait(driver, "only rejected parts are listed", lambda: len(cards(driver)) >= 3 and driver.execute_script(rejected))


def select(driver, name, value):
    driver.find_element("css selector", f"select[name={name}] option[value={value}]").click()


def drawn(driver, id):
    script = "const image = document.getElementById(arguments[0]); return image.complete && image.naturalWidth"
    return (driver.execute_script(script, id) or 0) > 90


def say(driver, i, button, kind=None, paints=False):
    """What a person says of the part in place `i`; returns what was kept."""
    cards(driver)[i].click()
    return say_open(driver, button, kind, paints)


def say_open(driver, button, kind=None, paints=False):
    """The same of the part that is open, or about to be."""
    wait(driver, "the part is open", lambda: driver.find_element("id", "part").get_attribute("open"))
    for picture in ("photograph", "overlay", "relief", "distance_rgb", "distance_xyz"):
        wait(driver, f"its {picture} is drawn", lambda: drawn(driver, f"part-{picture}"))
    if kind:
        driver.find_element("css selector", f"#say-kind option[value={kind}]").click()
    if paints:
        wait(driver, "the mask is loaded", lambda: driver.execute_script("return document.getElementById('brush').width") > 300)
        driver.find_element("id", "brush-on").click()
        brush = driver.find_element("id", "brush")
        ActionChains(driver).move_to_element(brush).click_and_hold().move_by_offset(30, 20).release().perform()
    said = driver.find_element("id", "said")
    driver.find_element("id", button).click()
    wait(driver, "it is kept", lambda: "(operator)" in said.text)
    text = said.text
    driver.find_element("id", "close").click()
    return text


def number(driver, table, row):
    return driver.find_elements("css selector", f"#{table} tr")[row].text


def review(driver, url, folder, screenshot):
    log_in(driver, url, "operator")
    open_gallery(driver, url)
    for i in (0, 1):
        say(driver, i, "say-good")
    say(driver, 2, "say-defect", kind="shape", paints=True)
    wait(driver, "the kinds are counted", lambda: "shape" in driver.find_element("id", "pareto").text)
    found = [json.loads(path.read_text()) for path in pathlib.Path(folder).glob("parts/test/reject/finding/*.json")]
    assert sorted(one["opinion"] for one in found) == ["defect", "good", "good"], found
    assert all(one["by"] == "operator" for one in found), found
    wait(driver, "the rate is measured", lambda: "%" in number(driver, "rates", 0))
    # With a threshold at the end of the scale no good part would be rejected, and the defect would pass.
    driver.execute_script("const slider = document.getElementById('what-if'); slider.value = 1000; slider.dispatchEvent(new Event('input'))")
    assert number(driver, "what-if-counts", 1).endswith("0 / 2"), number(driver, "what-if-counts", 1)
    assert number(driver, "what-if-counts", 2).endswith("1 / 1"), number(driver, "what-if-counts", 2)
    if screenshot:
        driver.execute_script("window.scrollTo(0, 0)")
        driver.save_screenshot(screenshot)
    print(f"review: {number(driver, 'rates', 0)}; {number(driver, 'rates', 2)}")


def only_looks(driver, url):
    log_in(driver, url, "viewer")
    assert not driver.find_element("id", "actions").is_displayed(), "a viewer is offered actions"
    open_gallery(driver, url)
    cards(driver)[0].click()
    wait(driver, "the part is shown", lambda: drawn(driver, "part-overlay"))
    assert not driver.find_element("id", "say").is_displayed(), "a viewer is offered to say what a part is"
    # Whoever asks all the same is refused.
    script = """const done = arguments[arguments.length - 1];
        const asked = ["/acknowledge", "/hold", "/threshold", "/reload", "/recipe", arguments[0]];
        Promise.all(asked.map((path) => fetch(path, { method: "POST", body: "on" }).then(({ status }) => status))).then(done)"""
    name = driver.find_element("css selector", "#gallery img").get_attribute("src").split("/")[-2]
    statuses = driver.execute_async_script(script, f"/parts/{name}/finding?opinion=good")
    assert statuses == [403] * 6, statuses
    print("viewer: 6 of 6 writes refused")


if __name__ == "__main__":
    url, folder, *screenshot = sys.argv[1:]
    with browser(1080, 1000) as driver:
        review(driver, url, folder, screenshot[0] if screenshot else None)
    with browser(390, 844) as driver:
        only_looks(driver, url)
