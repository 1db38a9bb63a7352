"""A real headless Chromium, without a driver: a copy of the page tries itself out and writes what it saw into the page."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
    "--disable-dev-shm-usage",
)


def chromium(page: Path, *flags: str) -> tuple[str, list[str]]:
    """Standard output, and what the page's console said."""
    assert CHROMIUM is not None
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}", *flags, page.as_uri()],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def try_out(page: Path, script: str, width: int = 1000) -> Any:
    """What `script` (the body of a function of the loaded page) returns, in a window `width` px wide.

    The copy has no content policy, as that would rightly forbid this; the page itself is loaded by `chromium`.
    """
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    tail = f"<script>parent.postMessage(JSON.stringify((function () {{{script}}})()), '*')</script>"
    copy, host = page.with_name("copy.html"), page.with_name("host.html")
    copy.write_text(text.replace("</body>", tail + "</body>"), encoding="utf-8")
    host.write_text(
        f'<pre id="seen"></pre><iframe src="copy.html" width="{width}" height="900"></iframe><script>'
        'addEventListener("message", (e) => { document.getElementById("seen").textContent = e.data; });'
        "</script>",
        encoding="utf-8",
    )
    dom, _ = chromium(host, "--dump-dom")
    seen = re.search(r'<pre id="seen">(.*?)</pre>', dom, flags=re.DOTALL)
    assert seen is not None
    assert seen[1], dom[:2000]
    return json.loads(html.unescape(seen[1]))


def screenshot(page: Path, target: Path, width: int, height: int) -> None:
    host = page.with_name("host.html")
    host.write_text(
        f'<body style="margin:0"><iframe src="{page.name}" width="{width}" height="{height}" style="border:0"></iframe>',
        encoding="utf-8",
    )
    chromium(host, f"--screenshot={target}", f"--window-size={max(500, width)},{height}")
