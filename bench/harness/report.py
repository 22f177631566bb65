"""Rows as text, Markdown and JSON."""

import dataclasses
import json
import platform
import re
import statistics
from pathlib import Path
from typing import Optional

from .measure import NOISE_SHARE_MAX, Row, Series, ratio

PEERS = ("nginx", "haproxy", "varnish", "trafficserver", "floor")


def is_peer(name: str) -> bool:
    return name.startswith(PEERS)


def number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def spread(values: list[float]) -> str:
    """Median (least to most)."""
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))} to {number(max(values))})"


def label(series: Series) -> str:
    return f"{series.name} {series.version}".strip()


def costs(series: Series) -> list[float]:
    return [one.cpu_us for one in series.samples]


def cost_table(row: Row) -> list[list[str]]:
    peers = [one for one in row.series if is_peer(one.name) and one.samples]
    table = [["", "CPU-us/op", *(f"/ {label(peer)}" for peer in peers), "ops/s", "noise"]]
    for series in row.series:
        if not series.samples:
            continue
        ratios = [ratio(costs(series), costs(peer)) for peer in peers]
        cells = ["" if peer is series or r is None else f"{r:.3f}" for peer, r in zip(peers, ratios)]
        rate = statistics.median(one.rate for one in series.samples)
        noise = max(one.noise for one in series.samples)
        mark = " !" if noise > NOISE_SHARE_MAX else ""
        table.append([label(series), spread(costs(series)), *cells, f"{rate:.0f}", f"{noise:.0%}{mark}"])
    return table


def figure_table(row: Row) -> list[list[str]]:
    names = list(dict.fromkeys(name for series in row.series for name in series.figures))
    table = [["", *names]]
    for series in row.series:
        if series.figures:
            told = [spread(series.figures[name]) if name in series.figures else "" for name in names]
            table.append([label(series), *told])
    return table


def table_of(row: Row) -> list[list[str]]:
    return cost_table(row) if any(series.samples for series in row.series) else figure_table(row)


def remarks(row: Row) -> list[str]:
    failed = [f"{label(series)} failed: {series.error}" for series in row.series if series.error]
    return ([row.note] if row.note else []) + failed


def text(rows: list[Row]) -> str:
    lines = []
    for row in rows:
        table = table_of(row)
        widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
        lines += ["", f"{row.title} [{row.name}]"]
        lines += ["  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in table]
        lines += [f"  {remark}" for remark in remarks(row)]
    return "\n".join(lines)


def markdown(rows: list[Row], how: str) -> str:
    parts = [f"{how}, {platform.machine()}, Linux {platform.release()}."]
    for row in rows:
        head, *body = table_of(row)
        lines = [f"### {row.title}", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        lines += ["| " + " | ".join(line) + " |" for line in body]
        parts += ["\n".join(lines), *remarks(row)]
    return "\n\n".join(parts)


def fill(path: Path, bench: str, rows: list[Row], how: str) -> None:
    """Puts the tables between the two marks that a document has for this bench."""
    begin, end = (f"<!-- script/bench {bench}: {which} -->" for which in ("begin", "end"))
    document = path.read_text()
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    if not re.search(pattern, document, re.S):
        raise SystemExit(f"{path} has no lines '{begin}' and '{end}'")
    tables = f"{begin}\n{markdown(rows, how)}\n{end}"
    path.write_text(re.sub(pattern, lambda _: tables, document, flags=re.S))


def as_json(rows: list[Row], how: str) -> str:
    def ratios(row: Row, series: Series) -> dict[str, Optional[float]]:
        peers = [peer for peer in row.series if is_peer(peer.name) and peer is not series]
        return {peer.name: ratio(costs(series), costs(peer)) for peer in peers}

    content = [
        {**dataclasses.asdict(row), "ratios": {one.name: ratios(row, one) for one in row.series if one.samples}}
        for row in rows
    ]
    return json.dumps({"how": how, "kernel": platform.release(), "rows": content}, indent=1)
