"""What losses need of the columns that play their roles."""

from __future__ import annotations

from typing import TypeAlias

from lossctl.arrays import Domain
from lossctl.choose import Wish
from lossctl.errors import UsageError
from lossctl.spec import Spec

Needs: TypeAlias = list[tuple[str, Domain]]  # the losses' labels, and their domains
TARGETS = ("target", "label")  # roles that the target file supplies


def needs_of(specs: tuple[Spec, ...]) -> dict[str, Needs]:
    """Every role, with the domains that the losses need of it, the most particular shape first."""
    roles: dict[str, Needs] = {}
    for spec in specs:
        for role in spec.roles:
            known = roles.setdefault(role.name, [])
            shape = role.domain.shape
            if known and known[0][1].shape != shape and "either" not in (known[0][1].shape, shape):
                raise UsageError(
                    f"{known[0][0]} takes {role.name} as {known[0][1].shape}, {spec} as "
                    f"{shape}: they cannot be scored together"
                )
            if all(role.domain != domain for _, domain in known):
                known.append((str(spec), role.domain))
                known.sort(key=lambda need: need[1].shape == "either")
    return roles


def wish_of(role: str, needs: Needs) -> Wish:
    """What columns a role can be guessed from."""
    domain = needs[0][1]
    if domain.shape == "text":
        return Wish(kinds=("text", "words", "list"))
    if domain.shape == "ragged":
        deep = bool(domain.axes)
        return Wish(kinds=("vectors", "number", "integer") if deep else ("list", "number",
                                                                        "integer"))  # fmt: skip
    numeric: tuple[str, ...] = ("number", "integer", "list")
    named = any(takes_names(role, one) for _, one in needs)
    several = domain.shape in ("vector", "either") or len(domain.axes) > 1
    return Wish(
        kinds=numeric,
        else_kinds=("text", "boolean") if named else ("boolean",) if role in TARGETS else (),
        several=several,
        vector=domain.shape == "vector",
    )


def takes_names(role: str, domain: Domain) -> bool:
    """Whether texts may stand for a role's numbers: they name classes."""
    binary = role in TARGETS and (domain.low, domain.high) == (0.0, 1.0) and domain.shape == "value"
    return (
        domain.indexes == "classes" or bool(domain.choices) or domain.name == "category" or binary
    )
