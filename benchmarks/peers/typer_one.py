"""A Typer program that imports what reading a CSV and drawing a table need, and does nothing."""

import numpy  # noqa: F401  the cost of importing it is what is measured
import pyarrow.csv  # noqa: F401  as above
import rich.table  # noqa: F401  as above
import typer

app = typer.Typer()


@app.command()
def nothing() -> None:
    """Do nothing."""


if __name__ == "__main__":
    app()
