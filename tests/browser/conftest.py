"""The result page in chromium; the tests are skipped where it or selenium is missing."""

import shutil
from pathlib import Path

import pytest
from chromium import Browser
from made_up import NASTY, make_config, make_results

from scbench.cli import main


@pytest.fixture(scope="session")
def open_page():
    """Return a function that opens a page; all browsers are closed at the end."""
    pytest.importorskip("selenium", reason="selenium is not installed: pip install -r requirements-browser.txt")
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install chromium chromium-driver")
    opened = []

    def opening(path: Path, **options) -> Browser:
        opened.append(Browser(path, **options))
        return opened[-1]

    yield opening
    for one in opened:
        one.driver.quit()


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A results folder with failed and skipped runs, an unlabelled dataset and names that need escaping."""
    folder = tmp_path_factory.mktemp("made") / "results"
    config = make_config(folder, n_datasets=4, n_methods=5, labels=NASTY[:5], unlabelled=(1,))
    broken = [("data_0", "m1", 0), ("data_0", "m1", 1), ("data_2", "m2", 1)]
    at = make_results(folder, config, types=NASTY, batches=("<b>1</b>", "b_2"), broken=broken)
    assert main(["report", str(folder)]) == 0
    return at, config


@pytest.fixture(scope="session")
def opened(open_page, made):
    return open_page(Path(made[0].page))


@pytest.fixture
def browser(opened):
    """The page of the made-up benchmark; the test fails if it complained or asked the network for anything."""
    opened.load()
    yield opened
    assert opened.complaints() == []
    assert opened.requests() == set()
