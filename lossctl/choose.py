"""Which columns play which role."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lossctl.classes import stem
from lossctl.errors import DataError, UsageError, inert
from lossctl.readers.source import Column, Source

PREFERRED = {
    "pred": (
        "pred",
        "prediction",
        "predictions",
        "y_pred",
        "yhat",
        "p",
        "score",
        "prob",
        "proba",
        "probability",
        "y_prob",
        "y_proba",
        "y_score",
        "logit",
        "logits",
        "predicted",
        "hypothesis",
        "hyp",
        "transcript",
    ),
    "target": ("target", "label", "class", "y_true", "actual", "y", "reference", "ref", "truth"),
    "embedding": ("embedding", "embeddings", "emb", "features"),
    "mean": ("mu",),
    "scale": ("sigma", "std", "sd", "stddev"),
}
CLASS = ("label", "class", "category", "y_class")  # the class of a row, by the column's name
KEYS = ("id", "key", "index")


def select(source: Source, text: str, option: str) -> list[int]:
    """The columns that a text names: names, 1-based numbers, ranges `2-4` and globs `p_*`, by
    comma. A name wins over a number.

    Raises UsageError for what matches nothing, or a name that the file has twice.
    """
    names = [column.name for column in source.columns]
    chosen: list[int] = []
    for piece in [text] if text in names else text.split(","):
        exact = piece if piece in names else piece.strip()
        chosen += [p for p in _matches(source, names, exact, option) if p not in chosen]
    return chosen


def one(source: Source, text: str, option: str) -> int:
    """The one column that a text names."""
    places = select(source, text, option)
    if len(places) != 1:
        raise UsageError(f"{option} {text} names {len(places)} columns of {source.path}, not one")
    return places[0]


def _matches(source: Source, names: Sequence[str], piece: str, option: str) -> list[int]:
    if piece in names:
        if names.count(piece) > 1:
            places = ", ".join(str(i + 1) for i, name in enumerate(names) if name == piece)
            raise UsageError(
                f"{source.path} has {names.count(piece)} columns called {inert(piece)}",
                f"choose one by its number: {places}",
            )
        return [names.index(piece)]
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", piece)
    if found:
        first, last = int(found[1]), int(found[2] or found[1])
        if 1 <= first <= last <= len(names):
            return list(range(first - 1, last))
        raise UsageError(f"{option} {piece} is outside the {len(names)} columns of {source.path}")
    matched = [place for place, name in enumerate(names) if name and fnmatchcase(name, piece)]
    if not matched or not piece:
        raise UsageError(f"{source.path} has no column {inert(piece)}", f"it has {listing(names)}")
    return matched


BOXES = (("x1", "y1", "x2", "y2"), ("xmin", "ymin", "xmax", "ymax"), ("left", "top", "right",
         "bottom"), ("x", "y", "w", "h"), ("cx", "cy", "w", "h"), ("x", "y", "width", "height"),
         ("cx", "cy", "width", "height"))  # fmt: skip
_NUMERIC = ("number", "integer", "list")


def candidate(column: Column) -> bool:
    """Whether a column could be scored: numeric, and not a key by its name."""
    return column.kind in _NUMERIC and column.name.lower() not in KEYS


@dataclass(frozen=True, slots=True)
class Wish:
    """What a role can take: kinds of columns, those it takes where there is none of them, and
    whether several columns may belong together."""

    kinds: tuple[str, ...] = _NUMERIC
    else_kinds: tuple[str, ...] = ()
    several: bool = False  # columns of one stem are a vector
    vector: bool = False  # one column alone must hold vectors
    every: bool = False  # all candidates together, whatever their names


def guess(
    source: Source, role: str, option: str, taken: Collection[int] = (), wish: Wish = Wish()
) -> list[int]:
    """The columns of a role that nobody named: a preferred name, the only candidate, or columns
    that belong together.

    Raises UsageError, listing the candidates, where that is ambiguous, and DataError where the
    file has no column of a fitting kind.
    """
    if not wish.every and _called(source, role, taken, wish.kinds) is None:
        named = _called(source, role, taken, wish.else_kinds)
        if named is None and "text" in wish.else_kinds:
            named = _beside_numbers(source, role, taken)
        if named is not None:
            return [named]
    for kinds in (wish.kinds, wish.else_kinds, _last(source, wish)):
        open_places = [
            place
            for place, column in enumerate(source.columns)
            if column.kind in kinds and column.name.lower() not in KEYS and place not in taken
        ]
        found = _guessed(source, role, open_places, wish)
        if not found and role == "pred" and wish.several and _beside_class(source, taken):
            found = _unnamed(source, open_places)
        if found:
            return found
        if open_places:
            names = [source.columns[place].name for place in open_places]
            raise UsageError(
                f"{source.path} has {len(open_places)} columns that could be {role}: "
                f"{listing(names)}",
                f"choose with {option}",
            )
    raise _none_left(source, role, option, wish)


def text_beside(columns: Sequence[Column]) -> list[Column]:
    """The only text beside several numbers, where no column has a preferred name: in one file of
    both the names of the classes, and the others are one for each class."""
    texts = [column for column in columns if column.kind == "text"]
    numbers = [column for column in columns if candidate(column) and column.width is None]
    named = {*PREFERRED["pred"], *PREFERRED["target"]} & {one.name.lower() for one in columns}
    return texts if len(texts) == 1 and len(numbers) > 1 and not named else []


def _beside_numbers(source: Source, role: str, taken: Collection[int]) -> int | None:
    """The target's column, where only what stands beside it tells."""
    if role not in ("target", "label"):
        return None
    places = [
        place
        for place, column in enumerate(source.columns)
        if place not in taken and column.name.lower() not in KEYS and column.kind != "other"
    ]
    found = text_beside([source.columns[place] for place in places])
    return next((place for place in places if source.columns[place] in found), None)


