"""The tables, goals and charts of docs/performance.md."""

import platform
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from .plan import CORES


def format_table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table in Markdown."""
    head = list(head)
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def format_goal(
    name: str,
    value: float,
    at_most: float | None = None,
    at_least: float | None = None,
    aim: float | None = None,
) -> str:
    """Return a line that says whether a goal is met, and if not, by how much it is missed."""

    def describe_result(limit: float) -> str:
        excess = 1 - value / limit if at_least else value / limit - 1
        return "met" if excess <= 0 else f"**missed by {excess:.0%}**"

    results = [f"at most {at_most:g}: {describe_result(at_most)}"] if at_most else []
    results += [f"at least {at_least:g}: {describe_result(at_least)}"] if at_least else []
    results += [f"aim {aim:g}: {describe_result(aim)}"] if aim else []
    return f"- {name}: {value:.2f} ({', '.join(results)})"


def describe_machine() -> str:
    """Return the number of cores, the architecture, the system and the Python version."""
    system = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return f"{len(CORES)} cores, {system}"


def write_section(page: Path, part: str, text: str) -> None:
    """Replace what the page has between the markers of a part."""
    begin, end = f"<!-- {part} -->\n", f"<!-- /{part} -->"
    command = f"`make bench PARTS={part}` · {describe_machine()}"
    section = f"{begin}\n{text}\n\n{command}\n\n{end}"
    old = page.read_text("utf-8")
    page.write_text(re.sub(f"{begin}.*?{end}", lambda _: section, old, flags=re.DOTALL), "utf-8")


def draw_chart(page: Path, name: str, title: str, values: Mapping[str, float], ours: str) -> str:
    """Draw a bar chart into NAME.svg beside the page; return the Markdown that shows it."""
    row_height, bar_height, left, right = 26, 20, 250, 420
    largest, height = max(values.values()), 50 + row_height * len(values)
    parts = [f'<text x="10" y="24" font-weight="bold">{escape(title)}</text>']
    for number, (label, value) in enumerate(values.items()):
        y, width = 40 + row_height * number, right * value / largest
        colour = "#d9730d" if label == ours else "#7a8ba3"
        parts.append(
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{left}" y="{y}" width="{width:.0f}" height="{bar_height}" fill="{colour}"/>'
            f'<text x="{left + width + 6:.0f}" y="{y + 15}">{value:,.0f}</text>'
        )
    box = f"0 0 {left + right + 80} {height}"
    style = 'font-family="sans-serif" font-size="14" fill="#24292f"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {style}>'
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    svg = "\n".join([head, background, *parts, "</svg>", ""])
    page.with_name(f"{name}.svg").write_text(svg)
    return f"![{title}]({name}.svg)"
