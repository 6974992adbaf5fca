"""Pictures of curves in a report: where lines stand, how wide they are, inert names."""

from __future__ import annotations

import io
import json
import math
import re
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from lossctl.cli import output, run
from lossctl.renderers import FORMATS, OF, render, text
from lossctl.renderers.axes import Axis, short
from lossctl.renderers.curves import drawings
from lossctl.renderers.plain import in_ascii
from lossctl.renderers.svg import svg
from lossctl.report import Chart, Part, Report, Series
from tests import reports
from tests.test_renderers import assert_inert, parsed, strict

X = tuple(place / 40 for place in range(41))
UP, DOWN = Series("up", X), Series("down", X[::-1])
REC = Chart("share of rows with |error| ≤ t", "|error|", X, (UP, DOWN), (0.5,))
BELOW = Chart("up - down", "|error|", X, (Series("", tuple(2 * x - 1 for x in X)),), (0.5,))
NONE: tuple[None, ...] = (None,) * 41
BOTH = pytest.mark.parametrize("ascii_only", [False, True])


def report(*charts: Chart) -> Report:
    base = reports.broken()
    return replace(
        base, parts=(*base.parts, Part("curves", "they cross once", {"n": 2}, None, charts))
    )


def lines(chart: Chart, cells: int = 80, ascii_only: bool = False) -> list[str]:
    drawn = drawings([chart], cells, pairs=False, ascii_only=ascii_only)
    return ["".join(words for words, _ in line) for line in drawn]


CORNER = re.compile(r" *(\+-{5}|└)")


def frame(chart: Chart, cells: int = 80, ascii_only: bool = False) -> list[str]:
    """The inside of the frame, row by row."""
    rows = lines(chart, cells, ascii_only)
    end = next(place for place, row in enumerate(rows) if CORNER.match(row))
    side = "|" if ascii_only else "│"
    return [row.partition(side)[2] for row in rows[end - (12 if ascii_only else 8) : end]]


def line(*y: float | None, x: tuple[float, ...] = (), **rest: Any) -> Chart:
    return Chart("title", "x", x or tuple(map(float, range(len(y)))), (Series("y", y),), **rest)


NUMBERS = st.one_of(
    st.floats(-10, 10),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5e-324, 1e-300, -1e-300, 1e300, -1e300, sys.float_info.max]),
)
NAMES = st.one_of(st.sampled_from(reports.NASTY), st.text(max_size=30))


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    x = sorted(draw(st.lists(NUMBERS, max_size=30)))
    values = st.one_of(st.none(), NUMBERS, st.sampled_from([math.nan, math.inf, -math.inf]))
    y = st.lists(values, min_size=len(x), max_size=len(x)).map(tuple)
    series = draw(st.lists(st.builds(Series, NAMES, y), max_size=6))
    marks = tuple(draw(st.lists(NUMBERS, max_size=6)))
    return Chart(draw(NAMES), draw(NAMES), tuple(x), tuple(series), marks, draw(st.booleans()))


# --- any chart ----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(drawn=st.lists(charts(), min_size=1, max_size=3), width=st.integers(40, 200),
       ascii_only=st.booleans())  # fmt: skip
def test_no_line_is_wider_than_the_screen(drawn: list[Chart], width: int, ascii_only: bool) -> None:
    screen = text.render(report(*drawn), width, ascii_only=ascii_only)
    assert max(map(cell_len, screen.split("\n"))) <= width
    assert_inert(screen)
    assert screen.isascii() or not ascii_only


@settings(deadline=None, max_examples=100)
@given(drawn=charts(), style=st.sampled_from(sorted({*FORMATS} - {*OF})))
def test_every_format_is_inert(drawn: Chart, style: str) -> None:
    assert_inert(render(report(drawn), style), style)


