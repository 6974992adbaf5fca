"""The walls of the house: imports point one way, each library has its place, modules stay small.

Everything here is read from the source, imports inside functions and under TYPE_CHECKING too.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "lossctl"
SAMPLES = ROOT / "sample_data" / "diabetes"

# Each may import from those above it. A package counts as one, and its modules import each other
# in any order that has no cycle.
ORDER = [
    "lossctl", "errors", "config", "strict_json", "listing", "arrays", "sequences", "numerics",
    "softmax", "ctc",
    "edits",
    "aligned", "vectors", "overlap", "rectangles", "exact", "twofold", "binned", "states",
    "keyed", "rounds", "moments", "gram", "units", "ranges", "selection", "student", "reductions",
    "settings", "probabilities", "divergence", "roles", "signature", "loss", "losses", "spec",
    "grammar", "hashing", "extras", "batch", "models", "terms", "partial", "readers", "grouping",
    "plan", "where", "percent", "classes", "choose", "needs", "charts", "tables", "results",
    "checks",
    "report", "align",
    "filled", "keys", "join", "wholes", "naming", "carried", "binding", "panel", "columns",
    "answered", "batches", "shown", "candidates", "defaults", "tasks", "flat", "few", "engines",
    "spool", "passes", "analyses", "notes", "scoring", "shards", "gates", "stats", "run",
    "gate", "samples",
    "applicable", "inspection", "points", "curves", "influence", "explain", "renderers",
    "writers", "frames", "api", "testing", "cli", "__main__",
]  # fmt: skip

# (from, to): why it may point upward. All are made when they are used, not when the module loads.
UPWARD = {
    ("loss", "losses"): "the registry is filled when it is first asked",
    ("settings", "grammar"): "a nested loss is given as its text",
    ("report", "frames"): "Report.to_frame; pandas stays out of everything else",
    ("report", "renderers"): "repr(report), in text and HTML",
    ("lossctl", "*"): "the public names, loaded when they are first used",
}

# Packages that see less than what lies above them.
ONLY = {
    "losses": {
        "errors",
        "arrays",
        "sequences",
        "numerics",
        "softmax",
        "overlap",
        "rectangles",
        "ctc",
        "edits",
        "vectors",
        "probabilities",
        "divergence",
        "settings",
        "loss",
        "losses",
    },
    "renderers": {
        "errors",
        "checks",
        "charts",
        "tables",
        "report",
        "inspection",
        "points",
        "curves",
        "influence",
        "explain",
        "listing",
        "renderers",
    },
    "engines": {"errors", "rounds", "batch", "flat", "engines"},
}

When = Literal["load", "use", "types"]

# Where a third-party library may be imported: as the module loads, or when a function is used.
LIBRARIES: dict[str, list[tuple[str, When]]] = {
    "numpy": [("", "load")],
    "typer": [("cli", "load")],
    "rich": [("renderers.table", "load"), ("cli", "use")],
    "pandas": [("frames", "load"), ("readers.csv", "use")],
    "pyarrow": [
        ("readers.parquet", "load"),
        ("readers", "use"),
        ("keys", "use"),
        ("join", "use"),
        ("batches", "use"),
        ("analyses.levels", "use"),
        ("writers", "use"),
    ],
    "scipy": [
        ("losses", "use"),
        ("analyses.decompositions.isotonic", "use"),
        ("stats.loss_efficiency", "use"),
    ],
    "rapidfuzz": [("edits", "use")],
}

# Nothing in the data acts, and nothing leaves the machine.
FORBIDDEN = {"pickle", "marshal", "shelve", "socket", "urllib", "http", "ftplib", "subprocess"}

LONGEST = 400


@dataclass(frozen=True)
class Import:
    """One import: `importer` and `name` without the leading `lossctl.`; `when` it happens."""

    importer: str
    name: str
    ours: bool
    when: When
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.name} ({self.when})"


def module_name(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "lossctl"


MODULES = {module_name(path): path for path in sorted(HOUSE.rglob("*.py"))}
PARSED = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def imports() -> Iterator[Import]:
    for importer, tree in PARSED.items():
        yield from _imports(importer, tree.body, "load")


def _imports(importer: str, nodes: list[ast.AST] | list[ast.stmt], when: When) -> Iterator[Import]:
    for node in nodes:
        inner: When = when
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _import(importer, alias.name, when, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{importer}:{node.lineno}: a relative import"
            for alias in node.names:
                yield _import(importer, f"{node.module}.{alias.name}", when, node.lineno)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # The text of a later import_module.
            if re.fullmatch(r"lossctl(\.[a-z_]+)+(:\w+)?", node.value):
                yield _import(importer, node.value.split(":")[0], "use", node.lineno)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _imports(importer, node.body, "types")
            yield from _imports(importer, node.orelse, when)
            continue
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            inner = "use"
        yield from _imports(importer, list(ast.iter_child_nodes(node)), inner)


def _import(importer: str, name: str, when: When, line: int) -> Import:
    top, _, rest = name.partition(".")
    if top != "lossctl":
        return Import(importer, name, False, when, line)
    while rest and rest not in MODULES:  # the name of something inside a module
        rest = rest.rpartition(".")[0]
    return Import(importer, rest or "lossctl", True, when, line)


IMPORTS = list(imports())


def storey(module: str) -> str:
    return module.partition(".")[0]


def test_every_module_has_its_place() -> None:
    assert {storey(name) for name in MODULES} <= set(ORDER)


def test_imports_point_one_way() -> None:
    place = {name: index for index, name in enumerate(ORDER)}
    wrong = []
    for one in IMPORTS:
        if not one.ours or storey(one.importer) == storey(one.name):
            continue
        pair = storey(one.importer), storey(one.name)
        allowed = (pair in UPWARD or (pair[0], "*") in UPWARD) and one.when != "load"
        if place[pair[1]] > place[pair[0]] and not allowed:
            wrong.append(str(one))
    assert not wrong, "\n".join(wrong)


def test_the_upward_imports_that_are_listed_exist() -> None:
    made = {(storey(one.importer), storey(one.name)) for one in IMPORTS if one.ours}
    assert {pair for pair in UPWARD if pair[1] != "*"} <= made


def test_packages_have_no_cycle() -> None:
    """Among the imports made as modules load."""
    eager: dict[str, set[str]] = {name: set() for name in MODULES}
    for one in IMPORTS:
        if one.ours and one.when == "load" and one.name != one.importer:
            eager[one.importer].add(one.name)
    for name in MODULES:
        # A package's own file is loaded before any of its modules: what it imports may not need it.
        reached, todo = set(), list(eager[name])
        while todo:
            other = todo.pop()
            if other not in reached:
                reached.add(other)
                todo += eager[other]
        assert name not in reached, f"{name} imports itself through {sorted(reached)}"


@pytest.mark.parametrize("package", ONLY)
def test_a_package_sees_only_what_it_needs(package: str) -> None:
    wrong = [
        str(one)
        for one in IMPORTS
        if one.ours
        and storey(one.importer) == package
        and one.when != "types"
        and storey(one.name) not in ONLY[package]
    ]
    assert not wrong, "\n".join(wrong)


def test_libraries_stay_in_their_places() -> None:
    wrong = []
    for one in IMPORTS:
        library = one.name.partition(".")[0]
        if one.ours or one.when == "types":
            continue
        if library in FORBIDDEN:
            wrong.append(f"{one}: nothing in lossctl needs it")
        elif library not in sys.stdlib_module_names and not _allowed(one, library):
            wrong.append(str(one))
    assert not wrong, "\n".join(wrong)


def _allowed(one: Import, library: str) -> bool:
    return any(
        one.importer.startswith(place) and (when == "load" or one.when == "use")
        for place, when in LIBRARIES.get(library, [])
    )


def test_nothing_is_evaluated_and_only_the_program_prints() -> None:
    wrong = []
    for name, tree in PARSED.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            called = node.func.id
            if called in ("eval", "exec", "compile", "__import__", "breakpoint") or (
                called in ("print", "input") and storey(name) != "cli"
            ):
                wrong.append(f"{name}:{node.lineno} calls {called}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", MODULES)
def test_modules_stay_small(name: str) -> None:
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())
    assert lines < LONGEST, f"{name} has {lines} lines"


# --- everything that is written ---------------------------------------------------------------

SUFFIXES = {".py", ".md", ".toml", ".txt", ""}
FOLDERS = ("lossctl", "tests", "docs", "benchmarks", "examples", "sample_data", ".ci")


def texts() -> Iterator[tuple[str, str]]:
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    for path in files:
        if path.suffix in SUFFIXES and "__pycache__" not in path.parts and path.name != ".git":
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


TEXTS = dict(texts())


def found(pattern: str) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in TEXTS.items()
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(pattern, line) and not name.endswith("test_architecture.py")
    ]


def test_nothing_is_left_to_do() -> None:
    assert len(TEXTS) > 100
    assert not found(r"\b(TODO|FIXME|XXX|HACK)\b")


def test_no_path_of_one_machine() -> None:
    assert not found(r"(?<![\w.])/(work|root|opt)/")


def test_every_exception_to_a_rule_says_why() -> None:
    """`# noqa: CODE  why` and `# type: ignore[code]  # why`."""
    bare_noqa = r"#\s*noqa(?!: [A-Z]+\d+(, [A-Z]+\d+)*\s+\S)"
    bare_ignore = r"#\s*type:\s*ignore(?!\[[\w, -]+\]\s+#\s*\S)"
    assert not [one for one in found(rf"{bare_noqa}|{bare_ignore}") if ".py:" in one]


def test_no_module_is_a_drawer() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "base"}
    assert not [name for name in MODULES if drawers & set(name.split("."))]


# --- what a process imports -------------------------------------------------------------------

HEAVY = ["numpy", "pandas", "pyarrow", "scipy", "rapidfuzz", "rich", "typer", "pydantic"]
WATCH = """
import sys
sys.argv = ["lossctl"]
{code}
heavy = {heavy}
print(*(name for name in heavy if name in sys.modules), file=sys.stderr)
"""


def imported(code: str, **environment: str) -> set[str]:
    """Which of the heavy libraries a fresh interpreter has loaded after `code`."""
    made = subprocess.run(
        [sys.executable, "-c", WATCH.format(code=code, heavy=HEAVY)],
        env={**os.environ, **environment},
        cwd=SAMPLES,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return set(made.stderr.split())


def command(*arguments: str, status: int = 0) -> str:
    return f"from lossctl.cli import run\nassert run({list(arguments)}) == {status}"


def test_import_lossctl_loads_nothing_heavy() -> None:
    assert imported("import lossctl") == set()


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_help_and_version_load_nothing_heavy(argument: str) -> None:
    assert imported(command(argument)) == {"typer"}


@pytest.mark.parametrize("name", ["eval", "inspect", "losses", "explain"])
def test_the_help_of_a_command_loads_nothing_heavy(name: str) -> None:
    assert imported(command(name, "--help")) - {"pydantic"} == {"typer"}


def test_explain_loads_numpy_only() -> None:
    assert imported(command("explain", "huber")) == {"numpy"}


@pytest.mark.parametrize("form", ["table", "tsv", "json"])
def test_the_list_of_losses_loads_nothing_heavy(form: str) -> None:
    assert imported(command("losses", "--task", "regression", "-f", form)) == set()


def test_completion_loads_nothing_heavy() -> None:
    code = (
        "from lossctl.cli.completion import complete_loss\nassert 'huber' in complete_loss('hub')"
    )
    assert imported(code) == set()


def test_eval_of_csv_loads_neither_pandas_nor_scipy() -> None:
    seen = imported(command("eval", "ridge.csv", "target.csv", "-f", "tsv"))
    assert seen == {"numpy", "pyarrow"}
    seen = imported(command("eval", "ridge.csv", "target.csv", "-f", "table"))
    assert seen == {"numpy", "pyarrow"}
    seen = imported(command("eval", "ridge.csv", "target.csv", "-f", "table", "--color", "always"))
    assert seen == {"numpy", "pyarrow", "rich"}


def test_eval_by_key_loads_neither_pandas_nor_scipy() -> None:
    seen = imported(command("eval", "ridge.csv", "target.csv", "--on", "id", "-f", "json"))
    assert seen == {"numpy", "pyarrow"}


def test_eval_of_npy_loads_numpy_only() -> None:
    assert imported(command("eval", "ridge.npy", "target.npy", "-f", "json")) == {"numpy"}


def test_eval_of_parquet_loads_neither_pandas_nor_scipy() -> None:
    seen = imported(command("eval", "ridge.parquet", "target.parquet", "-b", "-l", "huber"))
    assert seen == {"numpy", "pyarrow"}


def test_the_watch_sees_an_import() -> None:
    assert imported("import scipy") >= {"scipy"}


def test_completion_knows_every_output_format() -> None:
    from lossctl.cli.completion import complete_format
    from lossctl.renderers import FORMATS

    assert set(complete_format("")) == set(FORMATS)
