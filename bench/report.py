"""Tables, goals and charts, as docs/performance.md has them."""

import platform
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from .plan import CORES


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table in Markdown."""
    head = list(head)
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def goal(
    what: str,
    found: float,
    at_most: float | None = None,
    at_least: float | None = None,
    aim: float | None = None,
) -> str:
    """Return a line that says whether a goal is met, and if not, by how much it is missed."""

    def verdict(limit: float) -> str:
        off = 1 - found / limit if at_least else found / limit - 1
        return "met" if off <= 0 else f"**missed by {off:.0%}**"

    said = [f"at most {at_most:g}: {verdict(at_most)}"] if at_most else []
    said += [f"at least {at_least:g}: {verdict(at_least)}"] if at_least else []
    said += [f"aim {aim:g}: {verdict(aim)}"] if aim else []
    return f"- {what}: {found:.2f} ({', '.join(said)})"


def machine() -> str:
    """Return the class of this machine, and the Python."""
    system = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return f"{len(CORES)} cores, {system}"


def write(page: Path, part: str, text: str) -> None:
    """Put what a part found between its marks."""
    begin, end = f"<!-- {part} -->\n", f"<!-- /{part} -->"
    made = f"`make bench PARTS={part}` · {machine()}"
    found = f"{begin}\n{text}\n\n{made}\n\n{end}"
    old = page.read_text("utf-8")
    page.write_text(re.sub(f"{begin}.*?{end}", lambda _: found, old, flags=re.DOTALL), "utf-8")


def chart(page: Path, name: str, title: str, values: Mapping[str, float], ours: str) -> str:
    """Draw bars into NAME.svg beside a page; return the Markdown that shows it."""
    line, left, right = 26, 250, 420
    most, height = max(values.values()), 50 + line * len(values)
    parts = [f'<text x="10" y="24" font-weight="bold">{escape(title)}</text>']
    for number, (label, value) in enumerate(values.items()):
        y, width = 40 + line * number, right * value / most
        colour = "#d9730d" if label == ours else "#7a8ba3"
        parts.append(
            f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{left}" y="{y}" width="{width:.0f}" height="{line - 6}" fill="{colour}"/>'
            f'<text x="{left + width + 6:.0f}" y="{y + 15}">{value:,.0f}</text>'
        )
    box = f"0 0 {left + right + 80} {height}"
    style = 'font-family="sans-serif" font-size="14" fill="#24292f"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {style}>'
    back = '<rect width="100%" height="100%" fill="#ffffff"/>'
    page.with_name(f"{name}.svg").write_text("\n".join([head, back, *parts, "</svg>", ""]))
    return f"![{title}]({name}.svg)"
