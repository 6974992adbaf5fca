"""What must never pass: a gate that asks for what there is not, or for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.blocked import GOOD, Gate, alone
from tests.test_cli import lossctl, write

program = lossctl  # a fixture: the program in this process

FILES = ["p.csv", "y.csv", "--baseline", "base.csv"]
OPTIONS = {  # how a limit is written
    "max": "mae={}", "min": "r2={}", "require": "mae < {}", "max-increase": "mae={}",
    "max-regressed-rows": "mae={}", "max-row-loss": "mae={}", "max-dropped": "{}",
    "min-samples": "{}",
}  # fmt: skip
FINE = {"min": "-9", "min-samples": "9"}
LEVELS = ["", "warn-"]


@pytest.fixture
def gate(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    alone(monkeypatch, tmp_path)
    return Gate(tmp_path, program)


def test_what_is_varied_below_passes(gate: Gate) -> None:
    for option, text in OPTIONS.items():
        for level in LEVELS:
            gate.passes([*FILES, f"--{level}{option}", text.format(FINE.get(option, "99")),
                         "--max", "mae=1"])  # fmt: skip
    for line in (GOOD, f"{GOOD} --warn-require 'mae < 1e9'", "base.state --max mae=1"):
        gate.passes(line)


# --- limits that are none -----------------------------------------------------------------------

LIMITS = ["nan", "NaN", "-nan", "inf", "-inf", "Infinity", "1e999", "-1e999", "1e309%", "", " ",
          "none", "None", "null", "x", "0x1p3", "1_0", "1,5", "1e", "--1", "+-1", ".", "e5", "%",
          "5%%", "5 5", "mae", "2*3", "1/0", "__import__('os')", "\x1b[31m1", "1\n2"]  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_no_limit_that_is_none(gate: Gate, level: str, option: str, limit: str) -> None:
    line = [*FILES, "--max", "mae=1", f"--{level}{option}"]
    said = f"--{level}{option}" if "\x1b" not in limit else "\\x1b"
    gate.blocks(2, [*line, OPTIONS[option].format(limit)], said)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_no_limit_that_is_absent(gate: Gate, level: str, option: str) -> None:
    name = f"--{level}{option}"
    gate.blocks(2, [*FILES, name], name)
    texts = ["", " ", "=", "=1", "mae", "mae=", "r2", "< 3", "mae <", "mae == 3", "mae != 3",
             "mae = 3 =", "@region=EU", "@region=EU=3", "=="]  # fmt: skip
    for text in texts if option != "require" else [*texts, "mae=1", "mae < 1 < 2 x"]:
        gate.blocks(2, [*FILES, "--max", "mae=1", name, text])


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_no_option_is_guessed(gate: Gate, level: str, option: str) -> None:
    text = OPTIONS[option].format("99")
    for name in (f"--{level}{option}s", f"--{level}{option}"[:-1], f"--{level}{option}".upper(),
                 f"-{level}{option}"):  # fmt: skip
        gate.blocks(2, [*FILES, "--max", "mae=1", name, text])


@pytest.mark.parametrize("how", ["", "--naive", "--strict"])
@pytest.mark.parametrize("loss", ["mae", "mse", "rmse"])
def test_no_margin_is_too_large_to_be_judged(gate: Gate, loss: str, how: str) -> None:
    line = f"p.csv y.csv {how} --baseline base.csv --max-increase {loss}="
    gate.passes(f"{line}1e300")
    gate.blocks(1, f"{line}-1e300")
    for margin in ("1e160%", "1e308%"):  # squares of it are beyond 64 bits
        assert gate.run(f"{line}{margin}").status in (0, 4)
        assert gate.run(f"{line}-{margin}").status in (1, 4)


# --- what there is not --------------------------------------------------------------------------

UNKNOWN = [  # a quantity that nothing has, and what is said
    ("hubber", "huber"), ("MAE_", "MAE_"), ("rmse:delta=2", "delta"), ("huber:delta=-1", "delta"),
    ("huber:delta=nan", "delta"), ("", ""), ("mae,rmse", "mae"), ("*", ""), ("lossctl", ""),
    ("p101(mae)", "p101"), ("p95x(mae)", "p95x"), ("p-5(mae)", ""), ("meidan(mae)", "median"),
    ("avg(mae)", "avg"), ("max()", ""), ("max(max(mae))", ""), ("p95", ""), ("max(r2)", "r2"),
    ("increase(increase(mae))", ""), ("mae@", ""), ("mae@region", ""), ("mae@=EU", ""),
    ("mae@regoin=EU", "regoin"), ("mae@target.regoin=EU", "regoin"), ("mae@region<EU", "no order"),
    ("mae@region=EU@part=1", "@"), ("mae@region=EU&", ""),
    ("dropped@region=EU", "dropped"), ("scce", "scce"), ("mase", "train"),
    ("cer", "cer"), ("__import__('os')", ""), ("mae;rm -rf .", ""), ("$(touch x)", ""),
    ("::error::x", ""), ("##[error]x", ""), ("\x1b[2J", "\\x1b"), ("mae\n::error::x", ""),
]  # fmt: skip


@pytest.mark.parametrize(("quantity", "said"), UNKNOWN)
@pytest.mark.parametrize("level", LEVELS)
def test_no_quantity_that_is_none(gate: Gate, level: str, quantity: str, said: str) -> None:
    line = ["p.csv", "y.csv", "--max", "mae=1", f"--{level}require"]
    gate.blocks(2, [*line, f"{quantity} < 1e9"], said)


PLAIN = [  # a line, and what is said
    ("p.csv y.csv", "nothing is required"), ("p.csv", "nothing is required"), ("", "PREDS"),
    ("p.csv p.csv --pred-col pred --target-col pred --max mae=1", "at once"),
    ("--max mae=1", "PREDS"), ("p.csv y.csv --baseline base.csv", "nothing is required"),
    ("p.csv y.csv --strict --error-on-warning", "nothing is required"),
    ("p.csv y.csv --exit-zero", "nothing is required"),
    (f"{GOOD} --max-increase mae=2%", "none is named"),
    (f"{GOOD} --max-regressed-rows 60", "none is named"),
    (f"{GOOD} --warn-max-increase mae=2%", "none is named"),
    (f"{GOOD} --require 'increase(mae) < 9'", "none is named"),
    (f"{GOOD} --max-increase r2=2%", "percentage"), (f"{GOOD} --max-increase bias=2%", ""),
    (f"{GOOD} --require 'increase(mae) > 9'", "large"), (f"{GOOD} --require 'dropped > 9'", ""),
    (f"{GOOD} --max-dropped -1", "below 0"), (f"{GOOD} --min-samples -1", "below 0"),
    (f"{GOOD} --min-samples 5%", "counted"), (f"{GOOD} --max-regressed-rows -1", "below 0"),
    (f"{GOOD} --require 'regressed_rows(mae, -1) < 9' --baseline base.csv", "at least 0"),
    (f"{GOOD} --require 'regressed_rows(r2) < 99' --baseline base.csv", "no value for a row"),
    (f"{GOOD} --strict --naive", "exclude"), (f"{GOOD} --strict --allow-undecided", "exclude"),
    (f"{GOOD} --self-test --suggest", "exclude"), (f"{GOOD} --sequential s --naive", "exclude"),
    (f"{GOOD} --sequential s", "--baseline"), (f"{GOOD} --sequential s --self-test", "exclude"),
    (f"{GOOD} --confidence nan", "--confidence"), (f"{GOOD} --confidence 0", "--confidence"),
    (f"{GOOD} --confidence 1", "--confidence"), (f"{GOOD} --confidence 100%", "--confidence"),
    (f"{GOOD} --confidence -5%", "--confidence"),
    (f"{GOOD} --cluster none --baseline base.csv", "none"), (f"{GOOD} --cluster id --time id", ""),
    (f"{GOOD} --horizon 0 --time part --baseline base.csv", "horizon"),
    (f"{GOOD} --horizon nan", "horizon"), (f"{GOOD} --first-row -1", "first-row"),
    (f"{GOOD} --pred-col none", "none"), (f"{GOOD} --target-col none", "none"),
    (f"{GOOD} --weight-col none", "none"), (f"{GOOD} --on none", "none"),
    (f"{GOOD} --on id --by-row", "by-row"), (f"{GOOD} --where 'none == 1'", "none"),
    (f"{GOOD} --where 'part ~ 1'", ""), (f"{GOOD} --where ''", ""), (f"{GOOD} --where part", ""),
    (f"{GOOD} --nan ignore", "--nan"), (f"{GOOD} --nan propagate", "--nan"),
    (f"{GOOD} --missing no", "--missing"), (f"{GOOD} --duplicates no", "--duplicates"),
    (f"{GOOD} --task none", "none"), (f"{GOOD} --like none", "none"), (f"{GOOD} -l mae", "-l"),
    (f"{GOOD} --like torch,keras", "2 losses"), (f"{GOOD} --reduction no", "no"),
    (f"{GOOD} -f xml", "xml"), (f"{GOOD} --export xml=x", "xml"), (f"{GOOD} -o x.parquet", "x.p"),
    (f"{GOOD} -o p.csv", "is an input"), (f"{GOOD} -o base.csv --baseline base.csv", "an input"),
    (f"{GOOD} --export tsv=y.csv", "is an input"), (f"{GOOD} --color no", "--color"),
    (f"{GOOD} --precision 0", "-p"), (f"{GOOD} --threads 0", "--threads"),
    (f"{GOOD} --block-rows 0", "--block-rows"), (f"{GOOD} --spool-limit -1", "--spool-limit"),
    (f"{GOOD} --input-format csv2", "csv2"), (f"{GOOD} --encoding none", "none"),
    (f"{GOOD} more.csv", "more.csv"), (f"{GOOD} -- --strict", "strict"),
    ("- - --max mae=1", "standard input"),
    (f"{GOOD} --baseline", "--baseline"), (f"{GOOD} --baseline base.csv:none", "none"),
    (f"{GOOD} --maximum mae=1", "--maximum"), (f"{GOOD} --exit-zeros", "--exit-zeros"),
    (f"{GOOD} --exit-zero=false", "--exit-zero"), (f"{GOOD} --no-strict", "--no-strict"),
    (f"{GOOD} --weight-col part --max 'p50(mae:weight=2)=1'", ""),
    ("base.state y.csv --max mae=1", "holds its targets"),
    ("base.state --max mse=1", "no loss mse"),
    ("base.state --max mae@region=EU=1", "does not have the slice"),
    ("base.state --max mae=1 --self-test", "looks at rows"),
    ("base.state --max mae=1 --suggest", "looks at rows"),
    ("base.state --max-increase mae=2%", "none is named"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), PLAIN)
def test_a_line_that_means_nothing(gate: Gate, line: str, said: str) -> None:
    gate.blocks(2, line, said)


# What an unset variable of a shell leaves of an option.
NO_TEXT = ["baseline", "cluster", "time", "horizon", "weight-col", "id-col", "on", "pred-col",
           "target-col", "where", "confidence", "encoding", "input-format", "delimiter", "export",
           "format", "color", "nan", "missing", "duplicates", "labels", "positive", "classes",
           "role", "class-weight", "task", "like", "reduction", "multioutput", "boxes", "layout",
           "ignore-index", "precision", "threads", "block-rows", "spool-limit", "first-row",
           "suite", "config", "sequential"]  # fmt: skip


@pytest.mark.parametrize("option", NO_TEXT)
@pytest.mark.parametrize("more", [[], ["--max-increase", "mae=50%"]])
def test_an_option_without_a_text(gate: Gate, option: str, more: list[str]) -> None:
    line = [*FILES, "--max", "mae=1", *more]
    gate.blocks(2, [*line, f"--{option}", ""])


def test_a_file_without_a_name(gate: Gate) -> None:
    for files in (["", "y.csv"], ["p.csv", ""], ["p.csv", "y.csv", "--baseline", ""]):
        gate.blocks(2, [*files, "--max", "mae=1"], "''")


# --- configuration ------------------------------------------------------------------------------

IN_FILE = 'preds = "p.csv"\ntargets = "y.csv"\n'
CONFIGURED = [  # the file's [check], the line, and what is said
    ("", "", "nothing is required"), ("max = {}", "", "nothing is required"),
    ("max = []", "", "nothing is required"), ("max = { mae = nan }", "", "max"),
    ("max = { mae = inf }", "", "max"), ("max = { mae = -inf }", "", "max"),
    ("max = { mae = true }", "", "max"), ("max = { mae = '' }", "", "max"),
    ("max = { mae = [] }", "", "max"), ("max = { mae = { a = 1 } }", "", "max"),
    ("max = true", "", "max"), ("max = 1", "", "max"), ("max = 'mae'", "", "max"),
    ("max = { hubber = 1 }", "", "huber"), ("max = { 'p95x(mae)' = 1 }", "", "p95x"),
    ("max = { mae = 1 }\nmax = { mae = 2 }", "", "lossctl.toml"),
    ("maxx = { mae = 1 }", "--max mae=1", "maxx"), ("max_ = { mae = 1 }", "--max mae=1", "max_"),
    ("Max = { mae = 1 }", "--max mae=1", "Max"), ("min-sample = 9", "--max mae=1", "min-sample"),
    ("max = { mae = 1 }\n[chekc]\nmin = { r2 = 0.9 }", "", "chekc"),
    ("max = { mae = 1 }\n[suites.a]\nmin = { r2 = 0.9 }", "", "suites"),
    ("max = { mae = 1 }\n[suite.a]\nmni = { r2 = 0.9 }", "", "mni"),
    ("max = { mae = 1 }\n[suite.a]\nmin = { r2 = nan }", "--suite a", "min"),
    ("[suite.a]\n", "--suite a", "nothing is required"),
    ("max = { mae = 1 }", "--suite nightly", "nightly"),
    ("max = { mae = 1 }\n[suite.a]\n", "--suite A", "'A'"), ("max = { mae = 1 }", "--suite ''", ""),
    ("max = { mae = 1 }\nstrict = 'yes'", "", "strict"),
    ("max = { mae = 1 }\nstrict = 1", "", "strict"),
    ("max = { mae = 1 }\nsuite = 'a'", "", "suite"),
    ("max = { mae = 1 }\nno-config = true", "", "no-config"),
    ("max = { mae = 1 }\nquiet = true", "", "quiet"),
    ("max = { mae = 1 }\nconfidence = nan", "", "confidence"),
    ("max = { mae = 1 }\nbaseline = '/dev/null'", "", "leaves the folder"),
    ("max = { mae = 1 }\nbaseline = '../x.csv'", "", "leaves the folder"),
    ("max = { mae = 1 }\npreds = \"a\\u0000b\"", "", "preds"),
    ("max = { mae = 1 }\noutput = \"a\\u0000b\"", "", "output"),
    ("max = { mae = 1 }\nbaseline = \"a\\u0000b\"", "", "baseline"),
    ("max = { mae = 1 }\nwhere = 'regoin == EU'", "", "regoin"),
    ("max = { mae = 1", "", "lossctl.toml"), ("\x00", "--max mae=1", "lossctl.toml"),
    ("max = { mae = 1 }", "--config none.toml", "none.toml"),
    ("max = { mae = 1 }", "--config .", "no regular file"),
    ("max = { mae = 1 }", "--config /dev/null --no-config", "exclude"),
    ("max = { mae = 1 }", "--no-config", "PREDS"),
    ("max = { mae = 1 }", "--no-config p.csv y.csv", "nothing is required"),
    ("max = { mae = 1 }", "--no-config p.csv y.csv --suite a --max mae=1", "--suite"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), CONFIGURED)
def test_a_configuration_that_means_nothing(gate: Gate, text: str, line: str, said: str) -> None:
    write(gate.folder / "lossctl.toml", f"[check]\n{IN_FILE}max = {{ mae = 1 }}\n")
    gate.passes("")
    own = "" if "preds" in text else IN_FILE
    write(gate.folder / "lossctl.toml", f"[check]\n{own}{text}\n")
    gate.blocks(2, line, said)


VARIABLES = [
    ("LOSSCTL_MAX", "mae=nan", "LOSSCTL_MAX"), ("LOSSCTL_MAX", "hubber=1", "huber"),
    ("LOSSCTL_MAX", "mae=1\nmae", "LOSSCTL_MAX"), ("LOSSCTL_MIN_SAMPLES", "inf", "LOSSCTL_MIN"),
    ("LOSSCTL_STRICT", "yes", "LOSSCTL_STRICT"), ("LOSSCTL_SUITE", "nightly", "LOSSCTL_SUITE"),
    ("LOSSCTL_CONFIG", "none.toml", "none.toml"), ("LOSSCTL_CONFIDENCE", "2", "LOSSCTL_CONFIDENCE"),
    ("LOSSCTL_FORMAT", "xml", "xml"), ("LOSSCTL_THREADS", "many", "LOSSCTL_THREADS"),
    ("LOSSCTL_MAX_INCREASE", "mae=2%", "none is named"), ("LOSSCTL_WHERE", "none == 1", "none"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "said"), VARIABLES)
def test_a_variable_that_means_nothing(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    gate.passes(GOOD)
    monkeypatch.setenv(name, value)
    gate.blocks(2, GOOD, said)


# An empty or misspelt variable asks for nothing: what else is required must be there.
@pytest.mark.parametrize(("name", "value"), [("LOSSCTL_MAX", " \n "), ("LOSSCTL_MAXX", "mae=1")])
def test_a_variable_that_asks_for_nothing(
    program: Any, gate: Gate, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = program("check", "p.csv", "y.csv")
    assert (result.status, result.out) == (2, "")
    assert result.err.splitlines()[-1].startswith("lossctl: nothing is required")
