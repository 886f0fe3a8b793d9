"""The charts of the diagnostics page: traces with ranks, and the respondents' likelihoods."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.diagnostics.types import Diagnostics, Likelihoods, Trace
from analysis.rendering.canvas import INK, LINE, MUTED, NEUTRAL, TAGS, Canvas
from analysis.rendering.figures import decimal, percent, whole
from analysis.rendering.rows import NARROW

COLORS = tuple(color for color, _ in TAGS.values())
LEFT = 62.0
TRACE = (8.0, 118.0)
RANK_ROW = 30.0


def draw_diagnostics(diagnostics: Diagnostics) -> dict[str, str]:
    """All charts as SVG: 'trace_0', 'trace_1' ... and 'likelihoods'.

    Each is drawn once, narrow enough for a phone; a wide page shows them side by side.
    """
    drawn = {f"trace_{n}": _trace(trace, n) for n, trace in enumerate(diagnostics.traces)}
    if diagnostics.likelihoods is not None:
        drawn["likelihoods"] = _likelihoods(diagnostics.likelihoods)
    return drawn


def _trace(trace: Trace, number: int) -> str:
    chains = len(trace.chains)
    canvas = Canvas(NARROW, int(TRACE[1] + 44 + RANK_ROW * chains + 20))
    _moves(canvas, trace)
    top = TRACE[1] + 44
    canvas.text(0, top - 10, "Ranks of each chain among all draws", color=MUTED, size=12)
    most = max(max(counts) for counts in trace.ranks)
    for n, counts in enumerate(trace.ranks):
        _ranks(canvas, counts, n, top + RANK_ROW * n, most)
    canvas.text(LEFT, canvas.height - 8, "lowest", color=MUTED, size=12)
    canvas.text(NARROW, canvas.height - 8, "highest", color=MUTED, size=12, align="right")
    return canvas.svg(
        name=f"trace-{number}.once",
        title=f"{trace.name}: {chains} chain{'s' if chains != 1 else ''} of {trace.draws} draws",
        desc=_said(trace),
    )


def _moves(canvas: Canvas, trace: Trace) -> None:
    low = min(min(chain) for chain in trace.chains)
    high = max(max(chain) for chain in trace.chains)
    span = max(high - low, 1e-12)
    top, bottom = TRACE
    longest = max(len(chain) for chain in trace.chains)
    for value, y in ((high, top), (low, bottom)):
        canvas.rule(LEFT, y, NARROW, y, color=LINE)
        canvas.text(LEFT - 6, y, _number(value, span), color=MUTED, size=12, align="right")
    for n, chain in enumerate(trace.chains):
        points = [
            (
                LEFT + place / max(longest - 1, 1) * (NARROW - LEFT),
                bottom - (value - low) / span * (bottom - top),
            )
            for place, value in enumerate(chain)
        ]
        canvas.line(points, color=COLORS[n % len(COLORS)], opacity=0.75)
    canvas.text(LEFT, bottom + 14, "first draw", color=MUTED, size=12)
    canvas.text(NARROW, bottom + 14, "last draw", color=MUTED, size=12, align="right")


def _ranks(canvas: Canvas, counts: Sequence[int], number: int, top: float, most: int) -> None:
    """One row of bars; the dashed line is what every bar would be if the chains agreed."""
    color = COLORS[number % len(COLORS)]
    bottom, height = top + RANK_ROW - 6, RANK_ROW - 8
    width = (NARROW - LEFT) / len(counts)
    canvas.rect(0, top + 6, 8, top + 14, fill=color)
    canvas.text(12, top + 10, f"chain {number + 1}", color=MUTED, size=12)
    for n, count in enumerate(counts):
        x = LEFT + n * width
        canvas.rect(x + 0.5, bottom - height * count / most, x + width - 0.5, bottom,
                    fill=color, fillOpacity=0.5)  # fmt: skip
    level = bottom - height * sum(counts) / len(counts) / most
    canvas.rule(LEFT, level, NARROW, level, color=INK, strokeDash=[3, 3])


def _said(trace: Trace) -> str:
    said = []
    for n, (chain, counts) in enumerate(zip(trace.chains, trace.ranks, strict=True), start=1):
        mean = sum(chain) / len(chain)
        spread = max(chain) - min(chain)
        half = len(counts) // 2
        upper = sum(counts[half:]) / sum(counts)
        said.append(
            f"chain {n}: mean {_number(mean, spread)}, from {_number(min(chain), spread)} to "
            f"{_number(max(chain), spread)}, {percent(upper)} of its draws in the upper half"
        )
    return "; ".join(said) + "."


def _number(value: float, span: float) -> str:
    places = 0 if span >= 20 else 1 if span >= 2 else 2 if span >= 0.2 else 3
    return decimal(value, places)


def _likelihoods(found: Likelihoods) -> str:
    canvas = Canvas(NARROW, 176)
    top, bottom = 30.0, 140.0
    most = max(*found.counts, 1)
    color = TAGS["functional"][0]

    def place(value: float) -> float:
        return 6 + value * (NARROW - 12)

    for low, high, count in zip(found.edges[:-1], found.edges[1:], found.counts, strict=True):
        if count:
            canvas.rect(place(low) + 0.5, bottom - (bottom - top) * count / most,
                        place(high) - 0.5, bottom, fill=color, fillOpacity=0.5)  # fmt: skip
    canvas.rule(6, bottom, NARROW - 6, bottom, color=NEUTRAL)
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.text(place(tick), bottom + 14, decimal(tick, 2), color=MUTED, size=12,
                    align={0.0: "left", 1.0: "right"}.get(tick, "center"))  # fmt: skip
    for value, words, y in ((found.chance, "equal chances", 8.0), (found.median, "median", 22.0)):
        dash = [3, 3] if words == "equal chances" else [1, 0]
        canvas.rule(place(value), y + 6, place(value), bottom, color=INK, strokeDash=dash)
        side = "left" if value < 0.6 else "right"
        shift = 4 if side == "left" else -4
        text = f"{words} {decimal(value, 2)}"
        canvas.text(place(value) + shift, y, text, size=12, align=side)
    canvas.text(0, 168, "root likelihood (RLH) of a respondent", color=MUTED, size=12)
    desc = (
        f"Median {decimal(found.median, 2)}; equal chances would score {decimal(found.chance, 2)}; "
        f"{whole(found.below_chance)} of {whole(found.n)} respondents score less than that."
    )
    return canvas.svg(
        name="likelihoods.once",
        title=f"Root likelihood of {whole(found.n)} respondents",
        desc=desc,
    )
