"""A Typer program of ten commands that do nothing: what a help screen costs at least."""

import typer

app = typer.Typer()


def nothing() -> None:
    """Do nothing."""


for number in range(10):
    app.command(f"command{number}")(nothing)

if __name__ == "__main__":
    app()
