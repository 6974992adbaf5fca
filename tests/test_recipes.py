"""The shell recipes of the examples, in bash and in dash."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.ready_made import EXAMPLES, SAMPLES, SHELLS, Ran, job_folder, ran

STRICTEST = SHELLS[-1:]  # dash, where there is one: what it runs bash runs

LIMIT = ["--max", "rmse=60"]
CLOSE = ["worse.csv", "target.csv", "--baseline", "preds.csv", "--max-increase", "mae=2%"]
SITUATIONS = [
    (["preds.csv", "target.csv", *LIMIT], 0),
    (["broken.csv", "target.csv", *LIMIT], 1),
    (CLOSE, 4),
    (["preds.csv", "target.csv", "--max", "hubber=1"], 2),
    (["nothing.csv", "target.csv", *LIMIT], 3),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return job_folder(tmp_path)


def recipe(shell: str, name: str, folder: Path, *arguments: str, **more: str) -> Ran:
    return ran([shell, EXAMPLES / "recipes" / f"{name}.sh", *arguments], folder, **more)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("arguments", "status"), SITUATIONS)
def test_block(arguments: list[str], status: int, shell: str, folder: Path) -> None:
    done = recipe(shell, "block", folder, *arguments)
    assert done.status == status
    assert done.out.endswith("released\n") == (status == 0)


@pytest.mark.parametrize("shell", SHELLS)
def test_without_lossctl_block_blocks(shell: str, folder: Path) -> None:
    done = ran([shutil.which(shell) or shell, EXAMPLES / "recipes/block.sh"], folder, PATH="none")
    assert (done.status, done.out) == (127, "")


@pytest.mark.parametrize("shell", STRICTEST)
@pytest.mark.parametrize(("arguments", "status"), SITUATIONS)
def test_tell_apart(arguments: list[str], status: int, shell: str, folder: Path) -> None:
    done = recipe(shell, "tell-apart", folder, *arguments)
    assert done.status == status
    wrong = "nothing was judged: the options or"
    said = ("met", "a regression", wrong, wrong, "undecided")
    assert done.err.splitlines()[-1].startswith(said[status])


@pytest.mark.parametrize("shell", STRICTEST)
def test_first_run(shell: str, folder: Path) -> None:
    margin = ["target.csv", "--max-increase", "mae=2%"]
    failed = recipe(shell, "first-run", folder, "base.state", "nothing.csv", *margin)
    assert (failed.status, (folder / "base.state").exists()) == (3, False)
    first = recipe(shell, "first-run", folder, "base.state", "preds.csv", *margin)
    assert (first.status, first.out) == (0, "")
    assert first.err.startswith("first run: base.state ")
    before = (folder / "base.state").read_bytes()
    for name, status in (("preds", 0), ("worse", 4), ("broken", 4)):
        done = recipe(shell, "first-run", folder, "base.state", f"{name}.csv", *margin)
        assert done.status == status, name
    assert (folder / "base.state").read_bytes() == before


@pytest.mark.parametrize("shell", STRICTEST)
def test_shards(shell: str, folder: Path) -> None:
    parts, temporary = folder / "all parts", folder / "temporary"
    parts.mkdir()
    temporary.mkdir()
    for name, source in (("preds", "ridge"), ("target", "target")):
        head, *rows = (SAMPLES / f"{source}.csv").read_text().splitlines(keepends=True)
        for number, some in enumerate((rows[:130], rows[130:])):
            (parts / f"{name}-{number}.csv").write_text(head + "".join(some))

    def judged(*options: str) -> Ran:
        more = {"TMPDIR": str(temporary)}
        return recipe(shell, "shards", folder, "all parts", *options, "-f", "json", **more)

    done = judged("--max", "rmse=60", "--min-samples", "442")
    assert done.status == 0, done.err
    values = [one["value"] for one in json.loads(done.out)["gate"]["checks"]]
    assert values == [54.732475556335984, 442]
    assert judged("--max", "rmse=50").status == 1
    (parts / "preds-0.csv").unlink()
    assert judged("--max", "rmse=60", "--min-samples", "442").status == 4
    (parts / "preds-0.csv").write_text("id,pred\n")
    assert judged("--max", "rmse=60").status == 3
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("shell", STRICTEST)
def test_on_change(shell: str, folder: Path) -> None:
    good, bad = SITUATIONS[0][0], SITUATIONS[1][0]
    seen = []
    for arguments in (good, bad, bad, CLOSE, ["nothing.csv", *LIMIT], good, good):
        done = recipe(shell, "on-change", folder, "last", *arguments)
        seen.append((done.status, done.out.removeprefix("the gate was ").strip()))
    assert seen == [
        (0, ""),
        (1, "met, and is violated"),
        (1, ""),
        (4, "violated, and is undecided"),
        (3, "undecided, and is broken"),
        (0, "broken, and is met"),
        (0, ""),
    ]


def test_every_recipe_has_a_test_and_stands_in_the_list() -> None:
    names = {path.name for path in (EXAMPLES / "recipes").iterdir()}
    tests = Path(__file__).read_text(encoding="utf-8")
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name in names:
        assert f'"{name.removesuffix(".sh")}"' in tests
        assert f"examples/recipes/{name}" in listed
        assert (EXAMPLES / "recipes" / name).stat().st_mode & 0o111