@pytest.mark.parametrize("width", range(40, 201, 10))
@BOTH
def test_the_characters_are_those_of_the_frame_and_of_the_curves(
    width: int, ascii_only: bool
) -> None:
    rows = frame(REC, width, ascii_only)
    assert len(rows) == (12 if ascii_only else 8)
    drawn = set("".join(rows)) - {" "}
    if ascii_only:
        assert drawn == {"*", "+"}
    else:
        assert all("\u2800" < one <= "\u28ff" for one in drawn)
    assert {len(row) for row in rows} == {min(width, 76) - 3}


def test_a_chart_that_nothing_can_be_drawn_of() -> None:
    for empty in (Chart("t", "x", (), ()), line(None, None), line(1.0, x=(-1.0,), log=True)):
        assert lines(empty)
        assert "</svg>" in svg(empty)


def test_what_is_no_chart() -> None:
    with pytest.raises(ValueError, match="a curve of 1 values over 2 places"):
        Chart("t", "x", (0.0, 1.0), (Series("y", (1.0,)),))
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="not finite"):
            Chart("t", "x", (0.0,), (), (bad,))


# --- where things stand -------------------------------------------------------------------------


def column(chart: Chart, mark: str, ascii_only: bool = False) -> int:
    """The cell of the mark, counted from the frame on."""
    rows = lines(chart, ascii_only=ascii_only)
    end = next(place for place, row in enumerate(rows) if CORNER.match(row))
    start = len(rows[end]) - len(rows[end].lstrip())
    return rows[end + 1].index(mark) - start - 1


@pytest.mark.parametrize("where", [0.1, 0.25, 0.5, 0.9])
@BOTH
def test_two_lines_cross_where_the_mark_is(where: float, ascii_only: bool) -> None:
    """`x`, and the line that falls twice as fast and meets it there."""
    falling = tuple(where - 2 * (x - where) for x in X)
    chart = Chart("t", "x", X, (UP, Series("falling", falling)), (where,))
    here = column(chart, "^" if ascii_only else "▲", ascii_only)
    rows = frame(chart, ascii_only=ascii_only)
    assert abs(here - where * (len(rows[0]) - 1)) <= 1

    def drawn(at: int) -> dict[int, str]:
        return {row: cells[at] for row, cells in enumerate(rows) if cells[at] not in " -"}

    assert max(drawn(here)) - min(drawn(here)) <= 1  # both in one place
    for at in (0, len(rows[0]) - 1):
        if abs(at - here) > 10:
            assert max(drawn(at)) - min(drawn(at)) >= 1
            if ascii_only:
                assert drawn(at)[min(drawn(at))] == ("+" if at < here else "*")


def test_a_line_goes_from_corner_to_corner() -> None:
    rows = frame(line(0.0, 1.0))
    assert rows[-1][0] == "⣀"
    assert rows[0][-1] == "⠉"
    assert {len(row) for row in rows} == {76 - 3}
    assert all(row.strip() for row in rows)


def test_places_need_not_be_even() -> None:
    """Half of the points lie in the first hundredth: the line is straight nevertheless."""
    x = (0.0, 0.001, 0.002, 0.005, 0.01, 1.0)
    assert frame(line(*x, x=x)) == frame(line(0.0, 1.0))


def test_the_ends_are_named_and_zero_between_them() -> None:
    rows = lines(line(-1.5, 3.25, x=(2.0, 10.0)))
    assert rows[1].startswith("3.25 │")
    assert [row.split("│")[0].strip() for row in rows[1:9]].count("0") == 1
    assert rows[8].startswith("-1.5 │")
    assert re.fullmatch(r" +2 +x +10", rows[10])
    assert "⠄ ⠄" in "".join(rows) or "⠁ ⠁" in "".join(rows) or "⠂ ⠂" in "".join(rows)
    assert " - - " in "".join(frame(line(-1.5, 3.25), ascii_only=True))
    assert lines(line(0.1, 10.0))[8].startswith(" 0 │")  # nearly 0


def test_ends_that_are_alike_are_told_apart() -> None:
    assert short([0.12345, 0.12341]) == ["0.1235", "0.1234"]
    assert short([12345.0, 0.0]) == ["12300", "0"]
    assert short([1e300, -1e-300]) == ["1e+300", "-1e-300"]


