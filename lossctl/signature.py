"""What the signature of a loss's function says: its roles, its settings, and what it nests."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

from lossctl.arrays import Domain
from lossctl.roles import Role
from lossctl.settings import Param, Setting


def record_of(function: Callable[..., Any]) -> dict[str, Any]:
    """What a function's signature, name and docstring say of its loss."""
    roles: list[Role] = []
    settings: list[Setting] = []
    nests = None
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        annotation = parameter.annotation
        if parameter.kind is parameter.KEYWORD_ONLY:
            kind, param = _setting_type(annotation)
            if param.nested or param.terms:
                nests = parameter.name
            settings.append(Setting(parameter.name, parameter.default, kind, param))
        elif domain := _domain(annotation):
            roles.append(Role(parameter.name, domain, parameter.default is None))
    documentation = inspect.getdoc(function) or ""
    return {
        "name": function.__name__,
        "family": function.__module__.rsplit(".", 1)[-1],
        "function": function,
        "own_roles": tuple(roles),
        "settings": tuple(settings),
        "nests": nests,
        "summary": documentation,
    }


def _domain(annotation: Any) -> Domain | None:
    """The domain in a role's annotation, which may be optional: `ClassWeights | None`."""
    parts = [*get_args(annotation), *(p for a in get_args(annotation) for p in get_args(a))]
    return next((part for part in parts if isinstance(part, Domain)), None)


def _setting_type(annotation: Any) -> tuple[type, Param]:
    if get_origin(annotation) is not Annotated:
        raise TypeError("a setting's annotation is Annotated[type, Param(...)]")
    inner, param = get_args(annotation)[:2]
    alternatives = (inner,) if get_origin(inner) is tuple else get_args(inner) or (inner,)
    kinds = [kind for kind in alternatives if kind is not type(None)]
    return (get_origin(kinds[0]) or kinds[0]), param


def keywords(function: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters."""
    return list(inspect.signature(function).parameters)
