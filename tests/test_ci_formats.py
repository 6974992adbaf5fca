"""The formats for continuous integration, and that no data of any output is a command to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.cli import run
from lossctl.errors import UsageError, inert
from lossctl.renderers import FORMATS, OF, github, render, sarif, suffix_format
from lossctl.renderers.gated import STDIN, predictions
from lossctl.report import Column, Report, Table
from tests import reports
from tests.reports import check, gated
from tests.runners import command, obeyed

DATA = Path(__file__).parent.parent / "sample_data/diabetes"
GATED = [form for form, commands in OF.items() if commands == ("check",)]
SHOWN = [form for form in FORMATS if form != "state"]  # which is for lossctl alone
WORDS = st.one_of(st.sampled_from(reports.NASTY), st.text(max_size=40))

VIOLATED = check("rmse <= 50", "violated")
UNDECIDED = check("increase(mae) <= 2%", "undecided", noise=True, percent=True, relative=True)
WARNED = check("mae <= 40", "violated", warning=True)
MET = check("r2 >= 0.5")
REPORTS = {
    "met": gated(MET),
    "violated": gated(MET, VIOLATED, WARNED, outcome="violated"),
    "undecided": gated(MET, VIOLATED, UNDECIDED, WARNED, outcome="undecided"),
    "allowed": gated(MET, UNDECIDED, WARNED, allow_undecided=True),
    "strict": gated(MET, WARNED, outcome="violated", error_on_warning=True),
    "none": gated(),
}
EACH = pytest.mark.parametrize("name", REPORTS)


@pytest.fixture
def lossctl(capfd, monkeypatch):
    """Run the program in this process: exit status, stdout, stderr."""
    monkeypatch.delenv("LOSSCTL_FORMAT", raising=False)
    monkeypatch.chdir(DATA)

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = int(run([str(argument) for argument in arguments]))
        return (status, *capfd.readouterr())

    return call


GATE = ("check", "forest.csv", "target.csv", "--baseline", "ridge.csv", "--max", "rmse=50",
        "--max-increase", "mae=2%", "--warn-max", "mae=40", "--min", "r2=0.3")  # fmt: skip


# --- what blocks --------------------------------------------------------------------------------


@EACH
def test_a_gate_is_met_where_nothing_blocks_it(name: str) -> None:
    gate = REPORTS[name].gate
    assert gate is not None
    blocking = [one for one in gate.checks if gate.blocks(one)]
    assert (gate.outcome == "met") == (not blocking)


@EACH
def test_a_gate_reads_back(name: str) -> None:
    report = REPORTS[name]
    assert Report.from_dict(json.loads(report.to_json())) == report


# --- JUnit ----------------------------------------------------------------------------------------

# Of each element: the attributes that must be there, those that may, and the elements in it in
# their order (+: several). Only what both schemas in use (the one of Jenkins' xunit plugin, and the
# one for Ant) allow is allowed, and what either demands is demanded.
_TOKEN, _COUNT, _DECIMAL = r".*\S.*", r"\d+", r"\d{1,3}(\.\d*)?"
_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
_TOLD = ({"type": ".+", "message": ".*"}, {}, [])
JUNIT: dict[str, tuple[dict[str, str], dict[str, str], list[str]]] = {
    "testsuites": ({}, {}, ["testsuite+"]),
    "testsuite": (
        {"name": _TOKEN, "timestamp": _STAMP, "hostname": _TOKEN, "tests": _COUNT, "package": ".*",
         "failures": _COUNT, "errors": _COUNT, "time": _DECIMAL, "id": _COUNT},
        {"skipped": _COUNT},
        ["properties", "testcase+", "system-out", "system-err"],
    ),
    "properties": ({}, {}, ["property+"]),
    "property": ({"name": _TOKEN, "value": ".*"}, {}, []),
    "testcase": ({"name": ".*", "classname": _TOKEN, "time": _DECIMAL}, {}, ["?"]),
    "skipped": _TOLD, "error": _TOLD, "failure": _TOLD,
    "system-out": ({}, {}, []), "system-err": ({}, {}, []),
}  # fmt: skip


def assert_junit(element: ElementTree.Element) -> None:
    must, may, inside = JUNIT[element.tag]
    assert must.keys() <= element.attrib.keys() <= must.keys() | may.keys()
    for name, value in element.attrib.items():
        assert re.fullmatch((must | may)[name], value), (element.tag, name, value)
    tags = [one.tag for one in element]
    if inside == ["?"]:
        assert len(tags) <= 1 and set(tags) <= {"skipped", "error", "failure"}
    else:
        order = "".join(f"({one[:-1]} )*" if one.endswith("+") else f"{one} " for one in inside)
        assert re.fullmatch(order, "".join(f"{tag} " for tag in tags)), tags
    if inside:
        assert not (element.text or "").strip()
    for one in element:
        assert not (one.tail or "").strip()
        assert_junit(one)


def junit(report: Report) -> ElementTree.Element:
    rendered = render(report, "junit")
    assert rendered.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
    root = ElementTree.fromstring(rendered.encode())
    assert_junit(root)
    return root[0]


@EACH
def test_junit_has_the_structure_of_both_schemas(name: str) -> None:
    suite = junit(REPORTS[name])
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases)
    for count, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[count]) == sum(case.find(kind) is not None for case in cases)
    blocks = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    assert (REPORTS[name].gate.outcome == "met") == (blocks == 0)


def test_junit_tells_each_outcome() -> None:
    def kinds(name: str) -> list[str | None]:
        cases = junit(REPORTS[name]).findall("testcase")
        return [case[0].tag if len(case) else None for case in cases]

    assert kinds("violated") == [None, "failure", "skipped"]
    assert kinds("undecided") == [None, "failure", "error", "skipped"]
    assert kinds("allowed") == [None, "skipped", "skipped"]
    assert kinds("strict") == [None, "failure"]


def test_junit_begins_with_the_verdict_and_names_the_worst_rows() -> None:
    suite = junit(REPORTS["violated"])
    assert suite[0][0].attrib == {"name": "verdict", "value": "VIOLATED: so it is (exit 1)"}
    out = (suite.findtext("system-out") or "").splitlines()
    assert out[0] == "VIOLATED: so it is (exit 1)"
    assert "rmse <= 50: violated: rmse <= 50 is so" in out
    assert sum("rmse <= 50 is so" in line for line in out) == 1
    assert "warning: something else, to be known" in out
    (failure,) = suite.iter("failure")
    assert failure.attrib == {"type": "violated", "message": "rmse <= 50 is so"}
    assert (failure.text or "").splitlines() == [
        "said rmse <= 50",
        "rmse <= 50 is so",
        "value: 58.125; limit: 50.0",
        "95 % interval: 54.25 to unbounded",
        "worst row: #9, value 178.01, 2.1 % of it",
        "worst row: d017, worse by 2.5",
    ]
    (skipped,) = suite.iter("skipped")
    assert skipped.attrib["message"] == "violated: mae <= 40 is so"
    assert [case.attrib["name"] for case in suite.iter("testcase")] == [
        "r2 >= 0.5", "rmse <= 50", "warning: mae <= 40",
    ]  # fmt: skip


@settings(deadline=None)
@given(words=st.lists(WORDS, min_size=6, max_size=6))
def test_junit_is_xml_whatever_the_data_are(words: list[str]) -> None:
    suite = junit(hostile(words))
    case = suite.findall("testcase")[0]
    assert case.attrib["name"] == inert(words[0])
    assert case[0].attrib["message"] == inert(words[2])


def hostile(words: list[str]) -> Report:
    """A violated gate with these words wherever words of files or of the user stand."""
    rows = ({"row": 1, "id": words[3], "value": 1.0}, {"row": 2, "id": words[4], "value": 2.0})
    made = [
        check(words[0], "violated", said=words[1], why=words[2], rows=rows, source=words[5]),
        check(words[1], "violated", said=words[0], why=words[5], rows=rows, warning=True),
        check(words[2], "undecided", said=words[4], why=words[3], noise=True),
    ]
    report = gated(*made, outcome="violated", path=words[5], allow_undecided=True)
    notes = tuple(replace(note, text=one) for note, one in zip(report.notes, words, strict=False))
    return replace(report, finding=words[3], signature=words[4], notes=notes)


# --- GitHub ---------------------------------------------------------------------------------------


def commands(rendered: str) -> list[tuple[str, dict[str, str], str]]:
    assert rendered.endswith("\n")
    return [command(line) for line in rendered[:-1].split("\n")]


@EACH
def test_github_says_the_verdict_first_and_a_line_for_all_that_is_not_met(name: str) -> None:
    report = REPORTS[name]
    assert report.gate is not None
    first, *rest = commands(render(report, "github"))
    level = "notice" if report.gate.outcome == "met" else "error"
    assert first == (level, {"title": f"lossctl check: {report.gate.outcome}"}, report.finding)
    *told, aside = rest
    assert aside == ("warning", {"title": "lossctl check"}, "something else, to be known")
    unmet = [one for one in report.gate.checks if one.outcome != "met"]
    assert [one[0] for one in told] == [
        "error" if report.gate.blocks(one) else "warning" for one in unmet
    ]
    assert [one[2] for one in told] == [one.why for one in unmet]


def test_github_names_the_requirement_in_the_title() -> None:
    line = render(REPORTS["undecided"], "github").splitlines()[2]
    assert line == ("::error title=increase(mae) <= 2%25%3A undecided::increase(mae) <= 2%25 is so")


@given(st.text() | WORDS, st.text() | WORDS)
def test_workflow_commands_read_back(heading: str, message: str) -> None:
    line = github.command("error", heading, message)
    assert "\n" not in line and "\r" not in line
    assert command(line) == ("error", {"title": inert(heading)}, inert(message))


@settings(deadline=None)
@given(words=st.lists(WORDS, min_size=6, max_size=6))
def test_github_has_no_commands_but_its_own(words: list[str]) -> None:
    report = hostile(words)
    rendered = render(report, "github")
    for name, properties, message in commands(rendered):
        assert name in ("error", "warning")
        assert list(properties) == ["title"]
        assert not re.search(r"##\w*\[", message + properties["title"])
    # Behind its first colons no line has a command, whatever reads it.
    assert not obeyed("\n".join(f"x{line}" for line in rendered.splitlines()))


# --- GitLab and SARIF -------------------------------------------------------------------------


def strict(rendered: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(rendered, parse_constant=refuse)


def assert_shape(data: Any, shape: Any, at: str = "") -> None:
    """Data of exactly that shape: a type, a pattern, a list of one shape, or keys."""
    if isinstance(shape, dict):
        assert isinstance(data, dict), at
        assert data.keys() == shape.keys(), at
        for name, value in data.items():
            assert_shape(value, shape[name], f"{at}.{name}")
    elif isinstance(shape, list):
        assert isinstance(data, list), at
        for place, one in enumerate(data):
            assert_shape(one, shape[0], f"{at}[{place}]")
    elif isinstance(shape, str):
        assert isinstance(data, str) and re.fullmatch(shape, data, re.DOTALL), (at, data)
    else:
        assert type(data) is shape, at


GITLAB = [{
    "description": ".+", "check_name": ".*", "fingerprint": "[0-9a-f]{32}",
    "severity": "info|minor|major|critical|blocker",
    "location": {"path": r"(?!\./)(?s:.+)", "lines": {"begin": int}},
}]  # fmt: skip
_MESSAGE = {"text": ".+"}
_URI = r"(file:///)?([A-Za-z0-9._~/-]|%[0-9A-F]{2})+"
SARIF = {
    "$schema": "https://.+", "version": r"2\.1\.0",
    "runs": [{
        "tool": {"driver": {"name": "lossctl", "version": r"\d+\.\d+\.\d+", "rules": [{
            "id": ".*", "shortDescription": _MESSAGE, "fullDescription": _MESSAGE, "help": _MESSAGE,
            "defaultConfiguration": {"level": "none|note|warning|error"},
        }]}},
        "invocations": [{
            "executionSuccessful": bool, "exitCode": int,
            "toolExecutionNotifications": [{"level": "note|error", "message": _MESSAGE}],
        }],
        "results": [{
            "ruleId": ".*", "ruleIndex": int, "level": "none|note|warning|error",
            "message": _MESSAGE,
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": _URI}, "region": {"startLine": int}}}],
            "partialFingerprints": {"primaryLocationLineHash": "[0-9a-f]{32}:1"},
        }],
    }],
}  # fmt: skip


@EACH
def test_gitlab_lists_what_is_not_met(name: str) -> None:
    found = strict(render(REPORTS[name], "gitlab"))
    assert_shape(found, GITLAB)
    severities = {"met": [], "violated": ["critical", "minor"], "strict": ["critical"],
                  "undecided": ["critical", "major", "minor"], "allowed": ["minor", "minor"],
                  "none": []}  # fmt: skip
    assert [one["severity"] for one in found] == severities[name]
    assert all(one["location"] == {"path": "forest.csv", "lines": {"begin": 1}} for one in found)


@EACH
def test_sarif_has_a_rule_for_each_requirement_and_a_result_for_what_is_not_met(name: str) -> None:
    report = REPORTS[name]
    assert report.gate is not None
    data = strict(render(report, "sarif"))
    assert_shape(data, SARIF)
    (one,) = data["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules) == len(report.gate.checks)
    for result in one["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "forest.csv"
    levels = {"met": [], "violated": ["error", "warning"], "strict": ["error"],
              "undecided": ["error", "error", "warning"], "allowed": ["note", "warning"],
              "none": []}  # fmt: skip
    assert [result["level"] for result in one["results"]] == levels[name]
    (invocation,) = one["invocations"]
    assert invocation["exitCode"] == report.gate.status
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == report.finding


@settings(deadline=None)
@given(words=st.lists(WORDS.filter(bool), min_size=6, max_size=6))
def test_reports_of_hostile_data_keep_their_shape(words: list[str]) -> None:
    report = hostile(words)
    for form, shape in (("gitlab", GITLAB), ("sarif", SARIF)):
        rendered = render(report, form)
        assert_shape(strict(rendered), shape)
        rendered.encode()


def test_sarif_makes_no_link_of_data() -> None:
    bad = check("rmse <= 50", "violated", why="row [x](http://evil.example) is so")
    one = strict(render(gated(bad, outcome="violated"), "sarif"))["runs"][0]["results"][0]
    assert one["message"]["text"].endswith(r"row \[x](http://evil.example) is so")


def prints(report: Report) -> list[str]:
    found = [one["fingerprint"] for one in strict(render(report, "gitlab"))]
    (one,) = strict(render(report, "sarif"))["runs"]
    hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in one["results"]]
    assert hashes == [f"{each}:1" for each in found]
    return found


def test_fingerprints_stay_while_values_change() -> None:
    first, second = prints(gated(VIOLATED, UNDECIDED, outcome="undecided"))
    changed = replace(VIOLATED, value=77.0, why="something else", outcome="undecided", rows=())
    assert prints(gated(UNDECIDED, MET, changed, outcome="undecided")) == [second, first]
    assert prints(gated(VIOLATED, outcome="violated", path="./a/../forest.csv")) == [first]
    others = prints(gated(VIOLATED, VIOLATED, replace(VIOLATED, warning=True),
                          outcome="violated", path="other.csv"))  # fmt: skip
    assert len({first, second, *others}) == 5


def test_paths_are_relative_to_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = {
        "./out//a b.csv": "out/a b.csv", "a/../../x:y.csv": "../x:y.csv", "-": STDIN,
        str(tmp_path / "deep/p.csv"): "deep/p.csv", "/elsewhere/p.csv": "/elsewhere/p.csv",
    }  # fmt: skip
    for given_path, path in paths.items():
        assert predictions(gated(path=given_path)) == path
    models = ({"name": "old", "path": "old.csv"}, {"name": "new", "path": "./new.csv"})
    assert predictions(replace(gated(), models=models)) == "new.csv"
    assert sarif.uri("out/a b:c#d%é.csv") == "out/a%20b%3Ac%23d%25%C3%A9.csv"
    assert sarif.uri("/else where/p.csv") == "file:///else%20where/p.csv"


# --- for people -------------------------------------------------------------------------------


def test_markdown_has_the_verdict_the_requirements_the_worst_rows_and_the_notes_in_order() -> None:
    text = render(REPORTS["violated"], "md")
    marks = ["**VIOLATED: so it is", "| requirement |", "| said rmse \\<= 50 | 58.12 | violated |",
             "| violated | worst rows | value | worse by |",
             "| said rmse \\<= 50 | \\#9 2.1 % | 178.0 |  |", "|  | d017 |  | 2.500 |",
             "| warning: said mae \\<= 40 | \\#9", "rows: ",
             "**Warning:** something else"]  # fmt: skip
    places = [text.index(mark) for mark in marks]
    assert places[0] == 0 and places == sorted(places)
    assert "worst rows" not in render(REPORTS["met"], "md")


def test_the_page_has_the_worst_rows_too() -> None:
    page = render(REPORTS["violated"], "html")
    assert page.index("VIOLATED: so it is") < page.index("said rmse &lt;= 50")
    assert page.index(">requirement<") < page.index(">worst rows<") < page.index("d017")


# --- the program --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", GATED)
def test_the_program_writes_each_format(lossctl, tmp_path, form: str) -> None:
    status, out, err = lossctl(*GATE, "-q", "-f", form)
    assert (status, err) == (4, "")
    file = tmp_path / f"report.{form}"
    assert lossctl(*GATE, "-q", "-f", "table", "--export", f"{form}={file}")[0] == 4
    assert file.read_text(encoding="utf-8") == out
    for options in (["--block-rows", "7"], ["--threads", "1"]):
        assert lossctl(*GATE, "-q", "-f", form, *options)[1] == out


def test_equal_runs_are_equal_to_the_byte(tmp_path: Path) -> None:
    made = []
    for seed in ("1", "2"):
        files = [tmp_path / f"{form}{seed}" for form in GATED]
        exports = [f"--export={form}={file}" for form, file in zip(GATED, files, strict=True)]
        line = [sys.executable, "-m", "lossctl", *GATE, "-f", "github", *exports]
        other = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"UTC+{seed}"}
        done = subprocess.run(line, cwd=DATA, capture_output=True, check=False, env=other)
        assert done.returncode == 4, done.stderr
        made.append([done.stdout, *(file.read_bytes() for file in files)])
    assert made[0] == made[1]


def test_suffixes() -> None:
    assert suffix_format("a/TEST-x.XML") == "junit"
    assert suffix_format("x.sarif") == "sarif"


@pytest.mark.parametrize("arguments", [
    ["eval", "missing.csv", "missing.csv", "-f", "junit"],
    ["eval", "missing.csv", "missing.csv", "-o", "x.xml"],
    ["eval", "missing.csv", "missing.csv", "--export", "sarif=x"],
    ["eval", "missing.csv", "missing.csv", "--export", "x.sarif"],
    ["compare", "missing.csv", "other.csv", "-t", "t.csv", "-f", "github"],
    ["slices", "missing.csv", "missing.csv", "--by", "a", "-f", "gitlab"],
    ["advise", "missing.csv", "missing.csv", "--export", "github=-"],
    ["samples", "missing.csv", "missing.csv", "-f", "junit"],
])  # fmt: skip
def test_other_commands_refuse_before_they_read(lossctl, arguments: list[str]) -> None:
    status, out, err = lossctl(*arguments)
    assert (status, out) == (2, "")
    assert re.fullmatch(r"lossctl: (-f|--export) \w+ is about check: .+\n", err)


@pytest.mark.parametrize("form", GATED)
def test_a_report_without_requirements_is_refused(form: str) -> None:
    with pytest.raises(UsageError, match="about check"):
        render(reports.ridge(), form)


def test_workflow_commands_go_before_what_people_read(lossctl) -> None:
    status, out, err = lossctl(*GATE, "--export", "github=-")
    alone = lossctl(*GATE, "-f", "github")[1]
    screen = lossctl(*GATE, "-f", "table")[1]
    assert (status, err) == (4, "")
    assert out == alone + screen
    assert out.rstrip().endswith("(exit 4)")
    assert all(line.startswith(("::error ", "::warning ")) for line in alone.splitlines())
    assert lossctl(*GATE, "-f", "md", "--export", "github=-")[1].startswith(f"{alone}**UNDECIDED")


def test_stdout_is_shared_where_that_makes_sense_only(lossctl, tmp_path: Path) -> None:
    for options in (["-f", "json", "--export", "github=-"], ["-f", "tsv", "--export", "github=-"],
                    ["-f", "github", "--export", "github=-"], ["--export", "junit=-"],
                    ["--export", "md=-"], ["--export", "github=-", "--export", "junit=-"],
                    ["--export", "md+=-"], ["--export", "-"]):  # fmt: skip
        status, out, err = lossctl("check", "missing.csv", "t.csv", "--max", "mae=1", *options)
        assert (status, out, err.count("\n")) == (2, "", 1), options
        assert "--export" in err or "does not say its format" in err
    file = tmp_path / "r.json"
    status, out, _ = lossctl(*GATE, "-o", file, "--export", "junit=-")
    assert status == 4
    assert json.loads(file.read_text())["gate"]["outcome"] == "undecided"
    assert out == lossctl(*GATE, "-f", "junit")[1]


def test_a_report_that_cannot_be_written_is_no_pass(lossctl, tmp_path: Path) -> None:
    met = ("check", "forest.csv", "target.csv", "--max", "rmse=60")
    for form in GATED:
        target = tmp_path / "no/such/place"
        status, out, _ = lossctl(*met, "-f", "table", "--export", f"{form}={target}")
        assert (status, out) == (5, "")


# --- no data is a command -------------------------------------------------------------------------

_PLAIN = str.maketrans({"\n": " ", "\r": " ", "\t": " ", '"': "'", "\0": None})
IDS = list(dict.fromkeys(
    one.translate(_PLAIN) for one in reports.NASTY if not re.search("[\ud800-\udfff]", one)
))  # fmt: skip
ON = ["--on", "::error::id", "--pred-col", "::error::pred"]
COMMANDS = {
    "eval": ["{p}", "{t}", *ON, "--by", "::notice::by"],
    "compare": ["a={p}", "b={q}", "-t", "{t}", *ON, "-l", "mae,rmse"],
    "columns": ["{p}", "--pred-col", "##[error]two,::error::pred", "-t", "{t}", "--by-row"],
    "samples": ["{p}", "{t}", *ON, "--show", "::notice::by,##[error]two"],
    "slices": ["{p}", "{t}", *ON, "--by", "::notice::by"],
    "advise": ["{p}", "{t}", *ON],
    "inspect": ["{p}", "{t}", "--on", "::error::id"],
    "check": ["{p}", "{t}", "--baseline", "{q}", *ON, "--max", "mae=0.001",
              "--warn-max", "rmse=0.001", "--max-regressed-rows", "0", "--max-increase", "mae=1%",
              "--require", "rmse@::notice::by=##[error]g < 3",
              "--require", "rmse@::notice::by=::error::g < 3"],
}  # fmt: skip


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files whose names, columns, ids and groups all try to be commands."""
    folder = tmp_path_factory.mktemp("traps")
    header = '"::error::id","::error::pred","##[error]two"\n'
    for name, shift in (("::error::p.csv", 0.0), ("##[error]q.csv", -0.25)):
        lines = [f'"{one}{n}",{n % 7 + shift},{n % 5}\n' for n in range(2) for one in IDS]
        (folder / name).write_text(header + "".join(lines), encoding="utf-8")
    lines = [f'"{one}{n}",{(3 * n + len(one)) % 9},"{("::error::g", "##[error]g")[len(one) % 2]}"\n'
             for n in range(2) for one in IDS]  # fmt: skip
    header = '"::error::id","::error::target","::notice::by"\n'
    (folder / "##vso[t].csv").write_text(header + "".join(lines), encoding="utf-8")
    return folder


