"""The times as bars in an SVG, which a browser shows in its light or dark colors."""

from xml.sax.saxutils import escape

from . import report

WIDTH, MARGIN, GUTTER = 960, 24, 32
COLUMN = (WIDTH - 2 * MARGIN - GUTTER) // 2
LABEL, VALUE = 118, 128
BAR, STEP, LINE = 12, 18, 17
HEADER, TITLE, GAP = 62, 24, 22
STYLE = """
  svg { font: 12px system-ui, sans-serif; }
  .page { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #59636e }
  .ours { fill: #0969da } .peer { fill: #afb8c1 } .yes { fill: #1a7f37 } .no { fill: #bc4c00 }
  .title { font-weight: 600; font-size: 13px } .head { font-weight: 600; font-size: 18px }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #9198a1 }
    .ours { fill: #4493f8 } .peer { fill: #57606a } .yes { fill: #3fb950 } .no { fill: #f0883e }
  }
"""


def text(x, y, words, style="text", anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>'


def bar(x, y, width, style):
    return (f'<rect x="{x:.0f}" y="{y:.0f}" width="{max(width, 1):.1f}" height="{BAR}" rx="2" '
            f'class="{style}"/>')


def height(outcome):
    return TITLE + STEP * len(outcome.results) + LINE * len(outcome.verdicts) + GAP


def value(outcome, result):
    wall = result.median("wall")
    words = report.seconds(wall, outcome.workload.unit == "process")
    rate = report.rate(outcome.workload, wall)
    mark = "*" if report.scaled(outcome.workload, result.contender) else ""
    return f"{words}{mark}" + (f", {rate}" if rate != "-" else "")


def panel(outcome, x, y, is_ours):
    """Draws one workload: a bar for each program with the length of its time, and the goals
    below."""
    parts = [text(x, y + 14, outcome.workload.title, "text title")]
    y += TITLE
    longest = max(result.median("wall") for result in outcome.results.values())
    for name, result in outcome.results.items():
        length = (COLUMN - LABEL - VALUE) * result.median("wall") / longest
        parts += [text(x, y + BAR - 2, name),
                  bar(x + LABEL, y, length, "ours" if is_ours(result) else "peer"),
                  text(x + LABEL + length + 6, y + BAR - 2, value(outcome, result), "faint")]
        y += STEP
    for verdict in outcome.verdicts:
        style, mark = ("yes", "✓") if verdict.is_reached else ("no", "✗")
        parts.append(text(x, y + 12, f"{mark} {verdict.text}: {verdict.shown_value()}", style))
        y += LINE
    return parts


def draw(machine, outcomes, is_ours):
    """Draws the panels in two columns, each in the shorter column."""
    bottoms, parts = [HEADER + MARGIN] * 2, []
    for outcome in outcomes:
        if not outcome.results:
            continue
        side = bottoms.index(min(bottoms))
        parts += panel(outcome, MARGIN + side * (COLUMN + GUTTER), bottoms[side], is_ours)
        bottoms[side] += height(outcome)
    total = max(bottoms) + MARGIN
    where = f"{machine['processor']}, {machine['cores']} cores, Linux {machine['kernel']}"
    head = [
        text(MARGIN, MARGIN + 16, "envcrypt and others: median time, shorter is better",
             "text head"),
        text(MARGIN, MARGIN + 38, f"{where}. Each workload has a scale of its own; * is scaled "
             "from a smaller amount.", "faint")]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" '
        f'width="{WIDTH}" height="{total}" role="img">',
        "<title>Median times of envcrypt and other programs</title>", f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{total}"/>', *head, *parts, "</svg>", ""])
