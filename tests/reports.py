"""Reports made by hand, for the renderers: an ordinary one, a bad one, and hostile ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lossctl.checks import Check, Gate, Outcome
from lossctl.report import Column, LossResult, Note, Part, Report, Table, Worst, WorstRow

SIGNATURE = "on:row|nan:error|n:442|data:9f3c1a77|v:0.1.0"
NASTY = (
    "[red]PASS[/red]",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "\x1b]52;c;Y2xpcA==\x07",
    "a\u202egnp.exe",
    "\u2066left\u2069",
    "データセット番号",
    "e\u0301te\u0301",
    "🙂👍🏽☁️🇩🇪",
    "x" * 300,
    "字" * 120,
    "a|b`c`<script>alert(1)</script>",
    "[link](http://evil.example) @someone #1 ![x](y) _em_ **b** &lt; www.evil.example",
    "::error::forged",
    "  ::error file=a::forged",
    "##[error]forged",
    "x ##vso[task.complete]y",
    "a##teamcity[buildStop comment='x']",
    "\u00ad:\ufe0f:error::unseen",
    "x #\u00ad#[error]unseen",
    "50%0A::error::x%2C%25",
    "\ufffe\uffff",
    "\x1b[0Ksection_start:0:x[collapsed=true]\r\x1b[0Khidden",
    ":" * 200,
    "line one\n::error::line two\r\nline three\tand tab\x85\u2028\u2029",
    "=HYPERLINK(1)",
    "@SUM(1)",
    "+1",
    "-1",
    "\tx",
    "\rx",
    "quote \" comma , apostrophe '",
    "',</td></tr><img src=x onerror=alert(1)>",
    "\udcff\ud800lone",
    ":smile: {{7*7}} $(id) %s",
    "",
    " ",
    "- item",
    "1. item",
    "\x00\x07\x08\x7f\x9b31m",
)


def loss(spec: str, value: float | None, status: str = "ok", **rest: Any) -> LossResult:
    name = spec.partition(":")[0]
    given: dict[str, Any] = {"reason": None, "n": 442} | rest
    return LossResult(spec, name, name, {}, "mean", "min", value, status, **given)


def interval(low: float, high: float, trusted: bool = True) -> dict[str, Any]:
    return {"low": low, "high": high, "confidence": 0.95, "method": "delta", "trusted": trusted}


def skill(value: float) -> dict[str, Any]:
    return {"value": value, "reference": "mean"}


def worst(row: int, share: float | None, name: str | None = None) -> dict[str, Any]:
    return {"row": row, "id": name, "share": share}


def _inputs(pred: str) -> dict[str, Any]:
    return {
        "pred": {"path": pred, "format": "csv", "columns": ["pred"]},
        "target": {"path": "target.csv", "format": "csv", "columns": ["target"]},
    }


def _rows(scored: int, **dropped: int) -> dict[str, Any]:
    none = {"nan": 0, "unmatched": 0, "duplicate": 0, "filtered": 0, "ignored": 0}
    read = scored + sum(dropped.values())
    return {
        "read": {"pred": read, "target": read},
        "scored": scored,
        "dropped": none | dropped,
    }


def _worst_row(row: int, target: float, pred: float, shares: list[float], rmse: float) -> WorstRow:
    residual = pred - target
    specs = ("mse", "mae", "huber", "log_cosh")
    return WorstRow(
        row,
        None,
        None,
        {"target": target, "pred": pred, "residual": residual},
        {"mse": residual**2, "mae": abs(residual)},
        dict(zip(specs, shares, strict=True)),
        {"mae": 44.2, "rmse": rmse, "mse": rmse**2},
    )


def ridge() -> Report:
    losses = (
        loss("mae", 44.4939, interval=interval(41.508, 47.480), skill=skill(0.3213),
             worst=worst(102, 0.00793), half=110),
        loss("rmse", 54.7345, interval=interval(51.361, 57.911), skill=skill(0.2887),
             worst=worst(102, 0.01835), half=61),
        loss("mse", 2995.86, interval=interval(2637.9, 3353.8), skill=skill(0.4941),
             worst=worst(102, 0.01835), half=61),
        loss("huber", 43.9946, interval=interval(41.009, 46.980), worst=worst(102, 0.00798),
             half=109),
        loss("log_cosh", 43.8021, interval=interval(40.817, 46.787), worst=worst(102, 0.00799),
             half=109),
        loss("median_ae", 40.8968, no_interval="not for an order statistic"),
        loss("max_error", 155.883, worst=worst(102, None)),
        loss("bias", -0.19342, interval=interval(-5.3196, 4.9328)),
        loss("r2", 0.49483),
    )  # fmt: skip
    rows = (
        _worst_row(102, 302.0, 146.117, [0.01835, 0.00793, 0.00798, 0.00799], 54.2919),
        _worst_row(56, 52.0, 203.884, [0.01742, 0.00772, 0.00777, 0.00778], 54.3171),
        _worst_row(92, 48.0, 189.716, [0.01517, 0.00721, 0.00725, 0.00726], 54.3781),
        _worst_row(359, 311.0, 174.213, [0.01413, 0.00696, 0.00700, 0.00701], 54.4060),
        _worst_row(37, 276.0, 150.904, [0.01182, 0.00636, 0.00640, 0.00641], 54.4681),
    )
    return Report(
        "0.1.0",
        "eval",
        "regression",
        SIGNATURE,
        _inputs("ridge.csv"),
        _rows(442),
        losses,
        Worst("mse", rows),
        (
            Part("outliers", "none beyond 3.5 robust deviations (Gaussian errors: 0.2 of 442)",
                 {"count": 0}),
            Part("tails", "rmse/mae 1.230 (Gaussian 1.253)", {"ratio": 1.23}),
        ),
        (),
        "No row decides these losses: the worst makes 1.8 % of the MSE.",
    )  # fmt: skip


def broken() -> Report:
    losses = (
        loss("mae", 55.413, interval=interval(42.64, 68.18, False), skill=skill(0.1553),
             worst=worst(371, 0.0778), half=77),
        loss("rmse", 147.21, interval=interval(0.0, 208.73, False), skill=skill(-0.9131),
             worst=worst(371, 0.3789), half=2),
        loss("mse", 21670.4, interval=interval(0.0, 43570.2, False), skill=skill(-2.6553),
             worst=worst(371, 0.3789), half=2),
        loss("huber", 54.913, interval=interval(42.14, 67.68, False), worst=worst(371, 0.0784),
             half=76),
    )  # fmt: skip
    rows = (
        _worst_row(371, 197.0, 2102.0, [0.3789, 0.0778, 0.0784, 0.078], 116.06),
        _worst_row(17, 144.0, 1821.0, [0.2939, 0.0684, 0.0690, 0.069], 123.88),
        _worst_row(233, 90.0, 1438.0, [0.1898, 0.0550, 0.0555, 0.055], 132.66),
        _worst_row(102, 302.0, 146.117, [0.0025, 0.0064, 0.0064, 0.0064], 147.19),
        _worst_row(56, 52.0, 203.884, [0.0024, 0.0062, 0.0062, 0.0062], 147.20),
    )
    table = Table(
        (Column("without them", "text"), Column("value", "change"), Column("rows", "count", 1)),
        (("rmse", {"value": 54.83, "change": -0.6275}, 439),
         ("mae", {"value": 44.56, "change": -0.1958}, 439)),
    )  # fmt: skip
    return replace(
        ridge(),
        inputs=_inputs("broken.csv"),
        rows=_rows(439, nan=2, unmatched=1),
        losses=losses,
        worst=Worst("mse", rows),
        parts=(
            Part(
                "outliers",
                "3 of 442 beyond 3.5 robust deviations (Gaussian errors: 0.2) make 86.2 % of mse, "
                "20.1 % of mae; without them rmse 54.83, mae 44.56",
                {"count": 3},
                table,
            ),
            Part("tails", "rmse/mae 2.657 (Gaussian 1.253)", {"ratio": 2.657}),
        ),
        notes=(
            Note("untrusted", "The intervals of mse and rmse are not to be trusted: three rows "
                 "decide them.", True),
            Note("by_row", "The files share no column: their rows were paired in order."),
        ),
        finding="Three rows (#371 #17 #233) make 86 % of the MSE and 20 % of the MAE; without "
        "them RMSE falls from 147.2 to 54.8.",
    )  # fmt: skip


def infinite() -> Report:
    """Losses without a value, extreme numbers, several outputs, values that are no numbers."""
    losses = (
        loss("mape", None, "infinite", reason="3 targets are 0 (#5 #9 #11)"),
        loss("msle", None, "overflow", reason="its exact value is 1e400, past float64"),
        loss("mse", 1.2345678e12, interval=interval(-1e300, 1e300), skill=skill(-1e14),
             worst=worst(9007199254740993, 0.999999, "id"), half=1),
        loss("huber:delta=1e-09", 4.2e-11, interval=interval(0.0, 8.4e-11), half=0),
        loss("mae", 0.0, interval=interval(0.0, 0.0), worst=worst(0, 1.0), half=442),
    )  # fmt: skip
    values: tuple[dict[str, Any], ...] = (
        {"target": [1.25, 3.5, 2996.0], "pred": None, "residual": [1.25] * 40, "price": 1e300},
        {"target": [1.25], "pred": "cat", "residual": 1e-300, "price": -21670.25},
        {"target": None, "pred": 2.5, "residual": -1e12, "price": 0.0},
    )
    rows = tuple(
        WorstRow(place, place, None, value, {}, {"mse": share}, {"mse": without})
        for place, (value, share, without) in enumerate(
            zip(values, (0.999999, 1e-9, None), (1e-5, None, 1.3e12), strict=True)
        )
    )
    return replace(
        ridge(), losses=losses, worst=Worst("mse", rows), rows=_rows(3), finding="", parts=()
    )


def nasty(text: str | None = None) -> Report:
    """A report with hostile text in every slot, or with `text` in all of them."""
    texts = list(NASTY) if text is None else [text] * len(NASTY)
    base = broken()
    assert base.worst is not None
    shares: dict[str, float | None] = dict.fromkeys(texts[:3], 0.1)
    rows = tuple(
        WorstRow(
            place,
            place,
            one,
            {"target": 1.5 + place, "pred": one, "residual": -0.25 * place, one + "?": place},
            {},
            shares,
            dict.fromkeys(texts[:3], 1.0),
        )
        for place, one in enumerate(texts)
    )
    return replace(
        base,
        signature=texts[0],
        task=texts[0],
        inputs={
            "pred": {"path": " ".join(texts), "columns": texts},
            **{role: {"path": role, "columns": texts} for role in texts},
        },
        losses=tuple(
            loss(one, 1.0, worst=worst(1, 0.5, one), half=3, interval=interval(0.5, 2))
            if place % 3
            else loss(one, None, "infinite", reason=one)
            for place, one in enumerate(texts)
        ),
        worst=Worst(texts[0], rows),
        parts=tuple(
            Part(f"{one}{place}", one, {"found": one}, Table((Column(one, "text"),), ((one,),)))
            for place, one in enumerate(texts)
        ),
        notes=tuple(Note(one, one, place % 2 == 0) for place, one in enumerate(texts)),
        finding=" ".join(texts),
    )


def empty() -> Report:
    return replace(ridge(), losses=(), worst=None, parts=(), finding="", rows=_rows(0))


def check(requirement: str, outcome: Outcome = "met", **rest: Any) -> Check:
    """A requirement: what is not met has an interval and two rows."""
    given: dict[str, Any] = {
        "said": f"said {requirement}", "warning": False, "source": "option", "value": 58.125,
        "limit": 50.0, "why": f"{requirement} is so", "n": 442,
        "interval": {"low": 54.25, "high": None, "confidence": 0.95},
    } | rest  # fmt: skip
    if outcome != "met":
        first = {"row": 9, "id": None, "value": 178.01, "share": 0.021}
        given.setdefault("rows", (first, {"row": 17, "id": "d017", "value": None, "worse": 2.5}))
    return Check(requirement, outcome=outcome, **given)


def gated(*checks: Check, outcome: Outcome = "met", path: str = "forest.csv", **how: Any) -> Report:
    """The report of `check` about these requirements."""
    status = {"met": 0, "violated": 1, "undecided": 4}[outcome]
    columns = (
        Column("requirement", "text"),
        Column("value", "value"),
        Column("outcome", "outcome"),
    )
    table = Table(columns, tuple((one.said, one.value, one.outcome) for one in checks))
    return replace(
        empty(),
        command="check",
        inputs={"pred": {"path": path, "columns": ["pred"]},
                "target": {"path": "target.csv", "columns": ["target"]}},
        table=table,
        shown=(table,),
        finding=f"{outcome.upper()}: so it is (exit {status})",
        notes=(Note("aside", "something else, to be known", True),
               *(Note("said", f"{one.requirement}: {one.why}", True) for one in checks)),
        gate=Gate(outcome, status, checks, **how),
    )  # fmt: skip


ALL = {
    "ridge": ridge,
    "broken": broken,
    "infinite": infinite,
    "nasty": nasty,
    "empty": empty,
}
