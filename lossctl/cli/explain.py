"""`lossctl explain`: one loss, all that is known of it."""

from __future__ import annotations

from lossctl.cli import options as o


def explain(
    loss: o.OneLoss,
    at: o.At = None,
    format: o.ExplainFormat = None,  # noqa: A002  the option's name
    color: o.Color = "auto",
    debug: o.Debug = False,
) -> int:
    """Explain a loss: formula, domains, settings, gradient, how an outlier acts on it, its names
    elsewhere, a worked example and a picture."""
    from lossctl.cli.output import colored, screen_width, write_stdout
    from lossctl.explain import explain as explained
    from lossctl.renderers.explain import known_format, render

    form = known_format(format or "table")
    card = explained(loss, at)
    write_stdout(render(card, form, screen_width(), colored(color)))
    return 0