def test_a_constant_is_a_line_in_the_middle() -> None:
    rows = lines(line(7.0, 7.0, 7.0))
    assert [row for row in rows[1:9] if row.split("│")[1].strip()] == [rows[5]]
    assert rows[5].startswith("7 │⠉⠉⠉")


@BOTH
def test_a_single_point_is_one_dot(ascii_only: bool) -> None:
    rows = frame(line(3.0), ascii_only=ascii_only)
    assert len("".join(rows).split()) == 1
    assert "x = 0" in lines(line(3.0), ascii_only=ascii_only)[-1]
    assert "h0" in svg(line(3.0))


def test_gaps_stay_open() -> None:
    y = tuple(1.0 if 10 <= place < 20 or place == 30 else None for place in range(41))
    (row,) = [row for row in frame(line(*y)) if row.strip()]
    stretch, alone = row.split()
    assert len(stretch) > 15
    assert len(alone) == 1
    dashed = Chart("t", "x", X, (Series("none", NONE), Series("y", y)))
    assert any(len(row.split()) > 2 and row.split()[-1] for row in frame(dashed))
    assert svg(line(*y)).count("h0") == 2


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e-5, 1.0, 1e300, sys.float_info.max / 2])
def test_size_does_not_matter(scale: float) -> None:
    """Ends whose difference overflows, and those whose reciprocal does."""
    rows = frame(line(-2 * scale, 2 * scale, x=(-scale, scale)))
    assert (rows[-1][0], rows[0][-1]) == ("⣀", "⠉")
    assert all(row.strip() for row in rows)
    if scale > 1e-300:
        assert Axis(-scale, scale).at(scale / 2) == pytest.approx(0.75)
    assert "nan" not in svg(line(-scale, scale))


