"""What is kept of a run: one JSON file, every single time in it, each row with its date."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Row = dict[str, Any]
LIBRARIES = ("numpy", "pyarrow", "pandas", "scikit-learn", "polars", "duckdb", "torch", "typer",
             "rich")  # fmt: skip


def read(path: Path) -> dict[str, Row]:
    """The rows by name, in their order."""
    return {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))}


def write(path: Path, rows: Mapping[str, Row]) -> None:
    """One line a row."""
    lines = ",\n".join(json.dumps(row) for row in rows.values())
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def put(rows: dict[str, Row], row: Row) -> None:
    """A row that was left out does not take the place of one that was measured."""
    if row["kind"] == "left out" and rows.get(row["name"], row)["kind"] != "left out":
        return
    rows[row["name"]] = row


def signed(row: Row, took: float) -> Row:
    """With the date, the machine and the seconds that measuring it took."""
    return {**row, "date": date.today().isoformat(), "took": round(took, 1), "machine": machine()}


def machine() -> str:
    """Processor, system, and the versions of what is compared."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = found[0].partition(": ")[2] if found else model
    libraries = ", ".join(f"{name} {found}" for name in LIBRARIES if (found := _version(name)))
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, {libraries}; lossctl {version('lossctl')}"
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
