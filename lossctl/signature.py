"""What the signature of a loss's function says: its roles, its settings, and what it nests."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin

from lossctl.arrays import Domain
from lossctl.roles import Role
from lossctl.settings import Param, Setting


class Signature:
    """Read when it is first asked for: of all losses a run uses a few, and starts as quickly."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    @cached_property
    def roles(self) -> tuple[Role, ...]:
        """The positional parameters that have a domain."""
        found = []
        for parameter in self._parameters:
            domain = _domain(parameter.annotation)
            if parameter.kind is not parameter.KEYWORD_ONLY and domain is not None:
                found.append(Role(parameter.name, domain, parameter.default is None))
        return tuple(found)

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The keyword-only parameters."""
        return tuple(
            Setting(parameter.name, parameter.default, *_setting_type(parameter.annotation))
            for parameter in self._parameters
            if parameter.kind is parameter.KEYWORD_ONLY
        )

    @cached_property
    def nests(self) -> str | None:
        """The setting that holds a nested loss, or several."""
        found = (one.name for one in self.settings if one.param.nested or one.param.terms)
        return next(found, None)

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.function, eval_str=True).parameters.values())


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
