"""The table of docs/peers.md: `python -m tests.peers --write`; without it, to the terminal.

Needs all peers. Exit status 1 where a difference is larger than its class.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

from lossctl.loss import losses
from tests.peers import FLOAT32, PAIRS, Pair, absent, difference
from tests.peers.pair import LIBRARIES, SAMPLES, Told

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"
NAMES = {"torch": "PyTorch", "keras": "Keras", "sklearn": "scikit-learn", "optax": "optax"}
HEAD = f"""# Against torch, Keras, scikit-learn and optax

Written by `python -m tests.peers --write` (after `pip install -e '.[dev,peers]'`), which calls each
library on {SAMPLES} random samples (seeded), and `lossctl` with `--like` on the same. Settings are
those given besides `like`: {{}} is the library's call with all its defaults, `weight` says that
sample weights were given, a tenth of them 0, and `class_weight` weights of the classes. The largest
difference is relative to the library's number and rounded up to a power of ten. The class is what
the tests allow: 1e-12 where the library computes in float64, 1e-6 where it rounds to float32 inside
or, as said below its table, does what no setting of ours does. Keras is asked for float64, and runs
on its torch backend.

Where scikit-learn has no metric but a trainer, the loss function that the trainer descends
(`_sgd_fast`, `_loss`) is called one sample at a time.
"""


def shown(told: Told) -> str:
    """Settings as one piece of text."""
    said = [name if value is True and name in ("weight", "class_weight") else f"{name}={value}"
            for name, value in told.items()]  # fmt: skip
    return "{" + ", ".join(said) + "}"


def largest(pair: Pair) -> float:
    """The largest relative difference of a pair's trials."""
    return max(difference(pair, told) for told in pair.settings)


def rounded(size: float) -> str:
    """The next power of ten, none below 1e-15."""
    return f"1e{max(-15, math.ceil(math.log10(size) - 1e-9)) if size else -15:d}"


def rows(pair: Pair, found: str) -> str:
    """A pair as a row of its table."""
    tried = " ".join(f"`{shown(told)}`" for told in pair.settings)
    label = losses()[pair.loss].label
    cells = [f"`{label}`", f"`{pair.shown}`", tried, f"{pair.tolerance:.0e}", found]
    return "| " + " | ".join(cells) + " |"


def page(found: dict[str, str]) -> Iterator[str]:
    """The lines of the page, given each pair's largest difference."""
    yield HEAD
    for peer in LIBRARIES:
        pairs = [pair for pair in PAIRS if pair.peer == peer]
        yield f"## {NAMES[peer]}\n"
        yield "| loss | the library's | settings | class | largest |\n|---|---|---|---|---|"
        yield from (rows(pair, found[str(pair)]) for pair in pairs)
        for reason in dict.fromkeys(pair.reason for pair in pairs if pair.reason):
            having = [f"`{pair.shown}`" for pair in pairs if pair.reason == reason]
            whom = "" if len(having) > 8 else " for " + ", ".join(having)
            yield f"\nClass {FLOAT32:.0e}{whom}: {reason}."
        yield ""


def main(arguments: list[str]) -> int:
    """The exit status."""
    missing = [name for name in map(absent, LIBRARIES) if name is not None]
    if missing:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 1
    sizes = {str(pair): largest(pair) for pair in PAIRS}
    text = "\n".join(page({name: rounded(size) for name, size in sizes.items()})).rstrip() + "\n"
    if "--write" in arguments:
        PAGE.write_text(text, encoding="utf-8")
    else:
        print(text)
    beyond = [str(pair) for pair in PAIRS if sizes[str(pair)] > pair.tolerance]
    for name in beyond:
        print(f"beyond its class: {name} by {sizes[name]:.2g}", file=sys.stderr)
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