@pytest.mark.parametrize("form", SHOWN)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_data_is_a_command(lossctl, monkeypatch, traps: Path, name: str, form: str) -> None:
    command_of = "compare" if name == "columns" else name
    if command_of not in OF.get(form, (command_of,)):
        return
    if name == "inspect" and form not in ("table", "tsv"):
        return
    monkeypatch.chdir(traps)
    files = {"p": "::error::p.csv", "q": "##[error]q.csv", "t": "##vso[t].csv"}
    words = [one.format(**files) for one in COMMANDS[name]]
    verbose = [] if name == "inspect" else ["-v"]
    status, out, err = lossctl(command_of, *words, "-f", form, *verbose)
    assert status in (0, 1, 4), err
    assert out
    if form == "github":
        assert {command(line)[0] for line in out.splitlines()} <= {"error", "warning", "notice"}
        out = "".join(f"x{line}\n" for line in out.splitlines())
    assert not obeyed(out)
    assert not obeyed(err)


@pytest.mark.parametrize("arguments", [
    ["eval", "::error::p.csv", "no ##[error]such.csv"],
    ["eval", "::error::p.csv", "##vso[t].csv", "--on", "::error::id", "-l", "##[error]x"],
    ["eval", "::error::p.csv", "##vso[t].csv", "--on", "##teamcity[x"],
    ["eval", "::error::p.csv", "##vso[t].csv", "--on", "::error::id", "--export", "##[error]=x"],
    ["check", "::error::p.csv", "##vso[t].csv", "--require", "##[error]x"],
    ["check", "::error::p.csv", "##vso[t].csv", *ON, "--require", "mae@##[error]none=1 < 2"],
    ["eval", "::error::p.csv", "##vso[t].csv", "--##[error]x"],
    ["##[error]x"],
    ["inspect", "##[error]\n::error::x"],
])  # fmt: skip
@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_no_error_is_a_command(lossctl, monkeypatch, traps, arguments, debug) -> None:
    monkeypatch.chdir(traps)
    status, out, err = lossctl(*arguments, *debug)
    assert status in (2, 3)
    assert err
    assert not obeyed(out)
    assert not obeyed(err)


