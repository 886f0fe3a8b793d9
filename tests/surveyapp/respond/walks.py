"""Walking through the demo study as a respondent does."""

from __future__ import annotations

import re

from tests import builders

CONSENT = {"consent": "yes", "linking": "yes"}
AVOIDED = ("no", "nothing", "nowhere")
HABITS = {"visits": "weekly", "occasions": ["guests", "gift"]}


def begin(client, path: str) -> str:
    """Start from a link; returns the respondent's address (/a/...)."""
    return builders.send(client, path).location


def at(client, home: str) -> str:
    """The step that the respondent's address leads to."""
    return client.get(home, follow_redirects=True).request.path.rsplit("/", 1)[1]


def fill(page: str) -> dict[str, object]:
    """An answer to every question of a page: the last choice of each group, no refusals."""
    filled: dict[str, object] = {}
    inputs = re.findall(
        r'<input type="(radio|checkbox)" id="[^"]+" name="([^"]+)" value="([^"]+)"', page
    )
    last = {name: value for _, name, value in inputs if value[0] != "~" and value not in AVOIDED}
    filled.update(last)
    if "worst" in filled:
        filled["worst"] = "1" if filled["best"] != "1" else "2"
    for name in re.findall(r'inputmode="\w+"[^>]* name="([^"]+)"', page):
        filled[name] = "7" if "year" not in name else "1980"
    for question, most in (("order", 3), ("favourites", 2)):
        names = re.findall(rf'<select id="[^"]+" name="({question}\.[^"]+)"', page)
        filled.update({name: str(n) for n, name in enumerate(names[:most], start=1)})
    shares = [name for name in filled if name.startswith("money.")]
    filled.update({name: "100" if name == shares[0] else "" for name in shares if "~" not in name})
    for name in re.findall(r'type="date"[^>]* name="([^"]+)"', page):
        filled[name] = "2026-01-31"
    return filled


def finish(client, home: str, *, limit: int = 60) -> str:
    """Answer every page until the end; returns the end page."""
    for _ in range(limit):
        page = client.get(home, follow_redirects=True)
        if "<form" not in page.text:
            return page.text
        answer = client.post(
            page.request.path, data={**builders.hidden_fields(page.text), **fill(page.text)}
        )
        assert answer.status_code == 303, answer.text
    raise AssertionError("the survey does not end")
