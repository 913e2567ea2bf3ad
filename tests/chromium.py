"""Debian's chromium, headless, as the tests and measurements of the result page use it."""

import json
import shutil
from pathlib import Path

WAIT = 60  # seconds; a loaded machine is slow


class Browser:
    """A page opened from disk."""

    def __init__(self, path: Path, *, dark: bool = False, width: int = 1400, height: int = 1000):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        flags = ["headless=new", "no-sandbox", "disable-dev-shm-usage", "hide-scrollbars"]
        for flag in [*flags, "use-angle=swiftshader", "enable-unsafe-swiftshader", f"window-size={width},{height}"]:
            options.add_argument(f"--{flag}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        if width < 600:
            phone = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        self.address = path.as_uri()
        self.load()

    def load(self) -> None:
        """Open the page anew and draw all pictures, also those out of view."""
        self.driver.get(self.address)
        self.until("document.body.dataset.ready === 'pictures'")
        self.marks = self.run("['table', 'pictures'].map((name) => performance.getEntriesByName(name)[0].startTime)")
        self.driver.execute_async_script("Pictures.all().then(() => arguments[0]())")

    def run(self, script: str, *arguments):
        """Return the value of a JavaScript expression."""
        return self.driver.execute_script(f"return {script}", *arguments)

    def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, WAIT, 0.05).until(lambda _: self.run(condition), condition)

    def find(self, selector: str):
        return self.driver.find_element("css selector", selector)

    def choose(self, id_: str, value) -> None:
        """Set a control as a user does: change its value and tell the page; then wait for the table."""
        self.run(
            "(() => { const one = document.getElementById(arguments[0]); one.value = arguments[1];"
            "for (const kind of ['input', 'change']) one.dispatchEvent(new Event(kind, {bubbles: true})); })()",
            id_,
            value,
        )
        self.settle()

    def settle(self) -> None:
        """Wait until two frames are drawn and the page has drawn the table for its choice."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))"
        )
        self.until("document.body.dataset.busy !== 'yes'")

    def rows(self) -> list[list[str]]:
        """Return the texts of the cells of the table as shown, without the group headings and small print."""
        return self.run(
            "[...document.querySelectorAll('#table .tabulator-row:not(.tabulator-group)')].map((row) =>"
            "[...row.querySelectorAll('.tabulator-cell')].map((cell) => "
            "(cell.querySelector('span') ?? cell).firstChild?.textContent.trim() ?? ''))"
        )

    def headings(self) -> list[str]:
        return self.run("[...document.querySelectorAll('#table .tabulator-col-title')].map((one) => one.textContent)")

    def column(self, heading: str) -> list[str]:
        place = self.headings().index(heading)
        return [row[place] for row in self.rows()]

    def complaints(self) -> list[str]:
        """Return the console messages since the last call that are not mere information."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self) -> set[str]:
        """Return the addresses that were asked for since the last call, but for the page and what is inside it."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
        return {url for url in asked if not url.startswith(("file:", "data:", "blob:"))}
