"""The columns of either side that could play a part, before any loss asks for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lossctl.choose import CLASS, KEYS, PREFERRED, select, text_beside
from lossctl.plan import Plan
from lossctl.readers.source import Column, Source

NUMERIC = ("number", "integer", "boolean")
DEEP = ("list", "vectors", "words")


@dataclass(frozen=True, slots=True)
class Candidates:
    """The columns that could be the prediction, and those that could be the target."""

    pred: Sequence[Column]
    target: Sequence[Column]
    roles: Collection[str]  # those given by hand
    where: str
    meant: bool = False  # the prediction is all of its columns: --pred-col, or what is left

    def has(self, *roles: str) -> bool:
        """Whether each of these roles is given, or there is a column of one of its names."""
        names = {column.name.lower() for column in (*self.pred, *self.target)} | set(self.roles)
        return all(names & {role, *PREFERRED.get(role, ())} for role in roles)

    def one_pred(self) -> Column | None:
        """The column that is the prediction; None where several could be."""
        return _one(self.pred, PREFERRED["pred"])

    def one_target(self) -> Column | None:
        """The column that is the target; None where several could be."""
        return _one(self.target, PREFERRED["target"])

    def targets(self) -> Sequence[Column]:
        """The column that is the target, or all that hold numbers."""
        one = self.one_target()
        if one is not None:
            return [one]
        return [column for column in self.target if column.kind in NUMERIC]

    def class_columns(self) -> bool:
        """Whether several columns without a preferred name are one for each class, as only the
        target's column says: texts, or one called `label`."""
        right = self.one_target()
        if not self.meant or self.one_pred() is not None or right is None:
            return False
        return right.width is None and (right.kind == "text" or right.name.lower() in CLASS)


def candidates_of(plan: Plan, pred: Source, target: Source | None) -> Candidates:
    """The columns that a plan leaves open. Raises UsageError for names that match nothing."""
    reserved = {name for name in (*plan.on, plan.id_col, plan.weight_col) if name}
    roles = [given.role for given in plan.roles]
    where = pred.path if target is None else f"{pred.path} against {target.path}"
    left = _open(pred, plan.pred_col, "--pred-col", reserved)
    if target is not None:
        right = _open(target, plan.target_col, "--target-col", reserved)
        return Candidates(left, right, roles, where, plan.pred_col is not None)
    if plan.target_col is not None:
        held = _open(pred, plan.target_col, "--target-col", reserved)
    elif plan.pred_col is not None:
        rest = [one for one in _open(pred, None, "", reserved) if one not in left]
        held = _named_target(rest) or (rest if len(rest) == 1 else [])
    else:
        held = _named_target(left) or text_beside(left)
    if plan.pred_col is None:
        left = [column for column in left if column not in held]
    return Candidates(left, held, roles, where, meant=True)


def _open(source: Source, text: str | None, option: str, reserved: set[str]) -> list[Column]:
    if text is not None:
        return [source.columns[place] for place in select(source, text, option)]
    return [
        column
        for column in source.columns
        if column.name.lower() not in KEYS and column.name not in reserved
        and column.kind != "other"
    ]  # fmt: skip


def _named_target(columns: Sequence[Column]) -> list[Column]:
    for name in PREFERRED["target"]:
        called = [column for column in columns if column.name.lower() == name]
        if called:
            return called[:1]
    return []


def _one(columns: Sequence[Column], preferred: Sequence[str]) -> Column | None:
    usable = [column for column in columns if column.kind in (*NUMERIC, *DEEP)]
    for among in (usable, columns):
        for name in preferred:
            called = [column for column in among if column.name.lower() == name]
            if len(called) == 1:
                return called[0]
        if len(among) == 1:
            return among[0]
    return None
