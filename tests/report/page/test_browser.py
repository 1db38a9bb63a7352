"""The page in a real headless Chromium: it renders, says nothing on the console, and its controls work."""

from __future__ import annotations

import re
from pathlib import Path

import browser
import many_cells
import pytest
import synthetic as syn

from tuneoff.report import figures
from tuneoff.report.page.study_report import write_report

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no chromium here: apt-get install chromium")
EVIL = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("page")
    made = None
    for name in ("default", "random", "pbt"):
        for repeat in range(2):
            made = syn.write(root, many_cells.search(name, repeat, trials=6))
    bad = [
        syn.start(),
        syn.evaluation("a", 1, 0.7, 10, test=0.6, hparams={"learning_rate": 1e-4, "note": EVIL}),
        syn.trial_end("a", 11),
        syn.trial_end("b", 12, "failed", EVIL),
        syn.end(elapsed=20),
    ]
    made = syn.write(root, syn.cell(bad, algorithm="grid", command=EVIL))
    known = figures.discover_figures()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "discover_figures", lambda: {k: known[k] for k in ("scores", "accuracy_vs_cost", "anytime")})
        return write_report(made.parents[2]).html


def test_the_page_loads_without_a_word_on_the_console(page: Path) -> None:
    dom, console = browser.chromium(page, "--dump-dom")
    assert console == []
    assert "No recommendation yet" in dom
    assert '<svg viewBox="0 0 640 320"' in dom, "the chart was drawn, so the policy lets the page's own script run"


def test_user_text_is_text(page: Path) -> None:
    seen = browser.try_out(
        page,
        """
        return { title: document.title, images: document.images.length, text: document.body.textContent.includes("onerror"),
                 scripts: document.scripts.length };""",
    )
    assert seen == {"title": "demo", "images": 0, "text": True, "scripts": 3}, "data, page script, and this test's own"


def test_one_can_choose_the_cost_hide_an_algorithm_and_read_a_point(page: Path) -> None:
    seen = browser.try_out(
        page,
        """
        const box = document.querySelector(".chart"), svg = box.querySelector("svg"), out = {};
        const pick = (value) => box.querySelector(`input[value=${value}]`).click();
        const texts = () => [...svg.querySelectorAll("text")].map((t) => t.textContent);
        const label = () => texts().find((t) => /minutes|dollars|epochs/.test(t));
        out.before = label(); pick("dollars"); out.after = label();
        const paths = () => svg.querySelectorAll("path").length;
        out.paths = paths(); box.querySelector("input[type=checkbox]").click(); out.fewer = paths();
        pick("trials"); out.points = svg.querySelectorAll("circle").length;
        svg.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
        out.said = box.querySelector(".said").textContent;
        const c = svg.querySelectorAll("circle")[5].getBoundingClientRect();
        svg.dispatchEvent(new PointerEvent("pointermove", { clientX: c.x + c.width / 2, clientY: c.y + c.height / 2 }));
        out.hovered = box.querySelector(".said").textContent;
        return out;""",
    )
    assert seen["before"] == "charged GPU-minutes"
    assert seen["after"] == "dollars"
    assert seen["fewer"] == seen["paths"] - 1
    assert seen["points"] > 10
    for text in (seen["said"], seen["hovered"]):
        assert "learning rate" in text
        assert "validation" in text


def test_the_first_screen_says_what_to_do_and_shows_both_pictures(page: Path) -> None:
    """1280 x 800, without scrolling; the rest is folded, and a long study's page is under four screens."""
    seen = browser.try_out(
        page,
        """
        const ends = (q) => [...document.querySelectorAll(q)].map((e) => Math.round(e.getBoundingClientRect().bottom));
        const chart = document.querySelector(".chart"), still = document.querySelector(".static");
        return { verdict: ends(".verdict")[0], numbers: ends(".numbers > div"),
                 pictures: ends(".pictures svg").filter((y) => y > 0),
                 open: document.querySelectorAll("details[open]").length, height: document.documentElement.scrollHeight,
                 chart: chart.hidden, still: still.hidden, text: document.querySelector(".verdict").textContent };""",
        1280,
    )
    assert seen["text"].startswith("No recommendation yet: ")
    assert seen["verdict"] < min(seen["numbers"])
    assert len(seen["numbers"]) == 3
    assert len(seen["pictures"]) == 2
    assert max(seen["pictures"]) <= 800
    assert seen["open"] == 0
    assert seen["height"] < 4 * 800
    assert (seen["chart"], seen["still"]) == (False, True), "the interactive picture takes the place of the still one"


def test_the_budget_can_be_moved_by_keyboard_and_is_read_out(page: Path) -> None:
    seen = browser.try_out(
        page,
        """
        const cursor = document.querySelector(".cursor input"), said = document.querySelector(".said"), out = {};
        const line = () => document.querySelector(".budget").getAttribute("x1");
        out.all = said.textContent; out.at = line();
        cursor.focus(); out.focused = document.activeElement === cursor;
        cursor.value = 0; cursor.dispatchEvent(new Event("input")); out.none = said.textContent; out.moved = line();
        out.spoken = cursor.getAttribute("aria-valuetext");
        return out;""",
    )
    assert seen["focused"]
    assert seen["all"].startswith("With ")
    assert "random " in seen["all"]
    assert "%" in seen["all"]
    assert "no score in every repeat yet" in seen["none"]
    assert float(seen["moved"]) < float(seen["at"])
    assert seen["spoken"] in seen["none"]


def test_it_prints_on_two_sheets(page: Path, tmp_path: Path) -> None:
    made = tmp_path / "page.pdf"
    browser.chromium(page, f"--print-to-pdf={made}", "--no-pdf-header-footer")
    assert len(re.findall(rb"/Type\s*/Page[^s]", made.read_bytes())) <= 2


@pytest.mark.parametrize("width", [360, 1000])
def test_no_sideways_scroll_and_wide_tables_scroll_in_their_box(page: Path, width: int) -> None:
    seen = browser.try_out(
        page,
        """
        document.querySelectorAll("details").forEach((d) => { d.open = true; });
        const wide = [...document.querySelectorAll(".wide")];
        return { page: document.documentElement.scrollWidth, window: innerWidth,
                 scrolling: wide.filter((w) => w.scrollWidth > w.clientWidth).length };""",
        width,
    )
    assert seen["window"] == width
    assert seen["page"] <= width
    assert seen["scrolling"] > 0 or width > 360


def test_it_can_be_used_by_keyboard_and_read_aloud(page: Path) -> None:
    seen = browser.try_out(
        page,
        """
        const named = (e) => e.getAttribute("aria-label") || e.textContent.trim() || (e.labels && e.labels[0].textContent);
        const focusable = [...document.querySelectorAll("a[href],button,input,summary,[tabindex='0']")];
        return { unnamed: focusable.filter((e) => !named(e)).length, n: focusable.length, lang: document.documentElement.lang,
                 svgs: [...document.querySelectorAll("svg")].filter((s) => !s.getAttribute("aria-label")).length,
                 mains: document.querySelectorAll("main").length, h1: document.querySelectorAll("h1").length,
                 heads: [...document.querySelectorAll("th")].filter((t) => !t.scope).length };""",
    )
    assert seen["unnamed"] == seen["svgs"] == seen["heads"] == 0
    assert (seen["lang"], seen["mains"], seen["h1"]) == ("en", 1, 1)
    assert seen["n"] > 10
