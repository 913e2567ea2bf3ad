"""Screenshots of a result page: .venv/bin/python tests/browser/screenshots.py report.html docs/images"""

import base64
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from chromium import Browser

# width and height of the part shown, in CSS pixels
SHOTS = {"page_light": (1280, 1900), "page_dark": (1280, 1500), "page_phone": (390, 1500)}


def main(page: str, folder: str) -> None:
    for name, (width, height) in SHOTS.items():
        browser = Browser(Path(page).resolve(), dark=name.endswith("dark"), width=width, height=1000)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        options = {"captureBeyondViewport": True, "clip": clip}
        picture = browser.driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(picture))
        browser.driver.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
