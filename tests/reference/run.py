"""Run reference cases through the public API: `python -m tests.reference.run [FILE ...]`.

Prints each difference and each case that was skipped because its loss or topic does not exist
yet; ends with `N passed, M failed, K skipped`. Exit status 1 on a failure, an unreadable file, or
when no case was run. Without a file, runs the copies beside this module.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.reference.cases import Case, Unknown, comparisons, name_of

HERE = Path(__file__).parent
OURS = tuple(HERE / name for name in ("losses.json", "statistics.json", "numerics.json"))


def load(path: Path) -> list[Case]:
    """The cases of a file: a list, or an object with `cases`. Raises ValueError otherwise."""
    data: Any = json.loads(path.read_text(encoding="utf-8"))
    cases = data.get("cases") if isinstance(data, dict) else data
    if not isinstance(cases, list) or not all(isinstance(case, dict) for case in cases):
        raise ValueError("it holds no list of cases")
    return cases


def differences(case: Case) -> list[str]:
    """What a case expects and lossctl does not give. Raises Unknown."""
    try:
        made = list(comparisons(case))
    except Unknown:
        raise
    except Exception as error:  # any exception is a finding about this one case
        return [f"raised {type(error).__name__}: {error}"]
    if not made:
        return ["nothing to compare"]
    return [str(one) for one in made if not one.holds]


def run(cases: Iterable[Case]) -> tuple[int, int, Counter[str]]:
    """How many passed and failed, and what was skipped."""
    passed = failed = 0
    skipped: Counter[str] = Counter()
    for index, case in enumerate(cases):
        try:
            found = differences(case)
        except Unknown as unknown:
            skipped[str(unknown)] += 1
            continue
        passed, failed = passed + (not found), failed + bool(found)
        for line in found:
            print(f"FAILED {name_of(case, index)}: {line}")
    return passed, failed, skipped


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    cases: list[Case] = []
    for path in map(Path, arguments) if arguments else OURS:
        try:
            cases += load(path)
        except (OSError, ValueError) as problem:
            print(f"{path} cannot be read: {problem}")
            return 1
    passed, failed, skipped = run(cases)
    for what, count in sorted(skipped.items()):
        print(f"skipped, does not exist yet: {what} ({count})")
    print(f"{passed} passed, {failed} failed, {sum(skipped.values())} skipped")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
