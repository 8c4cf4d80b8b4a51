"""A real browser, driven through chromedriver."""

import contextlib
import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

# Without these the browser asks hosts of its maker at every start.
QUIET = ("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def browser(width, height):
    """A browser without a window of its own, `width` x `height` pixels."""
    options = webdriver.ChromeOptions()
    # What a page asks before it goes on is confirmed.
    options.set_capability("unhandledPromptBehavior", "accept")
    options.binary_location = next(path for path in map(shutil.which, NAMES) if path)
    for option in (*QUIET, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def element(driver, id):
    return driver.find_element("id", id)


def wait(driver, what, condition, seconds=60):
    """Waits until `condition()` holds; `what` it is about is told where it does not."""
    return WebDriverWait(driver, seconds).until(lambda _: condition(), what)
