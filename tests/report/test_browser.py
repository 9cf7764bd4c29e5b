"""The page in a browser: quiet console, pictures, readable on a phone and in the dark, names harmless."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpcflow.report import write_report
from hpcflow.run.folder import RunFolder
from tests.conftest import require
from tests.report.conftest import DOLLARS, IMAGE, SCRIPT

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
PHONE, DESK = 360, 1100

CONTRAST = """
const canvas = document.createElement('canvas');
const context = canvas.getContext('2d', {willReadFrequently: true});
canvas.width = canvas.height = 1;
function paint(layers) {            // bottom first; each is a CSS colour
  context.globalCompositeOperation = 'source-over';
  context.clearRect(0, 0, 1, 1);
  for (const layer of layers) { context.fillStyle = layer; context.fillRect(0, 0, 1, 1); }
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
function luminance(rgb) {
  const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const found = [];
for (const element of document.querySelectorAll('body *')) {
  const words = [...element.childNodes].filter(n => n.nodeType === 3 && n.data.trim());
  const box = element.getBoundingClientRect();
  if (!words.length || !box.width || !box.height || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const layers = [];
  for (let up = element; up; up = up.parentElement) layers.unshift(getComputedStyle(up).backgroundColor);
  const svg = element.namespaceURI.endsWith('svg');
  const back = paint(layers), front = paint([...layers, svg ? style.fill : style.color]);
  const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
  const matrix = svg ? element.getScreenCTM() : null;
  const scale = matrix ? Math.hypot(matrix.a, matrix.b) : 1;
  found.push([(high + 0.05) / (low + 0.05), parseFloat(style.fontSize) * scale, words[0].data.slice(0, 60)]);
}
return found;
"""

PICTURES = """
return [...document.querySelectorAll('svg[role=img]')].filter(svg => svg.checkVisibility()).map(svg => {
  const box = svg.getBoundingClientRect();
  return [box.width, box.height, svg.getAttribute('aria-label'), svg.querySelectorAll('path').length];
});
"""

OVERFLOW = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll('main *, header *')].filter(e => {
  const box = e.getBoundingClientRect();
  return e.checkVisibility() && !e.closest('svg') && box.right > wide + 1 && !e.closest('pre')
    && getComputedStyle(e).position !== 'absolute' && !e.closest('thead');
}).map(e => e.tagName + ': ' + e.textContent.slice(0, 60));
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium with a profile of its own."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    require(bool(program and driver), "Chromium with its driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(program)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(str(driver)))
    found.set_page_load_timeout(60)
    yield found
    found.quit()


def show(browser: Any, path: Path, width: int = DESK, scheme: str = "light") -> None:
    """Open a page at a width and in a colour scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get_log("browser")
    browser.get(path.as_uri())


@pytest.fixture(scope="module")
def pages(machines: RunFolder, activities: RunFolder) -> dict[str, Path]:
    """Reports of both shipped workflows."""
    return {"machines": write_report(machines), "activities": write_report(activities)}


@pytest.mark.parametrize("name", ["machines", "activities"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_console_is_quiet_nothing_is_loaded_and_pictures_are_there(
    browser: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    show(browser, pages[name], width)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)") == []
    pictures = browser.execute_script(PICTURES)
    assert len(pictures) >= {"machines": 15, "activities": 6}[name]
    for wide, high, label, paths in pictures:
        assert wide > 150, label
        assert high > 60, label
        assert label
        assert paths > 3, label


@pytest.mark.parametrize("name", ["machines", "activities"])
@pytest.mark.parametrize("width", [PHONE, 768, DESK])
def test_nothing_is_wider_than_the_page(browser: Any, pages: dict[str, Path], name: str, width: int) -> None:
    show(browser, pages[name], width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.execute_script(OVERFLOW) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["machines", "activities"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_word_stands_out_and_is_large_enough(
    browser: Any, pages: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    show(browser, pages[name], width, scheme)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = browser.execute_script(CONTRAST)
    assert len(found) > 100
    assert [item for item in found if item[0] < 4.5] == []
    assert [item for item in found if item[1] < 9] == []


def test_the_dark_page_is_dark(browser: Any, pages: dict[str, Path]) -> None:
    backs = []
    for scheme in ("light", "dark"):
        show(browser, pages["machines"], scheme=scheme)
        backs.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert backs[0] == "rgb(255, 255, 255)"
    assert max(int(v) for v in backs[1][4:-1].split(",")) < 40


def test_a_phone_gets_tables_as_cards_with_titles(browser: Any, pages: dict[str, Path]) -> None:
    show(browser, pages["machines"], PHONE)
    shown = browser.execute_script(
        "const cell = document.querySelector('tbody td');"
        "return [getComputedStyle(cell).display, getComputedStyle(cell, '::before').content]"
    )
    assert shown == ["grid", '"Diagnosis"']


def test_links_lead_to_the_evidence(browser: Any, pages: dict[str, Path]) -> None:
    show(browser, pages["machines"])
    browser.execute_script("document.querySelector('tbody a').click()")
    top = browser.execute_script("return document.querySelector('.card:target h3').textContent")
    assert browser.execute_script("return document.querySelector('tbody a').textContent") in top


def test_hostile_names_are_shown_and_do_nothing(browser: Any, toys: RunFolder) -> None:
    for width in (PHONE, DESK):
        show(browser, write_report(toys), width)
        assert browser.get_log("browser") == []
        assert browser.execute_script("return document.querySelectorAll('script, img').length") == 0
        shown = browser.execute_script("return document.body.textContent")
        for name in (SCRIPT, IMAGE, DOLLARS):
            assert name in shown
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.execute_script(OVERFLOW) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    labels = browser.execute_script(
        "return [...document.querySelectorAll('svg text')].map(t => t.textContent)"
    )
    assert any("#<scr" in label for label in labels)


def test_a_hostile_file_name_reaches_the_page_as_text(browser: Any, pages: dict[str, Path]) -> None:
    show(browser, pages["machines"])
    assert browser.execute_script("return document.querySelectorAll('script, img').length") == 0
    headings = browser.execute_script("return [...document.querySelectorAll('h3')].map(h => h.textContent)")
    assert any("<img src=x onerror=alert(3)>&\"'" in heading for heading in headings)


def test_paper_is_white_and_holds_the_pictures(browser: Any, pages: dict[str, Path]) -> None:
    show(browser, pages["activities"], scheme="dark")
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    back = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert back == "rgb(255, 255, 255)"
    assert browser.execute_script("return getComputedStyle(document.querySelector('nav')).display") == "none"
    assert len(browser.execute_script(PICTURES)) >= 6
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