def _beside_class(source: Source, taken: Collection[int]) -> bool:
    """Whether the file's class, texts or a column called `label`, plays its part already."""
    held = [source.columns[place] for place in taken]
    return any(column.kind == "text" or column.name.lower() in CLASS for column in held)


def _unnamed(source: Source, places: list[int]) -> list[int]:
    """All that is left, where none of several columns has a preferred name."""
    columns = [source.columns[place] for place in places]
    fit = all(one.width is None and one.name.lower() not in PREFERRED["pred"] for one in columns)
    return places if fit and len(places) > 1 else []


def _last(source: Source, wish: Wish) -> tuple[str, ...]:
    """Booleans are 0 and 1 where nothing else is left, but for those that a text file spells."""
    written = source.format in ("csv", "tsv")
    return ("boolean",) if "number" in wish.kinds and not written else ()


def _called(source: Source, role: str, taken: Collection[int], kinds: Sequence[str]) -> int | None:
    """The column of these kinds that has a preferred name, the most preferred one."""
    for name in (role, *PREFERRED.get(role, ())):
        for place, column in enumerate(source.columns):
            if column.name.lower() == name and column.kind in kinds and place not in taken:
                return place
    return None


def _guessed(source: Source, role: str, places: list[int], wish: Wish) -> list[int]:
    names = {place: source.columns[place].name for place in places}
    if wish.every and len(places) > 1 and all(source.columns[p].width is None for p in places):
        return places
    sides = _sides(names) if wish.several else []
    for name in (role, *PREFERRED.get(role, ())):
        called = [place for place in places if names[place].lower() == name]
        if called and called[0] in sides:
            break  # the y of x, y, w, h
        if len(called) == 1 and (not wish.vector or source.columns[called[0]].width is not None):
            return called
        if len(called) > 1:
            break
    if len(places) == 1:
        return places
    if not wish.several:
        return []
    wide = [place for place in places if source.columns[place].width is not None]
    if wide:
        return wide if len(wide) == 1 else []
    if sides:
        return sides
    return places if alike([names[place] for place in places]) else []


def _sides(names: Mapping[int, str]) -> list[int]:
    """The places of the four sides of boxes, in their order, where all are there."""
    for corners in BOXES:
        held = [place for corner in corners for place in names if names[place].lower() == corner]
        if len(held) == len(corners):
            return held
    return []


def alike(names: Sequence[str]) -> bool:
    """Whether columns belong together by their names: p_cat, p_dog; e1, e2."""
    stems = {stem(name) for name in names}
    distinct = len(set(names)) == len(names) and not stems & set(names)
    return len(names) > 1 and len(stems) == 1 and distinct


def _none_left(source: Source, role: str, option: str, wish: Wish) -> DataError | UsageError:
    """Why a file has no column to guess for a role."""
    if "text" in wish.kinds:
        kinds = listing([f"{column.name} ({column.kind})" for column in source.columns])
        return DataError(
            f"{source.path} has no texts, words or lists for {role}: {kinds}",
            f"name a column with {option}",
        )
    unfit = [c for c in source.columns if c.name.lower() in (role, *PREFERRED.get(role, ()))]
    if unfit and not candidate(unfit[0]):
        return DataError(
            f"{source.path}: column {inert(unfit[0].name)} is {unfit[0].kind}, not numbers",
            f"name another with {option}",
        )
    if any(candidate(column) for column in source.columns):
        return UsageError(
            f"{source.path} has no column left for {role}: "
            f"{listing([column.name for column in source.columns])}",
            f"give a file of its own, or name a column with {option}",
        )
    kinds = listing([f"{column.name} ({column.kind})" for column in source.columns])
    hint = source.details.get("hint")
    return DataError(
        f"{source.path} has no numeric column for {role}: {kinds}" + (f"; {hint}" if hint else ""),
        f"name one with {option}",
    )


def listing(names: Sequence[str], limit: int = 8) -> str:
    """Some names, the first of many, fit for a message."""
    shown = [inert(name) or "(unnamed)" for name in names[:limit]]
    return ", ".join(shown) + (f" … ({len(names)} in all)" if len(names) > limit else "")
