"""`explain` and `losses`: what they say follows from the record of a loss, and is true.

`pytest tests/test_explain.py --rewrite` writes the transcripts anew, one file per loss.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest

import lossctl
from lossctl.arrays import Array, Real
from lossctl.cli import run
from lossctl.curves import curve_of, path_of
from lossctl.explain import card_of, explain
from lossctl.grammar import parse
from lossctl.influence import outlier_of
from lossctl.loss import loss, losses, named, unregister
from lossctl.points import example, needs_several, point_at, worked
from lossctl.renderers.chart import chart
from lossctl.renderers.explain import known_format, render
from lossctl.renderers.typeset import width
from lossctl.settings import Param
from lossctl.spec import make
from lossctl.tasks import TASKS

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "explain"
LOSSES = losses()
every_loss = pytest.mark.parametrize("name", LOSSES)


def said(capfd, *arguments, status=0):
    capfd.readouterr()
    assert run([*arguments]) == status
    found = capfd.readouterr()
    return found.err if status else found.out


# --- transcripts --------------------------------------------------------------------------------


@every_loss
def test_transcript(name, request):
    shown = render(explain(name), "table", 80)
    golden = GOLDEN / f"{name}.txt"
    if request.config.getoption("--rewrite"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


def test_no_transcript_is_of_a_loss_that_is_gone(request):
    gone = {path.stem for path in GOLDEN.glob("*.txt")} - set(LOSSES)
    if request.config.getoption("--rewrite"):
        for name in gone:
            (GOLDEN / f"{name}.txt").unlink()
        return
    assert not gone


@pytest.mark.parametrize("cells", [40, 60, 80, 100, 140])
def test_no_line_is_wider_than_the_screen(cells):
    for name in LOSSES:
        for line in render(explain(name), "table", cells).splitlines():
            assert width(line) <= cells, f"{name}: {line}"
            assert line == line.rstrip()


def test_a_terminal_narrower_than_a_pair_of_charts_gets_one_above_the_other():
    narrow, wide = (render(explain("huber"), "table", cells) for cells in (60, 80))
    assert not any("└─" in line and line.count("└") == 2 for line in narrow.splitlines())
    assert any(line.count("└") == 2 for line in wide.splitlines())


# --- what a card says is true -------------------------------------------------------------------


@every_loss
def test_every_loss_has_a_worked_example_inside_its_domains(name):
    spec = make(LOSSES[name], {})
    given = example(spec)
    assert given is not None
    point = worked(spec, given)
    assert all(math.isfinite(value) for value in point.adds)
    assert point.value is not None and math.isfinite(point.value)
    assert point.rows == (3 if needs_several(spec) else 1)


@every_loss
def test_the_example_is_what_the_loss_itself_returns(name):
    card = explain(name)
    adds = LOSSES[name](**card.example.roles)
    assert np.allclose(adds, card.example.adds, rtol=1e-12, atol=0.0)


@every_loss
def test_the_slope_along_a_path_is_the_difference_quotient(name):
    spec = make(LOSSES[name], {})
    path = path_of(spec, example(spec))
    if path is None or path.kind == "away":
        return
    x = np.array([-2.713, -1.117, -0.331, 0.219, 0.627, 1.853, 2.411])
    if path.kind == "pred":
        x = x + 3.5
    slope = path.at(x)[1]
    step = 1e-6
    quotient = (path.at(x + step)[0] - path.at(x - step)[0]) / (2.0 * step)
    known = np.isfinite(slope)
    assert known.sum() >= 4
    assert np.allclose(slope[known], quotient[known], rtol=1e-5, atol=1e-7)


@every_loss
def test_a_card_is_strict_json(name):
    def strict(constant):
        raise ValueError(constant)

    data = json.loads(render(explain(name), "json", 80), parse_constant=strict)
    assert data["name"] == name
    assert data["label"] == LOSSES[name].label
    assert [role["name"] for role in data["roles"]] == [
        role.name for role in make(LOSSES[name], {}).roles
    ]


@every_loss
def test_a_card_names_every_setting_peer_and_source(name):
    one = LOSSES[name]
    text = " ".join(render(explain(name), "md", 80).split())
    for setting in one.settings:
        assert f"`{setting.name}`" in text
        assert " ".join(setting.param.help.split()).replace("|", r"\|") in text
    for peer, call in one.peers.items():
        assert f"In {peer}: `{call}`" in text
    assert one.reference in text


OUTLIERS = {
    "mae": ("no harder than 1;", "10 times as much"),
    "mse": ("in proportion", "100 times as much"),
    "huber:delta=2": ("no harder than 2;", "10 times as much"),
    "pinball:quantile=0.9": ("above pulls no harder than 0.9", "below pulls no harder than 0.1"),
    "cauchy": ("the slope fades to 0", "largest, 1.19 at 2.4"),
    "tukey_biweight": ("does not pull at all: beyond 4.7",),
    "general_robust:alpha=1.5": ("less than in proportion",),
    "poisson_deviance": ("a target far above pulls in proportion",),
    "bce": ("pulls with 1, however wrong", "nor stalls"),
    "bce:pos_weight=3": ("pulls with 3, however wrong",),
    "brier": ("largest (0.296) at -0.69", "a wrong model stalls"),
    "scce": ("pulls with 1, however wrong",),
    "gce": ("a wrong model stalls",),
    "hinge": ("far on the wrong side pulls no harder than 1",),
    "exponential": ("explodes",),
    "iou_loss": ("does not pull at all: beyond 3",),
    "triplet": ("the slope fades to 0",),
    "contrastive": ("100 times as much",),
}  # fmt: skip


@pytest.mark.parametrize("text", OUTLIERS)
def test_how_an_outlier_acts(text):
    found = explain(text).outlier
    assert found is not None
    for part in OUTLIERS[text]:
        assert part in found


@pytest.mark.parametrize("text", ["median_ae", "zero_one", "edit_distance", "structural_risk"])
def test_nothing_is_said_of_a_slope_where_there_is_none(text):
    card = explain(text)
    assert (card.outlier, card.curve) == (None, None)
    assert "An outlier" not in render(card, "table", 80)


DECOMPOSITIONS = {
    "mae": "additive: the (weighted) mean",
    "l1_norm": "additive: the sum",
    "mse:reduction=sum": "additive: the sum",
    "rmse": "monotone of additive: the square root",
    "ppl": "monotone of additive: e to the power",
    "wape": "ratio of sums",
    "r2": "ratio of sums",
    "max_error": "order statistic: the largest",
    "median_ae": "order statistic: the middle",
    "gaussian_nll": "rows can be negative",
    "info_nce": "pairwise",
    "structural_risk": "plus a penalty that belongs to no row",
}


@pytest.mark.parametrize("text", DECOMPOSITIONS)
def test_decomposition(text):
    assert DECOMPOSITIONS[text] in explain(text).decomposition


def test_a_new_loss_needs_no_second_edit():
    @loss(reference="a test", formula="c e²", gradient=lambda pred, target, *, c: 2 * c * (
        pred - target), peers={"keras": "losses.New"}, like={"keras": {"c": 3.0}})  # fmt: skip
    def new_loss(
        pred: Real, target: Real, *, c: Annotated[float, Param("a factor", 0.0)] = 2.0
    ) -> Array:
        """A factor times the square. More."""
        return c * np.square(pred - target)

    try:
        shown = render(explain("new_loss:c=5"), "table", 80)
    finally:
        unregister("new_loss")
    for part in ("new_loss(pred, target, c=5.0)", "c=5  (≥ 0; default 2) a factor",
                 "keras: losses.New, with c=3", "c e²    where e = pred - target",
                 "pred 9, target 4: loss 125, gradient 50"):  # fmt: skip
        assert part in shown


# --- points -------------------------------------------------------------------------------------

POINTS = {
    ("huber", "9,4"): (4.5, 1.0),
    ("huber:delta=2", "9, 4"): (8.0, 2.0),
    ("mae", "-1,2"): (3.0, -1.0),
    ("rmse", "9,4"): (5.0, 10.0),
    ("bce", "0.75,1"): (-math.log(0.75), -1.0 / 0.75),
    ("bce:from_logits=true", "0,1"): (math.log(2.0), -0.5),
    ("scce", "0.2,0.7,0.1/1"): (-math.log(0.7), [0.0, -1.0 / 0.7, 0.0]),
    ("edit_distance", "kitten/sitting"): (3.0, None),
    ("mase", "9/4/2,4,3,6"): (2.5, 0.5),
    ("structural_risk", "3/1/1,2"): (4.05, None),
    ("iou_loss", "0,0,2,2/1,1,3,3"): (6.0 / 7.0, [-2 / 49, -2 / 49, -6 / 49, -6 / 49]),
    ("ppl", "0.2,0.7,0.1/1"): (1.0 / 0.7, [0.0, -1.0 / 0.7, 0.0]),
}


@pytest.mark.parametrize(("text", "at"), POINTS)
def test_a_point_is_worked_out(text, at):
    point = explain(text, at).example
    value, gradient = POINTS[text, at]
    assert point.value == pytest.approx(value, rel=1e-12)
    if gradient is None:
        assert point.gradient is None
    else:
        assert point.gradient == pytest.approx(gradient, rel=1e-12, abs=1e-15)


def test_the_screen_of_a_point_is_short(capfd):
    shown = said(capfd, "explain", "huber", "--at", "9,4")
    assert shown.splitlines()[-1] == "Point          pred 9, target 4: loss 4.5, gradient 1"
    assert len(shown.splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["hubber"], 2, "no loss is called hubber; nearest: huber"),
        (["mae,mse"], 2, "one loss is wanted"),
        (["huber:delta=0"], 2, "delta is 0"),
        (["mae", "--at", "3"], 2, "does not say pred, target; write --at PRED,TARGET"),
        (["mae", "--at", "3,4,5"], 2, "write --at PRED,TARGET"),
        (["mae", "--at", "3,x"], 2, "target is 'x'"),
        (["scce", "--at", "1"], 2, "write --at PRED/LABEL (pred: numbers with commas)"),
        (["bce", "--at", "1.5,1"], 3, "pred is 1.5 but bce needs pred in [0, 1]"),
        (["mae", "--at", "nan,1"], 3, "pred is nan"),
        (["scce", "--at", "0.5,0.5/2"], 3, "label is 2"),
        (["mae", "-f", "yaml"], 2, "explain has no format yaml"),
        (["mae", "--color", "pink"], 2, "--color is pink"),
    ],
)
def test_errors_are_one_line(arguments, status, message, capfd):
    found = said(capfd, "explain", *arguments, status=status)
    assert message in found
    assert found.count("\n") == 1


def test_text_of_a_point_cannot_act_on_the_terminal(capfd):
    shown = said(capfd, "explain", "edit_distance", "--at", "a\x1b[31m/b")
    assert "\x1b" not in shown


# --- names, formats, colours --------------------------------------------------------------------


def test_an_alias_of_several_losses_names_the_others(capfd):
    several = next(alias for one in LOSSES.values() for alias in one.aliases
                   if len(named(alias)) > 1)  # fmt: skip
    shown = " ".join(said(capfd, "explain", several).split())
    assert f"stands for {', '.join(one.label for one in named(several)[1:])} too" in shown
    assert explain(several).name == named(several)[0].name


def test_colour_only_where_it_is_wanted(capfd, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = said(capfd, "explain", "huber")
    assert "\x1b" not in plain
    coloured = said(capfd, "explain", "huber", "--color", "always")
    assert "\x1b[1m" in coloured
    bare = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()
    monkeypatch.setenv("NO_COLOR", "1")
    assert said(capfd, "explain", "huber") == plain


def test_formats(capfd):
    assert json.loads(said(capfd, "explain", "huber:delta=2", "-f", "json"))["spec"] == (
        "huber:delta=2"
    )
    assert said(capfd, "explain", "huber", "-f", "md").startswith("# huber\n\n")
    assert known_format("plain") == "table"


# --- pictures -----------------------------------------------------------------------------------


def test_a_chart_draws_a_line_from_corner_to_corner():
    lines = chart("y", [0.0, 1.0, 2.0], [0.0, 1.0, 2.0], 15, rows=3)
    assert lines[0].strip() == "y"
    assert lines[1].startswith("2 │") and lines[3].startswith("0 │")
    tops = [next(k for k, c in enumerate(line[3:]) if c != " ") for line in lines[1:4]]
    assert tops == sorted(tops, reverse=True)
    assert lines[5].split() == ["0", "1", "2"]
    assert all(width(line) == 15 for line in lines)


def test_a_chart_leaves_holes_where_nothing_is_known():
    lines = chart("y", [0.0, 1.0, 2.0], [None, None, 1.0], 20, rows=4)
    assert all(line[6] == " " for line in lines[1:5])


def test_a_jump_is_drawn_without_a_hole():
    sign = [-1.0] * 50 + [1.0] * 50
    lines = chart("y", list(range(100)), sign, 30, rows=5)
    inside = "".join(line[4:] for line in lines[1:6])
    assert sum(any(ord(c) > 0x2800 for c in line[4:]) for line in lines[1:6]) == 5, inside


def test_the_picture_widens_with_where_the_loss_bends():
    reach = {}
    for text in ("huber", "huber:delta=20", "mae"):
        spec = parse(text)
        reach[text] = curve_of(path_of(spec, example(spec))).x[-1]
    assert reach["mae"] == 3.0
    assert reach["huber:delta=20"] > 20.0 > reach["huber"]


# --- the list -----------------------------------------------------------------------------------


def rows_of(text):
    heads, *rows = (line.split("\t") for line in text.splitlines())
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_the_list_has_every_loss_by_family(capfd):
    rows = rows_of(said(capfd, "losses"))
    assert [row["name"] for row in rows] == list(LOSSES)
    assert json.loads(said(capfd, "losses", "-f", "json"))[0]["tasks"] == ["regression"]


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_loss(task, capfd):
    found = rows_of(said(capfd, "losses", "--task", task))
    assert {row["name"] for row in found} == {n for n, one in LOSSES.items() if task in one.tasks}
    assert found


def test_filters(capfd):
    found = rows_of(said(capfd, "losses", "--family", "robust", "--task", "regression"))
    assert {row["family"] for row in found} == {"robust"}
    assert "--family is 'robusd'; nearest: robust" in said(
        capfd, "losses", "--family", "robusd", status=2
    )
    assert "nearest: binary" in said(capfd, "losses", "--task", "binari", status=2)
    assert said(capfd, "losses", "--task", "boxes", "--family", "robust", "-f", "table") == (
        "no loss fits\n"
    )
    assert "losses has no format yaml" in said(capfd, "losses", "-f", "yaml", status=2)


@pytest.mark.parametrize("cells", [80, 140])
def test_the_list_fits_the_screen(cells, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(cells))
    shown = said(capfd, "losses", "-f", "table")
    assert max(width(line) for line in shown.splitlines()) <= cells
    for one in LOSSES.values():
        assert re.search(rf"^{one.label} ", shown, re.MULTILINE)


# --- the guide ----------------------------------------------------------------------------------

GUIDE = (ROOT / "docs" / "choosing-a-loss.md").read_text(encoding="utf-8")


def section(title):
    return GUIDE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def number(value):
    return f"{value:.4g}" if abs(value) < 1e3 else f"{value:.6g}"


def value(spec, pred, target):
    report = lossctl.evaluate(np.array(pred, float), np.array(target, float), spec)
    return number(report.losses[0].value)


def test_the_guide_names_losses_that_fit_their_task():
    rows = re.findall(r"^\| (\w+) \| (.*) \|$", section("Which loss for which task"), re.MULTILINE)
    tasks = [task for task, _ in rows[1:]] if rows[0][0] == "task" else [task for task, _ in rows]
    assert set(tasks) == set(TASKS)
    for task, text in rows:
        for label in re.findall(r"`([\w]+)`", text):
            assert LOSSES[named(label)[0].name].label == label
            assert task in named(label)[0].tasks, f"{label} is not for {task}"


@pytest.mark.parametrize(
    "errors", [[0, 1, -2, -0.5, 1.5], [0, 1, 1, -2, 15], [1, 1], [2, 0]], ids=str
)
def test_the_guide_on_outliers(errors):
    found = [value(spec, errors, [0] * len(errors)) for spec in ("mae", "rmse", "mse", "huber")]
    row = f"| {', '.join(map(str, errors))} | {' | '.join(found)} |"
    assert row in section("What an outlier does")


def test_the_guide_on_shares():
    errors = [0.0, 1.0, 1.0, -2.0, 15.0]
    shares = []
    for name in ("mean_absolute_error", "mean_squared_error", "huber"):
        adds = getattr(lossctl.losses, name)(errors, [0.0] * 5)
        shares.append([f"{100 * one / adds.sum():.1f} %" for one in adds])
    for error, *row in zip(errors, *shares, strict=True):
        assert f"| {error:g} | {' | '.join(row)} |" in section("What an outlier does")
    assert "the four others make 2.6 % of it" in GUIDE


def test_the_guide_on_slopes():
    for label in ("mse", "mae", "huber", "cauchy", "tukey_biweight"):
        found = [point_at(parse(label), f"{e},0").gradient for e in (1, 15, 150)]
        assert f"| {label} | {' | '.join(f'{round(one, 4):.4g}' for one in found)} |" in GUIDE


def test_the_guide_on_constants():
    targets = [150.0] * 90 + [0, 3, 6, 9, 12, 18, 21, 24, 27, 30]
    best = {}
    for constant in (150.0, 136.5, 15.0):
        found = [value(spec, [constant] * 100, targets) for spec in ("mae", "mse")]
        assert f"| {constant:g} | {' | '.join(found)} |" in section("What the best prediction is")
        best[constant] = [float(one) for one in found]
    assert min(best, key=lambda one: best[one][0]) == np.median(targets) == 150.0
    assert min(best, key=lambda one: best[one][1]) == np.mean(targets) == 136.5


def test_the_guide_on_stalling():
    for logit in (-8.0, -4.0, -2.0, 0.0, 2.0, 4.0):
        row = [1.0 / (1.0 + math.exp(-logit))]
        for label in ("bce", "brier"):
            spec = parse(label)
            path = path_of(spec, example(spec))
            row += [one.item() for one in path.at(np.array([logit]))]
        cells = [f"{round(one, 4):.4g}" for one in row]
        assert f"| {logit:g} | {' | '.join(cells)} |" in section("A loss of probabilities")


def test_the_guide_on_metrics():
    near, clear = (value("bce", [p], [1.0]) for p in (0.51, 0.99))
    assert f"`bce` {near} and {round(float(clear), 4)}" in section("A loss, and a metric")
    assert value("accuracy:threshold=0.5", [0.51, 0.99], [1.0, 1.0]) == "1"


def test_a_card_of_a_spec_says_its_settings():
    card = card_of(parse("huber:delta=2"))
    assert (card.settings[0].value, card.settings[0].default) == ("2", "1")
    assert outlier_of(path_of(parse("mae"), example(parse("mae")))) is not None