def test_a_logarithmic_axis() -> None:
    x = tuple(10.0**power for power in range(-3, 4))
    chart = line(*map(float, range(7)), x=x, log=True, marks=(1.0,))
    assert frame(chart) == frame(line(0.0, 6.0))
    assert abs(column(chart, "▲") - len(frame(chart)[0]) // 2) <= 1
    assert re.fullmatch(r" +0.001 +x \(log\) +1000", lines(chart)[-1])
    beyond = line(5.0, *map(float, range(7)), x=(0.0, *x), log=True, marks=(-1.0, 0.0, 1.0))
    assert lines(beyond) == lines(chart)  # what is not above 0 has no place


def test_marks_that_share_a_cell_are_one() -> None:
    marks = lines(line(0.0, 1.0, marks=(0.5, 0.501, 7.0)))[-2]
    assert marks.split() == ["▲", "0.5–0.501"]
    crowd = lines(line(0.0, 1.0, marks=tuple(X)))[-2]
    assert crowd.count("▲") == 41
    assert lines(line(0.0, 1.0, marks=(0.999,)))[-2].split() == ["0.999", "▲"]
    marks = lines(line(0.0, 1.0, marks=(0.5, 0.501)), ascii_only=True)[-2]
    assert marks.split() == ["^", "0.5-0.501"]


# --- curves are told apart ----------------------------------------------------------------------


def test_curves_are_told_apart_without_colour() -> None:
    chart = Chart("t", "x", X, tuple(Series(name, X) for name in "abcd"))
    for ascii_only, signs in ((False, "a ━  b ┄  c ·  d ─·"), (True, "a *  b +  c .  d o")):
        assert lines(chart, ascii_only=ascii_only)[0].endswith(signs)
    alone = [
        "".join(frame(Chart("t", "x", X, (*(Series("", NONE) for _ in range(place)), UP))))
        for place in range(4)
    ]
    assert len(set(alone)) == 4
    dots = [
        sum(bin(ord(one) - 0x2800).count("1") for one in drawn if one != " ") for drawn in alone
    ]
    assert dots[0] > dots[1] > dots[2] < dots[3] < dots[0]
    assert len(set(re.findall(r"stroke-dasharray=.[^\"]+", svg(chart)))) == 3


def test_curves_that_run_together_take_turns_in_ascii() -> None:
    rows = frame(Chart("t", "x", X, (UP, UP)), ascii_only=True)
    assert "".join(rows).count("*") in range(30, 50)
    assert "".join(rows).count("+") in range(30, 50)


def test_colour_is_only_added() -> None:
    plain = render(report(REC, BELOW), "table", width=80)
    styled = render(report(REC, BELOW), "table", width=80, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", styled) == plain
    assert "\x1b[35m" in styled  # the second curve


def test_one_curve_of_the_name_of_the_chart_has_no_legend() -> None:
    assert "━" not in "".join(lines(replace(BELOW, marks=())))
    named = replace(BELOW, series=(Series("a difference", X),))
    assert lines(named)[0].endswith("a difference ━")


# --- on the screen ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "together"), [(80, False), (99, False), (100, True), (160, True)]
)
def test_two_charts_stand_side_by_side_where_there_is_room(width: int, together: bool) -> None:
    screen = text.render(report(REC, BELOW), width).split("\n")
    assert any(row.count("└") == 2 for row in screen) == together
    assert "\n".join(screen).count("└") == 2
    if together:
        tops = [row for row in screen if row.count(" │") == 2]
        assert len(tops) == 8
        assert len({row.rindex("│") for row in tops}) == 1


def test_charts_stand_below_the_text_of_their_part() -> None:
    screen = text.render(report(REC), 80)
    blocks = screen.split("\n\n")
    place = next(place for place, block in enumerate(blocks) if "they cross once" in block)
    assert "share of rows with |error| ≤ t" in blocks[place + 1]
    assert blocks[place + 2].startswith("rows")
    assert repr(report(REC)) == text.render(report(REC), 100)


@pytest.mark.parametrize("words", reports.NASTY)
def test_hostile_names_are_inert(words: str) -> None:
    chart = Chart(words, words, X, (Series(words, X), Series(words + "b", X[::-1])), (0.5,))
    for style in {*FORMATS} - {*OF}:
        for width, ascii_only in ((40, False), (100, True)):
            made = render(report(chart, chart), style, width=width, ascii_only=ascii_only)
            assert_inert(made, style)
    hostile, clean = (
        parsed(render(report(one), "html"))
        for one in (chart, Chart("t", "x", X, (UP, DOWN), (0.5,)))
    )
    tags = [sorted(tag.split()[0] for tag in found.tags.elements()) for found in (hostile, clean)]
    assert set(tags[0]) == set(tags[1])
    assert tags[0].count("path") == tags[1].count("path")
    assert not any(re.search(r"http:|'on|^script|style=", tag) for tag in hostile.tags)


# --- ASCII --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 100, 140, 200])
@pytest.mark.parametrize("name", reports.ALL)
def test_the_whole_screen_is_of_ascii(name: str, width: int) -> None:
    base = reports.ALL[name]()
    part = Part(
        "größe", "α ≤ 0.5 · 3 × 4 … 5 – 6", {}, reports.broken().losses_table(), (REC, BELOW)
    )
    made = replace(base, parts=(*base.parts, part))
    screen = render(made, "table", width=width, ascii_only=True)
    assert screen.isascii()
    assert max(map(len, screen.split("\n"))) <= width
    assert_inert(screen)
    if width > 40:
        assert "\\xf6\\xdfe" in screen
        assert "alpha <= 0.5 - 3 x 4 ... 5 - 6" in screen
    styled = render(made, "table", width=width, ascii_only=True, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", styled) == screen


def test_columns_stay_aligned_in_ascii() -> None:
    rows = text.render(reports.ridge(), 100, ascii_only=True).split("\n")
    assert rows[2:5] == [
        "loss            value   95 % interval       skill   worst row      half of it in",
        "mae           44.49      41.51 ... 47.48     32 %   #102   0.8 %   110 rows (25 %)",
        "rmse          54.73      51.36 ... 57.91     29 %   #102   1.8 %    61 rows (14 %)",
    ]
    assert len({row.index("#") for row in rows[3:8]}) == 1


def test_likenesses_do_not_act_either() -> None:
    assert in_ascii("█#[error]") == "#\\#[error]"
    assert in_ascii("é\x1b") == "\\xe9\\x1b"
    assert in_ascii("…") == "..."


class Stdout(io.TextIOWrapper):
    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("encoding", "ascii_only"),
    [("utf-8", False), ("UTF8", False), ("ascii", True), ("latin-1", True), ("cp1252", True)],
)
def test_the_encoding_of_stdout_decides(
    encoding: str, ascii_only: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Stdout(held, encoding=encoding))
    assert output.ascii_stdout() is ascii_only
    folder = "sample_data/diabetes"
    files = [f"{folder}/ridge.csv", f"{folder}/target.csv"]
    assert run(["eval", *files, "-f", "table"]) == 0
    assert held.getvalue().isascii() is ascii_only
    assert (b" ... " if ascii_only else " … ".encode()) in held.getvalue()


def test_a_stdout_without_an_encoding_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for stdout in (None, io.StringIO()):
        monkeypatch.setattr(sys, "stdout", stdout)
        assert output.ascii_stdout() is False


# --- formats ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(drawn=st.lists(charts(), min_size=1, max_size=3))
def test_json_reads_back(drawn: list[Chart]) -> None:
    made = report(*drawn)
    data = strict(render(made, "json"))
    assert data == json.loads(json.dumps(made.to_dict()))
    again = Report.from_dict(data)
    assert again.to_dict() == made.to_dict()
    assert again.parts[-1].data == {"n": 2}
    assert text.render(again, 100) == text.render(made, 100)


def test_json_has_the_numbers_and_only_where_there_are_charts() -> None:
    parts = report(REC).to_dict()["parts"]
    assert parts["curves"]["charts"][0]["series"][1] == {"name": "down", "y": list(X[::-1])}
    assert parts["curves"]["charts"][0]["marks"] == [0.5]
    assert not any("charts" in part for name, part in parts.items() if name != "curves")
    assert Report.from_dict(report(REC).to_dict()).parts[-1].charts == (REC,)


@pytest.mark.parametrize("style", ["tsv", "csv", "jsonl"])
def test_flat_formats_leave_them_out(style: str) -> None:
    assert render(report(REC), style) == render(report(), style)


@BOTH
def test_markdown_holds_them_in_a_fence_that_nothing_closes(ascii_only: bool) -> None:
    made = render(report(replace(REC, title="````", x_name="```")), "md", ascii_only=ascii_only)
    rows = made.split("\n")
    fences = [place for place, row in enumerate(rows) if re.fullmatch("`{5}(text)?", row)]
    assert len(fences) == 2
    inside = rows[fences[0] + 1 : fences[1]]
    assert len(inside) >= 11
    assert "curves: they cross once" in rows[: fences[0]]
    assert any("up *" in row if ascii_only else "up ━" in row for row in inside)
    assert "".join(inside).isascii() is ascii_only


def test_html_draws_them_as_inline_svg() -> None:
    page = render(report(REC, BELOW), "html")
    assert page.count("<svg ") == page.count("</svg>") == 2
    assert "<title>share of rows with |error| ≤ t</title>" in page
    assert "<script" not in page
    assert "http" not in page.replace('http-equiv="', "")
    assert "</svg>" not in render(report(), "html")
    assert ".pen1" not in render(report(), "html")
    escaped = svg(replace(REC, title="<script>alert(1)</script>", series=(Series('"><b>', X),)))
    assert "<script" not in escaped
    assert "<b>" not in escaped
    assert "&lt;script&gt;" in escaped


def test_svg_stays_within_its_box() -> None:
    picture = svg(replace(REC, marks=X))
    for x, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", picture):
        assert 84 <= float(x) <= 544
        assert 0 <= float(y) <= 264
    assert "M84.0 " in picture
    assert "L544.0 " in picture
