"""`lossctl losses`: what there is."""

from __future__ import annotations

import sys


def losses() -> int:
    """List every loss: label, name, family, settings with defaults, and what it is."""
    from lossctl.cli.output import screen_width, write_stdout
    from lossctl.loss import losses as registered
    from lossctl.spec import written

    rows = []
    for one in registered().values():
        settings = ",".join(f"{s.name}={written(s.default)}" for s in one.settings)
        summary = one.summary.split(". ")[0].replace("\n", " ").rstrip(".")
        rows.append((one.label, one.name, one.family, settings, summary))
    heads = ("loss", "name", "family", "settings", "what")
    if sys.stdout is None or not sys.stdout.isatty():
        lines = ["\t".join(row) for row in (heads, *rows)]
    else:
        widths = [max(len(row[place]) for row in (heads, *rows)) for place in (0, 2)]
        lines = [
            f"{row[0]:{widths[0]}}  {row[2]:{widths[1]}}  {row[3]}".rstrip()
            for row in (heads, *rows)
        ]
        room = screen_width()
        lines = [line if len(line) <= room else line[: room - 1] + "…" for line in lines]
    write_stdout("\n".join(lines) + "\n")
    return 0