@pytest.mark.parametrize("form", SHOWN)
@pytest.mark.parametrize("words", reports.NASTY)
def test_no_word_of_a_gate_is_a_command(words: str, form: str) -> None:
    report = hostile([words] * 6)
    rendered = render(report, form)
    if form == "github":
        rendered = "".join(f"x{line}\n" for line in rendered.splitlines())
    assert not obeyed(rendered)


PIECES = st.sampled_from([":", "::", "#", "##", "[", " ", "\n", "\r", "\u00ad", "\ufe0f", "\u3000",
                          "error", "vso", "teamcity", "x", "…", "-", "/", "字"])  # fmt: skip
TRAPS = st.lists(PIECES, max_size=9).map("".join)


@settings(deadline=None, max_examples=300)
@given(words=st.lists(TRAPS, min_size=6, max_size=6), form=st.sampled_from(sorted(SHOWN)),
       width=st.integers(36, 120), ascii_only=st.booleans())  # fmt: skip
def test_no_pieces_of_commands_become_one(
    words: list[str], form: str, width: int, ascii_only: bool
) -> None:
    report = hostile(words)
    if form in ("tsv", "csv", "jsonl"):
        columns = tuple(Column(f"{one}{place}", "text") for place, one in enumerate(words))
        report = replace(report, table=Table(columns, (tuple(words), tuple(words[::-1]))))
    rendered = render(report, form, width=width, ascii_only=ascii_only)
    if form == "github":
        rendered = "".join(f"x{line}\n" for line in rendered.splitlines())
    assert not obeyed(rendered)


def test_the_oracle_knows_commands() -> None:
    for line in ("::error::x", " \u00a0::error file=a::x", "a ##[error]x", "##vso[a]", "##VSO[a]",
                 "x##teamcity[y", "\u00ad::x", ":\ufe0f:error::x", "#\u00ad#[error]x",
                 "section_start:1:a\r\x1b[0K"):  # fmt: skip
        assert obeyed(f"fine\n{line}\n"), line
    assert not obeyed("a::b\n## [x]\n# [x] ## y\nx :: y\nsection_start:1:a\n")
