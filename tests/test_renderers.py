"""Every renderer over every report: within the width, aligned, inert, and readable again."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from lossctl.errors import UsageError, inert
from lossctl.renderers import FORMATS, OF, numbers, render, suffix_format, table, text, typeset
from lossctl.renderers.html import render as fragment
from lossctl.renderers.scores import scores
from lossctl.renderers.screen import laid_out
from lossctl.report import RECORD_COLUMNS, Column, Note, Part, Report, Table, Worst
from tests import reports
from tests.runners import obeyed

EACH = pytest.mark.parametrize("name", reports.ALL)
WIDTHS = st.integers(40, 160)
STYLES = sorted(set(FORMATS) - set(OF))
SGR = re.compile(r"\x1b\[[0-9;]*m")


def tables(report: Report) -> list[Table]:
    found = [report.losses_table(), report.worst_table(), *(part.table for part in report.parts)]
    return [one for one in found if one is not None]


def assert_inert(rendered: str, style: str = "") -> None:
    for line in rendered.split("\n"):
        line = line.replace("\t", "") if style in ("tsv", "plain") else line
        assert inert(line) == line
    assert not obeyed(rendered)


# --- the screen ---------------------------------------------------------------------------------


@EACH
@settings(deadline=None, max_examples=25)
@given(width=WIDTHS)
def test_no_line_is_wider_than_the_screen(name: str, width: int) -> None:
    screen = text.render(reports.ALL[name](), width)
    assert max(cell_len(line) for line in screen.split("\n")) <= width
    assert_inert(screen)


@EACH
@settings(deadline=None, max_examples=10)
@given(width=WIDTHS)
def test_the_lines_of_a_table_are_of_one_width(name: str, width: int) -> None:
    for one in tables(reports.ALL[name]()):
        lines = laid_out(one, width)
        assert len(lines) == len(one.rows) + 1
        assert len({sum(cell_len(words) for words, _ in line) for line in lines}) == 1


@pytest.mark.parametrize("name", ["ridge", "broken", "infinite"])
@settings(deadline=None, max_examples=30)
@given(width=WIDTHS)
def test_a_number_is_never_cut(name: str, width: int) -> None:
    for one in tables(reports.ALL[name]()):
        whole = {word for line in laid_out(one, 1000) for cell, _ in line for word in cell.split()}
        for line in laid_out(one, width)[1:]:
            for cell, _ in line:
                for word in cell.split():
                    assert word in whole or (word.endswith("…") and not word[0].isdigit())


@settings(deadline=None)
@given(
    ranks=st.lists(st.integers(0, 6), min_size=2, max_size=8), width=WIDTHS, wide=st.integers(1, 18)
)
def test_columns_of_the_highest_rank_go_first(ranks: list[int], width: int, wide: int) -> None:
    made = Table(
        tuple(Column(f"c{place}", "count", rank) for place, rank in enumerate(ranks)),
        ((10**wide,) * len(ranks),),
    )
    header = "".join(words for words, _ in laid_out(made, width)[0]).split()
    kept = [ranks[int(name[1:])] for name in header]
    gone = [rank for place, rank in enumerate(ranks) if f"c{place}" not in header]
    assert not gone or max(kept) <= min(rank for rank in gone if rank or max(kept) == 0)
    room = len(ranks) * (wide + 1) + 3 * (len(ranks) - 1)
    assert not (gone and room <= width)


def test_bars_come_in_at_a_hundred_and_more() -> None:
    made = Table((Column("who", "row"), Column(" ", "bar", 90)), (("#1", 1.0), ("#2", 0.001)))
    narrow, wide = (["".join(t for t, _ in line) for line in laid_out(made, w)] for w in (99, 100))
    assert narrow == ["who", "#1 ", "#2 "]
    assert wide[1] == "#1    " + "█" * 20
    assert wide[2].rstrip() == "#2    ▏"


def test_the_ordinary_screen() -> None:
    lines = text.render(reports.ridge(), 80).split("\n")
    assert lines[0] == (
        "ridge.csv[pred] against target.csv[target] · regression · 442 of 442 rows scored"
    )
    assert lines[2:14] == [
        "loss            value   95 % interval     skill   worst row      half of it in",
        "mae           44.49      41.51 … 47.48     32 %   #102   0.8 %   110 rows (25 %)",
        "rmse          54.73      51.36 … 57.91     29 %   #102   1.8 %    61 rows (14 %)",
        "mse         2996          2638 … 3354      49 %   #102   1.8 %    61 rows (14 %)",
        "huber         43.99      41.01 … 46.98            #102   0.8 %   109 rows (25 %)",
        "log_cosh      43.80      40.82 … 46.79            #102   0.8 %   109 rows (25 %)",
        "median_ae     40.90",
        "max_error    155.9                                #102",
        "bias          -0.1934   -5.320 … +4.933",
        "r2             0.4948",
        "",
        "who makes it   target    pred   residual     mse     mae   huber   rmse without",
    ]
    assert lines[14] == (
        "#102            302.0   146.1     -155.9   1.8 %   0.8 %   0.8 %   54.29 -0.8 %"
    )
    assert lines[-6:] == [
        "outliers   none beyond 3.5 robust deviations (Gaussian errors: 0.2 of 442)",
        "tails      rmse/mae 1.230 (Gaussian 1.253)",
        "rows       442 scored of 442",
        f"signature  {reports.SIGNATURE}",
        "",
        "No row decides these losses: the worst makes 1.8 % of the MSE.",
    ]


def test_the_screen_of_a_report_with_warnings() -> None:
    lines = text.render(reports.broken(), 80).split("\n")
    assert "rmse      147.2        0 … 208.7 !    -91 %   #371  37.9 %    2 rows" in lines
    assert lines[-12:] == [
        "           86.2 % of mse, 20.1 % of mae; without them rmse 54.83, mae 44.56",
        "           without them         value   rows",
        "           rmse           54.83 -63 %    439",
        "           mae            44.56 -20 %    439",
        "tails      rmse/mae 2.657 (Gaussian 1.253)",
        "rows       439 scored of 442; dropped 3: 2 nan, 1 unmatched",
        f"signature  {reports.SIGNATURE}",
        "",
        "- The files share no column: their rows were paired in order.",
        "! The intervals of mse and rmse are not to be trusted: three rows decide them.",
        "Three rows (#371 #17 #233) make 86 % of the MSE and 20 % of the MAE; without",
        "them RMSE falls from 147.2 to 54.8.",
    ]


def test_losses_without_a_value_give_the_reason() -> None:
    for rendered in (text.render(reports.infinite(), 80), render(reports.infinite(), "md")):
        assert "infinite" in rendered
        assert "3 targets are 0" in rendered
        assert "past float64" in rendered


@EACH
def test_colour_adds_styles_and_nothing_else(name: str) -> None:
    report = reports.ALL[name]()
    coloured = table.render(report, width=120, color=True)
    assert SGR.sub("", coloured) == table.render(report, width=120, color=False)
    styles = {"1", "2", "31", "33", "0"}
    assert set(re.findall(r"\x1b\[([0-9;]*)m", coloured)) <= styles
    assert table.render(report, width=120) == text.render(report, 120) + "\n"


def test_only_the_finding_is_bold() -> None:
    report = reports.broken()
    bold = re.findall(r"\x1b\[1m(.*?)\x1b\[0m", table.render(report, width=80, color=True))
    assert " ".join(bold) == report.finding


def test_the_precision_is_that_asked_for() -> None:
    assert "44.4939 " in render(reports.ridge(), "table", precision=6)
    assert "44.49 " not in render(reports.ridge(), "table", precision=6)


def test_long_names_are_shortened_and_no_column_is_lost_to_them() -> None:
    base = reports.ridge()
    assert base.worst is not None
    rows = tuple(replace(row, id="字" * 100) for row in base.worst.rows)
    lines = text.render(replace(base, worst=Worst("mse", rows)), 80).split("\n")
    (line,) = [line for line in lines if "+141.7" in line]
    assert line.startswith("字字字字字")
    assert re.search(r"… +48\.0 +189\.7 +\+141\.7 +1\.5 %", line)


def test_a_name_is_shortened_to_forty_cells_before_a_column_goes() -> None:
    columns = (Column("who", "row"), Column("a", "count"), Column("b", "count", 1))
    for length in (36, 40, 70):
        made = Table(columns, (("x" * length, 10**14, 10**14),))
        header, row = ("".join(words for words, _ in line).split() for line in laid_out(made, 75))
        assert header == ["who", "a", "b"]
        assert row[0] == ("x" * length if length <= 40 else "x" * 39 + "…")


# --- numbers and cells --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2995.86, "2996"), (21670.4, "21670"), (44.4939, "44.49"), (0.0, "0"), (-0.0, "0"),
        (9.9996, "10.00"), (99999.0, "100000"), (0.000123456, "0.0001235"), (-0.19342, "-0.1934"),
        (1.23449e12, "1.234e+12"), (1.5e-9, "1.500e-09"), (999996.0, "1.000e+06"),
    ],
)  # fmt: skip
def test_significant_digits(value: float, shown: str) -> None:
    assert numbers.significant(value) == shown


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 17))
def test_significant_digits_are_those_of_the_number(value: float, precision: int) -> None:
    shown = numbers.significant(value, precision)
    assert float(shown) == float(f"{value:.{precision - 1}e}")
    assert len(shown) <= precision + 7


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (41.508, 47.48, ("41.51", "47.48")),
        (-5.3196, 4.9328, ("-5.320", "+4.933")),
        (0.0, 208.73, ("0", "208.7")),
        (12.34, 43570.2, ("12", "43570")),
        (0.01234, 208.73, ("0.0", "208.7")),
        (-5.0, -1.25, ("-5.000", "-1.250")),
        (-math.inf, math.inf, ("-inf", "+inf")),
    ],
)
def test_intervals(low: float, high: float, shown: tuple[str, str]) -> None:
    assert numbers.interval(low, high) == shown


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([302.0, 146.117, -155.883], 1),
        ([2102.0, 197.0, 1905.0], 0),
        ([0.5, 1.5, 1.0], 1),
        ([1.0, 0.0], 0),
        ([0.1 + 0.2, 0.123456], 4),
        ([1e-9], None),
        ([], 0),
    ],
)
def test_shared_decimals(values: list[float], decimals: int | None) -> None:
    assert numbers.shared_decimals(values) == decimals


def test_each_kind_of_column() -> None:
    kinds: list[tuple[Any, list[Any], list[str]]] = [
        ("text", ["a", None, "長い"], ["a", "", "長い"]),
        ("value", [44.4939, "infinite", 2995.86, None],
         ["  44.49", "infinite", "2996", ""]),
        ("data", [302.0, None, "cat", [1.25, None, "a"]], ["302", "", "cat", "[1.25 - a]"]),
        ("signed", [1.5, -12.25, 0.0], [" +1.50", "-12.25", "  0.00"]),
        ("share", [0.01835, 1.0, 0.0], ["1.8 %", "100.0 %", "0 %"]),
        ("skill", [0.3213, -2.65, None, 1.0], ["32 %", "-265 %", "", "100 %"]),
        ("count", [7, 1234], ["7", "1234"]),
        ("interval", [reports.interval(1, 22.5), reports.interval(-100, 5.5, False), None],
         ["  1.00 … 22.50", "-100.0 … +5.5 !", ""]),
        ("worst", [reports.worst(3, 0.5, "a17"), reports.worst(12, None), None],
         ["a17  50.0 %", "#12", ""]),
        ("half", [{"count": 110, "of": 442}, {"count": 2, "of": 442}, {"count": 1, "of": 2}],
         ["110 rows (25 %)", "  2 rows", "  1 row (50 %)"]),
        ("change", [{"value": 54.29, "change": -0.008}, {"value": 30.0, "change": None}, None],
         ["54.29 -0.8 %", "30.00", ""]),
    ]  # fmt: skip
    for kind, values, shown in kinds:
        made = Table((Column("", kind),), tuple((value,) for value in values))
        lines = ["".join(words for words, _ in line) for line in laid_out(made, 80)[1:]]
        left = kind in ("text", "interval", "worst", "half")
        wide = max(cell_len(line) for line in lines)
        got = [line.rstrip() if left else line for line in lines]
        if left:
            assert got == shown, kind
        else:
            assert [line.strip() for line in got] == [one.strip() for one in shown], kind
            assert all(cell_len(line) == wide for line in lines)


def test_a_list_of_outputs_is_shortened_by_whole_numbers() -> None:
    made = Table((Column("v", "data"),), (([1.25, -3.5, 2996.0, 0.5, 21670.4],), ([1e-300] * 9,)))
    lines = ["".join(words for words, _ in line).strip() for line in laid_out(made, 80)[1:]]
    assert lines == ["[1.25 -3.5 2996 …]", "[1.000e-300 …]"]


def test_numbers_of_a_column_stand_at_the_point() -> None:
    made = Table((Column("v", "value"),), tuple((v,) for v in (2995.86, 0.4948, -155.883, 1e12)))
    lines = ["".join(words for words, _ in line).rstrip() for line in laid_out(made, 80)[1:]]
    assert lines == ["2996", "   0.4948", "-155.9", "   1.000e+12"]


# --- text on the grid ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "plain",
        "データ",
        "e\u0301te\u0301",
        "🙂",
        "☁️",
        "👍🏽",
        "🇩🇪",
        "한국어",
        "ﾊﾝｶｸ",
        "→…█",
        "\u0301a",
    ],
)
def test_widths_are_those_of_rich(words: str) -> None:
    assert typeset.width(words) == cell_len(words)


@given(st.text(), st.integers(2, 60))
def test_shortened_text_fits_and_keeps_its_beginning(words: str, limit: int) -> None:
    short = typeset.shortened(words, limit)
    assert typeset.width(short) <= limit
    assert short == words or (short.endswith("…") and words.startswith(short[:-1]))


@given(st.text(), st.integers(2, 60))
def test_wrapped_text_fits_and_loses_nothing(words: str, limit: int) -> None:
    lines = typeset.wrapped(typeset.shown(words), limit)
    assert all(typeset.width(line) <= limit for line in lines)
    assert all(not line.lstrip().startswith("::") for line in lines)
    bare = str.maketrans("", "", " \\")
    assert "".join(lines).translate(bare) == inert(words).translate(bare)


def test_per_cent_and_intervals_stay_whole() -> None:
    words = "make 86.2 % of it, 41.51 … 47.48"
    for limit in range(14, 40):
        joined = "\n".join(typeset.wrapped(words, limit))
        assert "86.2 %" in joined
        assert "41.51 … 47.48" in joined


# --- anything at all ----------------------------------------------------------------------------

WORDS = st.one_of(st.sampled_from(reports.NASTY), st.text(max_size=50))
FLOATS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def any_report(draw: st.DrawFn) -> Report:
    base = reports.broken()
    assert base.worst is not None
    losses = tuple(
        replace(one, spec=f"{draw(WORDS)}{place}", value=draw(FLOATS),
                worst=reports.worst(3, draw(FLOATS), draw(st.none() | WORDS)))
        for place, one in enumerate(base.losses)
    )  # fmt: skip
    cell = st.one_of(FLOATS, WORDS, st.lists(FLOATS | WORDS, max_size=6))
    roles = draw(st.lists(WORDS, min_size=1, max_size=5, unique=True))
    rows = tuple(
        replace(
            row,
            id=draw(st.none() | WORDS),
            values={role: draw(cell) for role in roles},
            without={one.spec: draw(FLOATS) for one in losses},
        )
        for row in base.worst.rows[:3]
    )
    return replace(
        base,
        inputs={"pred": {"path": draw(WORDS), "columns": [draw(WORDS)]}},
        signature=draw(WORDS),
        finding=draw(WORDS),
        losses=losses,
        worst=Worst("mse", rows),
        parts=(Part(draw(WORDS), draw(WORDS), {}),),
        notes=(Note("a", draw(WORDS), True), Note("b", draw(WORDS))),
    )


@settings(deadline=None, max_examples=60)
@given(report=any_report(), width=WIDTHS, style=st.sampled_from(STYLES))
def test_any_report_renders_inert_and_within_the_width(
    report: Report, width: int, style: str
) -> None:
    rendered = render(report, style, width=width)
    assert rendered.endswith("\n")
    assert_inert(rendered, style)
    if style == "table":
        assert all(typeset.width(line) <= width for line in rendered.split("\n"))
    for one in tables(report):
        widths = {sum(typeset.width(t) for t, _ in line) for line in laid_out(one, width)}
        assert len(widths) == 1


# --- formats for programs -----------------------------------------------------------------------


def strict(rendered: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(rendered, parse_constant=refuse)


@EACH
@pytest.mark.parametrize("style", [*STYLES, "plain"])
def test_every_format_is_inert(name: str, style: str) -> None:
    assert_inert(render(reports.ALL[name](), style), style)


@EACH
def test_json_reads_back(name: str) -> None:
    report = reports.ALL[name]()
    rendered = render(report, "json")
    data = json.loads(json.dumps(report.to_dict()))
    assert strict(rendered) == data
    rendered.encode()
    again = Report.from_dict(strict(rendered))
    assert json.loads(json.dumps(again.to_dict())) == data
    assert render(again, "json") == rendered
    assert text.render(again, 80) == text.render(report, 80)


@EACH
def test_json_lines_read_back(name: str) -> None:
    report = reports.ALL[name]()
    lines = render(report, "jsonl").splitlines()
    assert [strict(line) for line in lines] == report.records()


@EACH
@pytest.mark.parametrize("style", ["csv", "tsv"])
def test_separated_values_read_back(name: str, style: str) -> None:
    report = reports.ALL[name]()
    rendered = render(report, style)
    if style == "csv":
        header, *rows = csv.reader(rendered.splitlines(), strict=True)
    else:
        header, *rows = [line.split("\t") for line in rendered.splitlines()]
        assert render(report, "plain") == rendered
    assert header == list(RECORD_COLUMNS)
    assert len(rows) == len(report.losses)
    for row, record in zip(rows, report.records(), strict=True):
        for cell, (column, value) in zip(row, record.items(), strict=True):
            if value is None:
                assert cell == "", column
            elif isinstance(value, float):
                assert float(cell) == value
            elif isinstance(value, bool):
                assert cell == ("true" if value else "false")
            elif isinstance(value, int):
                assert int(cell) == value
            else:
                bare = str.maketrans("", "", "\\'")
                assert cell.translate(bare) == inert(value).translate(bare)


def test_csv_text_is_no_formula_and_its_numbers_are_numbers() -> None:
    rendered = render(reports.nasty(), "csv")
    for row in csv.DictReader(rendered.splitlines()):
        for column in ("loss", "worst_id", "reason"):
            assert not row[column].startswith(tuple("=+-@\t\r"))
    assert "'=HYPERLINK(1)," in rendered
    assert "'@SUM(1)," in rendered
    negative = replace(reports.ridge(), losses=(reports.loss("bias", -0.25),))
    assert render(negative, "csv").splitlines()[1].startswith("bias,-0.25,ok,")


def test_markdown_is_a_table_of_fixed_columns_after_the_finding() -> None:
    lines = render(reports.broken(), "md").splitlines()
    assert lines[0].startswith(r"**Three rows \(\#371 \#17 \#233\) make 86 %")
    assert lines[4] == (
        "| loss | value | 95 % interval | skill | worst row | half of it in | n | status |"
    )
    assert lines[7] == (
        r"| rmse | 147.2 | 0 … 208.7 ! | -91 % | \#371 37.9 % | 2 rows | 442 | ok |"
    )
    assert "rows: 439 scored of 442; dropped 3: 2 nan, 1 unmatched  " in lines
    assert lines[-3].startswith("**Warning:** The intervals")


@pytest.mark.parametrize("words", reports.NASTY)
def test_markdown_marks_in_data_are_escaped(words: str) -> None:
    hostile, clean = (render(reports.nasty(one), "md") for one in (words, "clean"))
    assert len(hostile.splitlines()) == len(clean.splitlines())

    def marks(rendered: str, marks: str) -> int:
        bare = re.sub(r"\\.", "", rendered).replace("rows (", "")
        return sum(bare.count(mark) for mark in marks)

    assert marks(hostile, "|") == marks(clean, "|")
    assert marks(hostile, "`<[]()@#") == marks(clean, "`<[]()@#")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.data = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[f"{tag} {sorted(attrs)}"] += 1

    def handle_data(self, data: str) -> None:
        self.data += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def parsed(rendered: str) -> Tags:
    found = Tags()
    found.feed(rendered)
    found.close()
    return found


@pytest.mark.parametrize("words", [*reports.NASTY, *("'\"><b>&amp;", "</style><b>", "<!--")])
def test_html_from_hostile_data_has_the_tags_of_a_clean_report(words: str) -> None:
    hostile = parsed(render(reports.nasty(words), "html"))
    clean = parsed(render(reports.nasty("clean"), "html"))
    assert hostile.tags == clean.tags
    assert typeset.shown(words).strip() in hostile.data
    assert not any(re.search(r"http:|'on|^script", tag) for tag in clean.tags)


def test_html_page_may_load_nothing() -> None:
    whole = render(reports.ridge(), "html")
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"" in whole
    assert fragment(reports.ridge()) in whole
    assert "<html" not in reports.ridge()._repr_html_()


def test_scores_are_bare_numbers() -> None:
    assert scores(reports.infinite()) == "infinite\noverflow\n1234567800000.0\n4.2e-11\n0.0\n"


# --- the registry -------------------------------------------------------------------------------


def test_formats_by_suffix_and_name() -> None:
    assert suffix_format("a/b.c.JSON") == "json"
    assert suffix_format("r.jsonl") == "jsonl"
    assert suffix_format("r.xyz") is None
    with pytest.raises(UsageError, match="'jsn'; nearest: json"):
        render(reports.ridge(), "jsn")


def test_repr_is_the_screen() -> None:
    assert repr(reports.ridge()) == text.render(reports.ridge(), 100)


def test_only_the_table_uses_rich() -> None:
    code = (
        "import sys; from lossctl.renderers import FORMATS, OF, render\n"
        "from tests import reports\n"
        "for name in set(FORMATS) - set(OF):\n"
        "    if name != 'table': render(reports.ridge(), name)\n"
        "assert 'rich' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_names_that_would_look_alike_are_cut_in_the_middle() -> None:
    ends = ("mobile", "desktop")
    texts = [f"customer_segment=consumer and device_category={end}" for end in ends]
    made = Table((Column("slice", "text"), Column("n", "count")), tuple((t, 10**9) for t in texts))
    lines = ["".join(words for words, _ in line) for line in laid_out(made, 50)][1:]
    first, second = (line.split("  ")[0] for line in lines)
    assert first.startswith("customer_segment=c") and first.endswith("_category=mobile")
    assert second.startswith("customer_segment=c") and second.endswith("_category=desktop")
    assert all("…" in line and typeset.width(line) <= 50 for line in lines)


def test_a_change_that_rounds_to_nothing_has_no_sign() -> None:
    assert numbers.per_cent(-0.001, 0, signed=True) == "0 %"
    assert numbers.per_cent(0.004, 0, signed=True) == "0 %"
    assert numbers.per_cent(0.004, 1, signed=True) == "+0.4 %"
