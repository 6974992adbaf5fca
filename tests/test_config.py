"""What files and the environment tell a gate: precedence, sources, and what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lossctl.cli.check import check
from lossctl.cli.configured import CHOOSING, HIDING, _key
from lossctl.cli.plain import parameters_of
from lossctl.cli.settled import DISPLAY, REQUIRING
from lossctl.config import LARGEST, Key, read
from lossctl.errors import UsageError
from tests.test_cli import Result, failed, write
from tests.test_cli import lossctl as command

program = command  # a fixture: the program in this process
ROOT = Path(__file__).parent.parent

KEYS = {one.name: _key(one) for one in parameters_of(check)}
ALLOWED = {name: key for name, key in KEYS.items() if name not in CHOOSING + HIDING}
FILES = 'preds = "p.csv"\ntargets = "y.csv"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: predictions about 0.5 off, a baseline 0.2, and nothing in the
    environment."""
    for name in os.environ:
        if name.startswith("LOSSCTL_"):
            monkeypatch.delenv(name)
    rows = range(60)
    for name, off, parts in (("p", 0.5, 3), ("base", 0.2, 7)):
        errors = [(off + row % parts / 100) * (1 if row % 2 else -1) for row in rows]
        lines = [f"r{row},{row + error}" for row, error in zip(rows, errors, strict=True)]
        write(tmp_path / f"{name}.csv", "\n".join(["id,pred", *lines]) + "\n")
    lines = [f"r{row},{row},{row // 30},{row % 3}" for row in rows]
    write(tmp_path / "y.csv", "\n".join(["id,target,half,third", *lines]) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(text: str, name: str = "lossctl.toml") -> None:
    write(Path(name), f"[check]\n{text}\n")


def sources(result: Result) -> dict[str, str]:
    assert result.status in (0, 1, 4), result.err
    return {one["requirement"]: one["source"] for one in result.json["gate"]["checks"]}


def notes(result: Result) -> list[tuple[str, bool]]:
    return [(one["text"], one["warning"]) for one in result.json["notes"]]


# --- layers and their order ---------------------------------------------------------------------


def test_a_file_is_the_whole_gate(program, folder):
    table(FILES + 'max = { mae = 0.6 }\nmin = ["r2=0.5"]\nmin-samples = 5')
    result = program("check", "-f", "json")
    assert (result.status, result.err) == (0, "")
    assert sources(result) == dict.fromkeys(["mae <= 0.6", "r2 >= 0.5", "rows >= 5"],
                                            "lossctl.toml [check]")  # fmt: skip
    assert ("lossctl.toml [check] sets preds = 'p.csv', targets = 'y.csv'", False) in notes(result)


def test_requirements_accumulate_and_the_later_replaces_the_same(program, folder, monkeypatch):
    table(
        FILES
        + 'max = { mae = 0.61, rmse = 0.62 }\nmin = { r2 = 0.1 }\nrequire = ["mae@half=1 < 9"]'
        '\n[suite.nightly]\nmax = { mae = 0.63 }\nmax-dropped = "1%"'
    )
    monkeypatch.setenv("LOSSCTL_MAX", "mae=0.64\n\n rmse@half=0=9 \n")
    general, nightly = "lossctl.toml [check]", "lossctl.toml [suite.nightly]"
    result = program("check", "--suite", "nightly", "-f", "json", "--require", "mae < 0.65")
    assert sources(result) == {
        "mae < 0.65": f"option, over LOSSCTL_MAX: 0.64, over {nightly}: 0.63, over {general}: 0.61",
        "rmse <= 0.62": general,
        "r2 >= 0.1": general,
        "mae@half=1 < 9": general,
        "dropped <= 1%": nightly,
        "rmse@half=0 <= 9": "LOSSCTL_MAX",
    }
    assert any(text.startswith("mae < 0.65: option, over LOSSCTL_MAX") for text, _ in notes(result))


SAME = [  # what stands in the file, on the line, and whether the second replaces the first
    ('max = { mae = 1 }', ("--max", "absolute_error=2"), True),
    ('max = { "huber:delta=2" = 1 }', ("--max", "huber:delta=2.0=2"), True),
    ('max = { huber = 1 }', ("--max", "huber:delta=2=2"), False),
    ('max = { mae = 1 }', ("--min", "mae=0.1"), False),
    ('max = { mae = 1 }', ("--warn-max", "mae=2"), False),
    ('warn-max = { mae = 1 }', ("--max", "mae=2"), False),
    ('warn-max = { mae = 1 }', ("--warn-require", "mae < 2"), True),
    ('max = { mae = 1 }', ("--max", "p95(mae)=2"), False),
    ('max = { "median(mae)" = 1 }', ("--max", "p50(mae)=2"), True),
    ('max-row-loss = { mae = 1 }', ("--require", "max(mae) < 2"), True),
    ('max = { mae = 1 }', ("--max", "mae@half=1=2"), False),
    ('max = { "mae@half=1&third!=0" = 1 }', ("--max", "mae@third!=0&half=1=2"), True),
    ('max = { mae = 1 }', ("--max-increase", "mae=50%", "--baseline", "base.csv"), False),
    ('max-increase = { mae = 1 }\nbaseline = "base.csv"', ("--max-increase", "mae=50%"), True),
    ('max-regressed-rows = { mae = 1 }\nbaseline = "base.csv"',
     ("--require", "regressed_rows(mae, 0.2) <= 2"), False),
    ('max-regressed-rows = 30\nbaseline = "base.csv"', ("--max-regressed-rows", "25"), True),
    ('max-dropped = "1%"', ("--max-dropped", "3"), True),
    ('min-samples = 3', ("--require", "rows > 1"), True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "replaced"), SAME)
def test_which_requirements_are_the_same(program, folder, text, options, replaced):
    table(FILES + text)
    found = sources(program("check", *options, "-f", "json"))
    assert len(found) == (1 if replaced else 2)
    over = [source for source in found.values() if ", over lossctl.toml [check]: " in source]
    assert len(over) == (1 if replaced else 0)


def test_requirements_of_one_layer_all_count(program, folder):
    result = program("check", "p.csv", "y.csv", "--max", "mae=0.6", "--max", "rmse=1",
                     "--max", "mae=0.4", "-f", "json")  # fmt: skip
    assert sources(result) == dict.fromkeys(["mae <= 0.6", "rmse <= 1", "mae <= 0.4"], "option")
    assert result.status == 1
    table(FILES + 'max = ["mae=0.4", "mae=0.3"]')
    found = sources(program("check", "--max", "mae=0.6", "-f", "json"))
    assert found == {
        "mae <= 0.6": "option, over lossctl.toml [check]: 0.4, over lossctl.toml [check]: 0.3"
    }


def test_other_values_are_replaced(program, folder, monkeypatch):
    """A text, a list and a text with a default, in every layer."""
    table(
        FILES + 'max = { mae = 1 }\nmax-increase = { mae = 1 }\nbaseline = "base.csv"\n'
        'confidence = "80%"\nwhere = ["half == 0"]\nnan = "drop"\n'
        '[suite.s]\nconfidence = 0.85\nwhere = "half == 1"\nnan = "error"'
    )

    def interval(*options: str) -> tuple[float, int]:
        report = program("check", "-f", "json", *options).json
        return report["gate"]["checks"][1]["interval"]["confidence"], report["rows"]["scored"]

    def nans(*options: str) -> bool:
        return "nan:drop" in program("check", "-f", "json", *options).json["signature"]

    assert interval() == (0.8, 30)
    assert (nans(), nans("--suite", "s"), nans("--nan", "error")) == (True, False, False)
    assert interval("--suite", "s") == (0.85, 30)
    monkeypatch.setenv("LOSSCTL_CONFIDENCE", "0.9")
    monkeypatch.setenv("LOSSCTL_WHERE", "target != 0\ntarget != 1")
    monkeypatch.setenv("LOSSCTL_SUITE", "s")
    assert interval() == (0.9, 58)
    assert interval("--confidence", "99%", "--where", "target != 0") == (0.99, 59)
    monkeypatch.setenv("LOSSCTL_NAN", "drop")
    assert (nans(), nans("--nan", "error")) == (True, False)
    monkeypatch.setenv("LOSSCTL_CONFIDENCE", " ")  # as if it were not there
    assert interval() == (0.85, 58)


def test_switches(program, folder, monkeypatch):
    table(FILES + "max = { mae = 0.1 }\nexit-zero = true\n[suite.s]\nexit-zero = false")
    assert program("check").status == 0
    assert program("check", "--suite", "s").status == 1
    assert program("check", "--suite", "s", "--exit-zero").status == 0
    for text, status in (("true", 0), ("1", 0), ("false", 1), ("0", 1), ("", 0)):
        monkeypatch.setenv("LOSSCTL_EXIT_ZERO", text)
        assert program("check").status == status, text
    monkeypatch.setenv("LOSSCTL_EXIT_ZERO", "yes")
    failed(program("check"), 2, "LOSSCTL_EXIT_ZERO is 'yes'; it is true, false, 1 or 0")


def test_the_environment_alone(program, folder, monkeypatch):
    failed(program("check"), 2, "PREDS is given neither here nor in a configuration file")
    for name, text in (("PREDS", "p.csv"), ("TARGETS", "y.csv"), ("MAX", "mae=0.4"),
                       ("THREADS", "1"), ("WEIGHT_COL", "")):  # fmt: skip
        monkeypatch.setenv(f"LOSSCTL_{name}", text)
    result = program("check", "-f", "json")
    assert (result.status, sources(result)) == (1, {"mae <= 0.4": "LOSSCTL_MAX"})
    assert ("LOSSCTL_PREDS sets preds = 'p.csv'", False) in notes(result)
    monkeypatch.setenv("LOSSCTL_FORMAT", "tsv")
    assert program("check").out.startswith("requirement\t")
    monkeypatch.setenv("LOSSCTL_HORIZON", "two")
    failed(program("check"), 2, "LOSSCTL_HORIZON is 'two'; it is a whole number")


def test_a_misspelt_variable_is_told(program, folder, monkeypatch):
    line = ("check", "p.csv", "y.csv", "--max", "mae=0.6")
    monkeypatch.setenv("LOSSCTL_SOMETHING_ELSE", "1")
    assert program(*line).err == ""
    monkeypatch.setenv("LOSSCTL_MAX_INCRESE", "mae=1%")
    said = "lossctl: note: no option reads LOSSCTL_MAX_INCRESE; nearest: LOSSCTL_MAX_INCREASE\n"
    assert program(*line).err == said
    assert program(*line, "-q").err == ""


def test_an_error_about_a_value_names_where_it_stands(program, folder, monkeypatch):
    for text, said in (
        ('nan = "dropp"', "[check]: --nan is dropp; it is one of"),
        ("confidence = true", "[check] confidence is a switch"),
        ('confidence = "x"', "[check]: --confidence is x"),
        ("precision = 50", "[check]: -p is 50"),
        ("max = { rmsee = 1 }", "[check]: --max rmsee=1: no loss is called rmsee; nearest: rmse"),
        ("max = { mae = nan }", "[check]: --max mae=nan: the limit in"),
        ("max = { mae = -inf }", "[check]: --max mae=-inf: the limit in"),
    ):
        table(f"{FILES}min = {{ r2 = 0 }}\n{text}")
        failed(program("check"), 2, f"lossctl.toml {said}")
    table(FILES + "max = { mae = 1 }")
    failed(program("check", "--nan", "dropp"), 2, "lossctl: --nan is dropp")
    monkeypatch.setenv("LOSSCTL_NAN", "dropp")
    failed(program("check"), 2, "LOSSCTL_NAN: --nan is dropp")


# --- which file ---------------------------------------------------------------------------------


def test_pyproject(program, folder):
    text = '[tool.lossctl.check]\n{}max = {{ mae = 0.6 }}\n[tool.lossctl.suite."a b"]\nmax.r2 = 2'
    write(folder / "pyproject.toml", text.format(FILES))
    general, suite = (
        "pyproject.toml [tool.lossctl.check]",
        'pyproject.toml [tool.lossctl.suite."a b"]',
    )
    assert sources(program("check", "-f", "json")) == {"mae <= 0.6": general}
    found = sources(program("check", "-f", "json", "--suite", "a b"))
    assert found == {"mae <= 0.6": general, "r2 <= 2": suite}
    table(FILES)
    failed(program("check"), 2, "lossctl.toml and [tool.lossctl] of pyproject.toml are both there")
    found = sources(program("check", "-f", "json", "--config", "pyproject.toml"))
    assert found == {"mae <= 0.6": general}


@pytest.mark.parametrize("text", ["", "[tool.ruff]\n", "not TOML", b"\xff\xfe", "[tool]\nx = 1",
                                  "[project]\nname = 'lossctl'\n"])  # fmt: skip
def test_a_pyproject_of_others_does_not_matter(program, folder, text):
    write(folder / "pyproject.toml", text)
    assert program("check", "p.csv", "y.csv", "--max", "mae=0.6").status == 0
    failed(program("check", "--config", "pyproject.toml"), 2, "pyproject.toml has no table [tool.")
    table(FILES + "max = { mae = 0.6 }")
    assert program("check").status == 0


def test_only_the_current_folder_is_looked_at(program, folder, monkeypatch):
    table(FILES + "max = { mae = 0.6 }")
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    failed(program("check"), 2, "PREDS is given neither here")


def test_which_file_is_chosen(program, folder, monkeypatch):
    table(FILES + "max = { mae = 0.6 }")
    table(FILES + "max = { rmse = 0.6 }", "other.toml")

    def chosen(*options: str) -> set[str]:
        return set(sources(program("check", "-f", "json", *options)).values())

    assert chosen() == {"lossctl.toml [check]"}
    assert chosen("--config", "other.toml") == {"other.toml [check]"}
    monkeypatch.setenv("LOSSCTL_CONFIG", "other.toml")
    assert chosen() == {"other.toml [check]"}
    assert chosen("--config", "lossctl.toml") == {"lossctl.toml [check]"}
    failed(program("check", "--no-config"), 2, "PREDS is given neither here")
    monkeypatch.setenv("LOSSCTL_NO_CONFIG", "1")
    failed(program("check"), 2, "LOSSCTL_CONFIG and LOSSCTL_NO_CONFIG exclude each other")
    assert chosen("--config", "lossctl.toml") == {"lossctl.toml [check]"}
    monkeypatch.setenv("LOSSCTL_NO_CONFIG", "0")
    assert chosen() == {"other.toml [check]"}
    failed(program("check", "--config", "a.toml", "--no-config"), 2,
           "--config and --no-config exclude each other")  # fmt: skip


def test_suites_that_are_not_there(program, folder, monkeypatch):
    table(FILES + "max = { mae = 0.6 }")
    failed(program("check", "--suite", "nightly"), 2, "has no suite 'nightly'; it has none")
    table(FILES + "[suite.nightly]\n[suite.quick]")
    failed(program("check", "--suite", "nigthly"), 2, "'nigthly'; nearest: nightly")
    failed(program("check", "--suite", "x"), 2, "'x'; it has nightly, quick")
    failed(program("check", "--suite", ""), 2, "has no suite ''")
    line = ("check", "p.csv", "y.csv", "--max", "mae=0.6", "--no-config")
    failed(program(*line, "--suite", "quick"), 2, "--suite is 'quick', but no configuration")
    monkeypatch.setenv("LOSSCTL_SUITE", "quick")
    failed(program(*line), 2, "LOSSCTL_SUITE is 'quick', but no configuration is read")


def test_files_that_cannot_be_read(program, folder):
    failed(program("check", "--config", "none.toml"), 2, "none.toml cannot be read: No such file")
    failed(program("check", "--config", ""), 2, "'' cannot be read")
    failed(program("check", "--config", "/dev/zero"), 2, "/dev/zero is no regular file")
    here = folder / "lossctl.toml"
    here.mkdir()
    failed(program("check"), 2, "lossctl.toml is no regular file")
    here.rmdir()
    os.mkfifo(here)  # opening it would wait for a writer
    failed(program("check"), 2, "lossctl.toml is no regular file")
    here.unlink()
    here.symlink_to("gone.toml")
    failed(program("check"), 2, "lossctl.toml cannot be read: No such file")
    here.unlink()
    write(here, "#" * LARGEST)
    failed(program("check"), 2, "PREDS is given neither")
    write(here, "#" * (LARGEST + 1))
    failed(program("check"), 2, f"has more than {LARGEST} bytes")


# --- what a file may hold -----------------------------------------------------------------------

PLAIN = {
    "max": Key("max", str, many=True, pairs=True),
    "where": Key("where", str, many=True),
    "pred_col": Key("pred_col", str),
    "top": Key("top", int),
    "strict": Key("strict", bool),
}

WRONG: list[tuple[str | bytes, str]] = [
    ("\nx y", r"is not TOML: .*\(at line 2, column 3\)"),
    ("[check]\nmax = 1\nmax = 2", "is not TOML: Cannot overwrite"),
    ("[check]\nmax = ", r"is not TOML: .*\(at "),
    (b"[check]\nmax = '\xff'", r"not UTF-8 \(at line 2, column 8\)"),
    ("a = " + "[" * 100_000, "brackets in brackets, too deep"),
    ("[check]\ntop = " + "9" * 5000, "a number that is too long"),
    ("[check]\npred-col = 0x" + "f" * 5000, r"\[check\] pred-col is a number that is too long"),
    ("x = 1\n" + "a." * 5000 + "b = 1", r"more than 30 parts \(at line 2\)"),
    ("[" + "'a' . " * 5000 + "b]", r"more than 30 parts \(at line 1\)"),
    ("[chek]", "no table is called 'chek'; nearest: check"),
    ("[suites.nightly]", "no table is called 'suites'; nearest: suite"),
    ("[other]", r"no table is called 'other'; there are \[check\] and \[suite.NAME\]"),
    ("max = 1", r"no table is called 'max'; put it under \[check\]"),
    ("pred-col = 1", r"'pred-col'; put it under \[check\]"),
    ("check = 1", r"\[check\] is a number, not a table"),
    ("[[check]]", r"\[check\] is a list, not a table"),
    ("suite = 'nightly'", r"\[suite\] is a text, not a table"),
    ("[suite]\nnightly = true", r"\[suite.nightly\] is a switch, not a table"),
    ("[suite.a]\nmx = 1", r"\[suite.a\]: no key is called 'mx'; nearest: max"),
    ("[check]\nzzz = 1", "no key is called 'zzz'; keys are the long options"),
    ("[check]\nMAX = 1", "no key is called 'MAX'"),
    ("[check]\npred_cols = 1", "no key is called 'pred_cols'; nearest: pred-col"),
    ("[check]\npred-col = 1\npred_col = 2", "pred-col is there twice"),
    ("[check]\nstrict = 'true'", r"\[check\] strict is a text; it is true or false"),
    ("[check]\nstrict = 1", "strict is a number; it is true or false"),
    ("[check]\ntop = '3'", "top is a text; it is a whole number"),
    ("[check]\ntop = 3.0", "top is a number; it is a whole number"),
    ("[check]\ntop = true", "top is a switch; it is a whole number"),
    ("[check]\npred-col = true", "pred-col is a switch; it is a text or a number"),
    ("[check]\npred-col = ['a']", "pred-col is a list; it is a text or a number"),
    ("[check]\npred-col = 1979-05-27", "pred-col is a date or a time"),
    ("[check]\nwhere = { a = 1 }", "where is a table; it is a text or a number"),
    ("[check]\nwhere = [['a']]", "where is a list; it is a text or a number"),
    ("[check]\nmax = { a.b = 1 }", "max 'a' is a table; .*; a name with a dot stands in quotes"),
    ("[check]\nmax = { a = [1] }", "max 'a' is a list"),
    ("[check]\nmax = [{ a = 1 }]", "max is a table"),
    ("[check]\nmax = { a = false }", "max 'a' is a switch"),
    ("[check]\nmax = [true]", "max is a switch"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_refused(text, said):
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(UsageError, match=f"^f.toml.*{said}"):
        read(data, "f.toml", PLAIN)


def test_what_is_refused_in_a_pyproject():
    for text, said in (
        ("tool = 'lossctl'", r"\[tool\] is a text, not a table"),
        ("[tool]\nlossctl = 1", r"\[tool.lossctl\] is a number"),
        ("[tool.lossctl.chek]", "'tool.lossctl.chek'; nearest: check"),
        ("[tool.lossctl]\nmax = 1", r"'tool.lossctl.max'; put it under \[tool.lossctl.check\]"),
        ("[tool.lossctl.check]\nmx = 1", r"\[tool.lossctl.check\]: no key is called 'mx'"),
    ):
        with pytest.raises(UsageError, match=f"^x/pyproject.toml.*{said}"):
            read(text.encode(), "x/pyproject.toml", PLAIN)


@pytest.mark.parametrize(("text", "name", "value"), [
    ("max = 'a=1'", "max", ["a=1"]),
    ("max = ['a=1', 'b=2']", "max", ["a=1", "b=2"]),
    ("max = []", "max", []),
    ("max = { a = 1, 'p95(b)' = 2.50, c = '2%' }", "max", ["a=1", "p95(b)=2.5", "c=2%"]),
    ("max.a = 1\nmax.'b@x=1' = 1e-3", "max", ["a=1", "b@x=1=0.001"]),
    ("max = 5", "max", ["5"]),
    ("where = [7]", "where", ["7"]),
    ("pred-col = 2", "pred_col", "2"),
    ("pred_col = 'a b'", "pred_col", "a b"),
    ("pred-col = '$HOME ${x} %(y)s ~'", "pred_col", "$HOME ${x} %(y)s ~"),  # nothing is expanded
    ("top = -3", "top", -3),
    ("strict = false", "strict", False),
])  # fmt: skip
def test_what_is_understood(text, name, value):
    found = read(f"\ufeff[check]\n{text}\n[suite.s]\r\n{text}".encode(), "f.toml", PLAIN)
    for layer, source in zip(found.layers("s"), ("[check]", "[suite.s]"), strict=True):
        assert list(layer) == [name]
        assert (layer[name].value, layer[name].source) == (value, f"f.toml {source}")
        assert type(layer[name].value) is type(value)


def test_long_texts_with_dots_are_no_long_keys():
    versions = ", ".join(f"'package>=1.{one}.3'" for one in range(200))
    text = f"[check]\nwhere = [{versions}]\npred-col = '{'x' * 100_000}'"
    assert len(read(text.encode(), "f.toml", PLAIN).general["where"].value) == 200


# --- the keys -----------------------------------------------------------------------------------


def test_the_keys_are_the_long_options():
    long = {name[2:] for one in parameters_of(check) for name in getattr(one.declared, "names", ())
            if name.startswith("--")}  # fmt: skip
    assert {str(key) for key in KEYS.values()} == long | {"preds", "targets"}
    assert {option.replace("-", "_") for option in REQUIRING} | set(DISPLAY) <= set(KEYS)


@pytest.mark.parametrize("name", [*CHOOSING, *HIDING])
def test_some_options_are_no_keys(program, folder, name):
    value = "true" if KEYS[name].kind is bool else "'x'"
    table(f"{FILES}max = {{ mae = 1 }}\n{name} = {value}")
    failed(program("check"), 2, f"lossctl.toml [check]: no key is called '{name}'")


def test_which_options_hold_paths_and_pairs():
    """A new option of this kind must be thought of here."""
    assert {str(key) for key in ALLOWED.values() if key.path is not None} == {
        "preds", "targets", "baseline", "role", "class-weight", "output", "export",
        "sequential"}  # fmt: skip
    assert {str(key) for key in ALLOWED.values() if key.pairs} == {
        *(level + kind for level in ("", "warn-") for kind in (
            "max", "min", "max-increase", "max-regressed-rows", "max-row-loss")),
        "role", "export"}  # fmt: skip


# --- paths --------------------------------------------------------------------------------------

AWAY = [
    "../y.csv", "/etc/passwd", "sub/../../y.csv", "..", "link/y.csv", "loop", "y.csv:../../../z",
    "../y.csv:target", "http://host/y.csv", "s3://y.csv", "file:///y.csv", "y\0.csv", "",
]  # fmt: skip
FORMS = {"role": "train={}", "export": "md={}"}


@pytest.mark.parametrize("key", [str(key) for key in ALLOWED.values() if key.path is not None])
@pytest.mark.parametrize("away", AWAY)
def test_paths_stay_below_the_folder_of_the_file(program, folder, key, away):
    (folder / "gate").mkdir()
    (folder / "gate" / "link").symlink_to("..")
    (folder / "gate" / "loop").symlink_to("loop")
    forms = ["{}", FORMS[key]] if key == "export" else [FORMS.get(key, "{}")]
    for form in forms:
        text = json.dumps(form.format(away))
        table(f"max = {{ mae = 1 }}\n{key} = {text}", "gate/gate.toml")
        line = ("p.csv", "y.csv") if key not in ("preds", "targets") else ()
        failed(program("check", *line, "--config", "gate/gate.toml"), 2,
               f"gate/gate.toml [check] {key} is ", "folder of the configuration")  # fmt: skip
    assert not (folder / "y.csv").is_symlink()
    assert (folder / "y.csv").read_text().startswith("id,target")


def test_paths_are_relative_to_the_file(program, folder, monkeypatch):
    (folder / "gate" / "in").mkdir(parents=True)
    for name in ("p", "y", "base"):
        (folder / f"{name}.csv").rename(folder / "gate" / f"{name}.csv")
    table(
        'preds = "in/../p.csv"\ntargets = "./y.csv"\nbaseline = "base.csv:pred"\n'
        'export = { json = "r.json", "md+" = "r.md" }\nmax-increase = { mae = "200%" }\n'
        'max = { mase = 9 }\nrole = ["train=y.csv:target"]',
        "gate/gate.toml",
    )
    for place, config in ((folder, "gate/gate.toml"), (folder / "gate" / "in", "../gate.toml")):
        monkeypatch.chdir(place)
        result = program("check", "--config", config, "-f", "tsv")
        assert result.status == 0, result.err
        assert f"\t{config} [check]\t" in result.out
        assert json.loads((folder / "gate" / "r.json").read_text())["gate"]["outcome"] == "met"
        (folder / "gate" / "r.json").unlink()
        (folder / "gate" / "r.md").unlink()


def test_streams(program, folder):
    with (folder / "p.csv").open("rb") as file:
        table('preds = "-"\ntargets = "y.csv"\nmax = { mae = 1 }\noutput = "-"\n'
              'export = "github=-"\nformat = "md"')  # fmt: skip
        done = subprocess.run([sys.executable, "-m", "lossctl", "check"], stdin=file,
                              capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    for key in ("targets", "baseline", "class-weight"):
        table(f'preds = "p.csv"\n{key} = "-"\nmax = {{ mae = 1 }}')
        failed(program("check"), 2, f"[check] {key} is '-'")


def test_one_suite_a_run(program, folder, monkeypatch):
    Path("lossctl.toml").write_text("[suite.a]\nmax = { mae = 1 }\n[suite.b]\nmax = { mae = 2 }\n")
    assert program("check", "p.csv", "y.csv", "--suite", "a").status == 0
    failed(program("check", "p.csv", "y.csv", "--suite", "a", "--suite", "b"), 2, "one suite a run")
    monkeypatch.setenv("LOSSCTL_SUITE", "b")
    assert program("check", "p.csv", "y.csv").status == 0


@pytest.mark.parametrize("name", ["SELF_TEST", "SUGGEST"])
def test_no_variable_turns_the_gate_off(program, folder, monkeypatch, name):
    monkeypatch.setenv(f"LOSSCTL_{name}", "true")
    failed(program("check", "p.csv", "y.csv", "--max", "mae=0"), 2, "nothing is gated with it")


def test_class_weights_may_be_balanced(program, folder):
    table(FILES + 'class-weight = "balanced"\nmax = { mae = 1 }')
    failed(program("check"), 2, "--class-weight balanced: no loss here has that setting")


# --- a configuration from a pull request --------------------------------------------------------

GATE = ("check", "p.csv", "y.csv", "--max", "mae=0.45", "--max-increase", "mae=1%", "--baseline",
        "base.csv")  # fmt: skip
HOSTILE: dict[str, Any] = {
    "preds": "y.csv", "targets": "p.csv", "baseline": "p.csv",
    "max": {"mae": 9}, "min": {"mae": 0}, "require": ["mae < 9"], "max-increase": {"mae": "900%"},
    "max-regressed-rows": 900, "max-row-loss": {"mae": 9}, "max-dropped": "99%", "min-samples": 0,
    "warn-max": {"mae": 9}, "warn-min": {"mae": 0}, "warn-require": ["mae < 9"],
    "warn-max-increase": {"mae": "900%"}, "warn-max-regressed-rows": 900,
    "warn-max-row-loss": {"mae": 9}, "warn-max-dropped": "99%", "warn-min-samples": 0,
    "sequential": "looks.json", "first-row": 7,
    "confidence": 0.999999, "cluster": "half", "time": "target", "horizon": 2, "strict": True,
    "naive": True, "allow-undecided": True, "error-on-warning": False, "exit-zero": True,
    "task": "quantile", "like": "torch", "reduction": "sum", "multioutput": "pooled",
    "pred-col": "half", "target-col": "half", "weight-col": "half", "id-col": "half",
    "role": "train=y.csv", "from-logits": True, "labels": "a,b", "positive": "a", "classes": 2,
    "ignore-index": 0, "class-weight": "balanced", "boxes": "xyxy", "layout": "TBC", "on": "id",
    "by-row": True, "nan": "drop", "missing": "drop", "duplicates": "first",
    "where": "target == 3", "input-format": "tsv", "encoding": "latin-1", "delimiter": ";",
    "no-header": True,
    "format": "json", "output": "out.txt", "export": "md=out.md", "precision": 2,
    "color": "always", "verbose": True, "threads": 1, "block-rows": 3, "spool-limit": 10**6,
}  # fmt: skip


def test_every_key_has_a_hostile_value():
    assert set(HOSTILE) == {str(key) for key in ALLOWED.values()}


@pytest.mark.parametrize("form", ["tsv", "table", "json"])
@pytest.mark.parametrize("key", HOSTILE)
def test_a_file_of_a_pull_request_loosens_nothing_unseen(program, folder, monkeypatch, key, form):
    """The gate stands on the line: a file adds to it, and what else it changes is told, or an
    error; without the file nothing has changed."""
    monkeypatch.setenv("COLUMNS", "160")  # a narrow table leaves sources out
    line = (*GATE, *(() if key == "format" else ("-f", form)))
    honest = program(*line)
    assert honest.status == 1
    value = HOSTILE[key]
    inline = json.dumps(value)
    if isinstance(value, dict):
        (pair,) = value.items()
        inline = f"{{ {pair[0]} = {json.dumps(pair[1])} }}"
    table(f"{key} = {inline}")
    again = program(*line, "--no-config")
    assert (again.status, again.out, again.err) == (honest.status, honest.out, honest.err)
    result = program(*line)
    if key.replace("-", "_") in DISPLAY:  # no outcome depends on these
        assert result.status == 1
        return
    if key in ("preds", "targets", "baseline", "max-increase"):  # the line has said them
        assert result.status == 1
        assert "over lossctl.toml [check]: 900%" in result.out or result.out == honest.out
        return
    if key == "error-on-warning":  # false: as if it were not there
        assert result.status == 1
        return
    assert (result.out, result.err) != (honest.out, honest.err)
    if result.status in (2, 3):
        assert result.out == ""
        return
    assert "lossctl.toml [check]" in result.out + result.err
    if key in REQUIRING:  # nothing stands above what the line says
        assert result.status == 1
    elif form == "tsv":
        assert f"lossctl.toml [check] sets {key} = " in result.err


def test_what_a_file_sets_stands_out_beside_requirements_of_others(program, folder, monkeypatch):
    table("exit-zero = true\nwhere = ['target != 0', 'target != 1']")
    said = "lossctl.toml [check] sets exit-zero = true, where = 'target != 0', 'target != 1'"
    line = ("check", "p.csv", "y.csv", "--max", "mae=0.4")
    assert program(*line, "-f", "tsv").err == f"lossctl: note: {said}\n"
    assert (said, True) in notes(program(*line, "-f", "json"))
    table(FILES + "exit-zero = true\nmax = { mae = 0.4 }")  # the gate is its own
    assert program("check", "-f", "tsv").err == ""
    monkeypatch.setenv("LOSSCTL_MAX", "rmse=1")
    assert "sets" in program("check", "-f", "tsv").err


# --- what it costs, and its page ----------------------------------------------------------------

WATCH = """
import sys
from lossctl.cli import run
status = run(["check", "p.csv", "y.csv", "--max", "mae=1"])
print(status, *(name for name in ("tomllib", "lossctl.cli.configured") if name in sys.modules))
"""


def test_without_a_configuration_nothing_is_loaded_for_it(folder):
    def loaded() -> str:
        done = subprocess.run([sys.executable, "-c", WATCH], capture_output=True, text=True,
                              check=True)  # fmt: skip
        return done.stdout.splitlines()[-1]

    assert loaded() == "0"
    write(folder / "pyproject.toml", "[project]\n")
    assert loaded() == "0 lossctl.cli.configured"
    write(folder / "pyproject.toml", "[tool.lossctl]\n")
    assert loaded() == "0 tomllib lossctl.cli.configured"


def test_the_page_shows_files_that_are_understood():
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) > 1
    for text in shown:
        file = "pyproject.toml" if "[tool." in text else "lossctl.toml"
        assert read(text.encode(), file, ALLOWED) is not None
