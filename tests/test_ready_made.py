"""The ready-made pieces for continuous integration: the action, the examples, the recipes."""

from __future__ import annotations

import json
import shlex
import shutil
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.ready_made import (
    EXAMPLES,
    ROOT,
    SHELLS,
    Ran,
    act,
    files,
    gitlab_job,
    job_folder,
    parsed,
    ran,
)
from tests.runners import command, obeyed

BOTH = {"preds": "preds.csv", "targets": "target.csv"}
MARGIN = {"baseline": "preds.csv", "args": "--max-increase mae=2%"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return job_folder(tmp_path)


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A folder of the service."""
    made = tmp_path / "with blanks"
    made.mkdir()
    return made


# --- the action -------------------------------------------------------------------------------

JUDGED = {
    "met": ({**BOTH, "args": "--max rmse=60"}, 0, "notice"),
    "violated": ({**BOTH, "args": "--max rmse=50"}, 1, "error"),
    "undecided": ({**BOTH, "preds": "worse.csv", **MARGIN}, 4, "error"),
    "let pass": ({**BOTH, "args": "--max rmse=50 --exit-zero"}, 0, "error"),
}


@pytest.mark.parametrize("case", JUDGED)
def test_the_action_judges(case: str, folder: Path, temporary: Path) -> None:
    given, status, level = JUDGED[case]
    before = files(folder)
    (temporary / "summary.md").write_text("Tests\n")
    done = act(folder, temporary, given)
    outcome = "violated" if case == "let pass" else case
    assert done.status == status, done.err
    assert (done.outputs["outcome"], done.outputs["status"]) == (outcome, str(status))
    name, properties, _ = command(done.out.splitlines()[0])
    assert (name, properties["title"]) == (level, f"lossctl check: {outcome}")
    summary = (temporary / "summary.md").read_text()
    assert summary.startswith("Tests\n")
    assert f"\n**{outcome.upper()}: " in summary
    assert json.loads(Path(done.outputs["json"]).read_text())["gate"]["outcome"] == outcome
    assert ET.parse(done.outputs["junit"]).getroot().tag == "testsuites"
    assert files(folder) == before


NOT_JUDGED = {
    "usage": ({**BOTH, "args": "--max hubber=1"}, 2, "hubber"),
    "nothing required": (BOTH, 2, "nothing is required"),
    "no preds": ({"targets": "target.csv", "args": "--max rmse=60"}, 2, "without preds"),
    "an open quote": ({**BOTH, "args": "--max 'rmse=60"}, 2, "a quote"),
    "no file": ({**BOTH, "preds": "nothing.csv", "args": "--max rmse=60"}, 3, "no such file"),
    "no output": (
        {**BOTH, "args": "--max rmse=60 --export json=no/folder.json"},
        5,
        "cannot be written",
    ),
    "help": ({**BOTH, "args": "--max rmse=60 --help"}, 2, "nothing was checked"),
}


@pytest.mark.parametrize("case", NOT_JUDGED)
def test_the_action_says_that_nothing_was_judged(case: str, folder: Path, temporary: Path) -> None:
    given, status, why = NOT_JUDGED[case]
    done = act(folder, temporary, given)
    assert done.status == status, done.err
    assert (done.outputs["outcome"], done.outputs["status"]) == ("error", str(status))
    assert why in done.out + done.err
    (line,) = obeyed(done.out + done.err)
    name, properties, _ = command(line)
    assert (name, properties["title"]) == ("error", "lossctl check: error")


def test_the_action_splits_options_as_a_shell_does_and_expands_nothing(
    folder: Path, temporary: Path
) -> None:
    args = (
        "--max rmse=60\n--require 'p95(mae) < 120'  --where \"age >= 0\"\n--export md=$HOME*.md\n"
    )
    done = act(folder, temporary, {**BOTH, "args": args})
    assert done.status == 0, done.err
    gate = json.loads(Path(done.outputs["json"]).read_text())["gate"]
    assert [one["requirement"] for one in gate["checks"]] == ["rmse <= 60", "p95(mae) < 120"]
    assert (folder / "$HOME*.md").exists()


def test_the_action_reads_a_configuration_and_a_suite(folder: Path, temporary: Path) -> None:
    check = 'check = {preds = "preds.csv", targets = "target.csv", max = {rmse = 60}}'
    (folder / "gate.toml").write_text(f"{check}\nsuite.nightly.max = {{rmse = 50}}\n")
    assert act(folder, temporary, {"config": "gate.toml"}).status == 0
    assert act(folder, temporary, {"config": "gate.toml", "suite": "nightly"}).status == 1


def test_nothing_else_moves_the_outputs_of_the_action(folder: Path, temporary: Path) -> None:
    """A configuration and a variable that would send the report elsewhere."""
    (folder / "lossctl.toml").write_text('[check]\noutput = "report.html"\nexport = ["a.json"]\n')
    given = {**BOTH, "args": "--max rmse=60"}
    done = act(folder, temporary, given, LOSSCTL_FORMAT="json")
    assert done.status == 0, done.err
    assert done.outputs["outcome"] == "met"
    assert not {"report.html", "a.json"} & files(folder)


HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
    "'; touch pwned; '",
    '" && touch pwned && "',
    "--exit-zero",
    "--help",
    "x\n::warning::planted\noutcome=met\nstatus=0\n$(touch pwned)",
]


LIMITS = "--max rmse=60 --max-increase mae=2%"
GIVEN = ("preds", "targets", "baseline", "args", "suite", "config")


def refused(folder: Path, temporary: Path, given: dict[str, str]) -> Ran:
    """The action where some of what it is given is hostile: it fails, and does nothing else."""
    before = files(folder)
    done = act(folder, temporary, {**BOTH, **MARGIN, "args": LIMITS, **given})
    assert done.outputs["status"] == str(done.status) != "0"
    assert done.outputs["outcome"] == ("undecided" if done.status == 4 else "error")
    assert not [line for line in obeyed(done.out + done.err) if line.startswith("::warning::")]
    assert files(folder) == before
    assert "pwned" not in {path.name for path in temporary.parent.rglob("*")}
    return done


@pytest.mark.parametrize("text", HOSTILE)
def test_what_the_action_is_given_is_only_a_text(text: str, folder: Path, temporary: Path) -> None:
    assert refused(folder, temporary, dict.fromkeys(GIVEN, text)).status == 2


EACH = [
    (name, text, status)
    for name, status in zip(GIVEN, (3, 3, 4, 2, 2, 2), strict=True)
    for text in ("--exit-zero", HOSTILE[-1])
    if (name, text) != ("args", "--exit-zero")  # an option is what args are for
]


@pytest.mark.parametrize(("name", "text", "status"), EACH)
def test_each_text_is_what_it_is_called(
    name: str, text: str, status: int, folder: Path, temporary: Path
) -> None:
    assert refused(folder, temporary, {name: text}).status == status


@pytest.mark.parametrize("text", [*HOSTILE[:3], "--index-url=x", ""])
def test_what_the_action_installs_is_only_a_text(text: str, folder: Path, temporary: Path) -> None:
    done = act(folder, temporary, {**BOTH, "args": "--max rmse=60", "install": text})
    assert done.status == 0
    asked = (temporary / "asked").read_text()
    assert asked.endswith(f"\n--\n{text or 'the action'}\n")
    assert "pwned" not in {path.name for path in temporary.parent.rglob("*")}


def test_modules_of_the_repository_are_not_imported(folder: Path, temporary: Path) -> None:
    for name in ("json", "shlex", "os", "pip", "venv", "lossctl", "sitecustomize", "numpy"):
        (folder / f"{name}.py").write_text('open("pwned", "w")\nraise SystemExit(0)\n')
    done = act(folder, temporary, {**BOTH, "args": "--max rmse=50"})
    assert (done.status, done.outputs["outcome"]) == (1, "violated")
    assert "pwned" not in files(folder)


def test_the_scripts_of_the_action_hold_no_expression() -> None:
    action = parsed(ROOT / "action.yml")
    used = [text for step in action["runs"]["steps"] for text in step["env"].values()]
    assert not [step["name"] for step in action["runs"]["steps"] if "${{" in step["run"]]
    for name, one in action["inputs"].items():
        assert f"${{{{ inputs.{name} }}}}" in used
        assert one["description"]
        assert isinstance(one["default"], str)


def test_the_workflow_uses_the_action(folder: Path, temporary: Path) -> None:
    path = EXAMPLES / "github-workflow.yml"
    (job,) = parsed(path)["jobs"].values()
    (step,) = [one for one in job["steps"] if one.get("id") == "gate"]
    assert step["uses"].endswith(f"/lossctl@v{version()}")
    done = act(folder, temporary, step["with"])
    assert done.status == 0, done.err
    gate = json.loads(Path(done.outputs["json"]).read_text())["gate"]
    assert [one["requirement"] for one in gate["checks"]] == ["rmse <= 60", "p95(mae) < 120"]
    for name in ("json", "junit"):
        assert f"${{{{ steps.gate.outputs.{name} }}}}" in path.read_text()
    (folder / "lossctl.toml").write_text("[check]\nexit-zero = true\n")
    assert act(folder, temporary, {**step["with"], "preds": "broken.csv"}).status == 1


def version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


# --- GitLab, pre-commit, DVC, make ------------------------------------------------------------


CLOSE = {
    "LOSSCTL_PREDS": "worse.csv",
    "LOSSCTL_BASELINE": "preds.csv",
    "LOSSCTL_MAX_INCREASE": "mae=2%",
}
ALLOWED = {"LOSSCTL_ALLOW_UNDECIDED": "true"}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ({}, 0),
        ({"LOSSCTL_PREDS": "broken.csv"}, 1),
        ({"LOSSCTL_MAX": "rmse=60\np95(mae)=80"}, 1),
        (CLOSE, 4),
        ({**CLOSE, **ALLOWED}, 0),
        ({**CLOSE, **ALLOWED, "LOSSCTL_MAX": "rmse=50"}, 1),
        ({**CLOSE, **ALLOWED, "LOSSCTL_BASELINE": "nothing.csv"}, 4),
        ({"LOSSCTL_MAX": "hubber=1"}, 2),
        ({"LOSSCTL_PREDS": "$(touch pwned)"}, 3),
    ],
)
def test_the_gitlab_job(variables: dict[str, str], status: int, shell: str, folder: Path) -> None:
    job = parsed(EXAMPLES / "gitlab-ci.yml")["lossctl"]
    reports = job["artifacts"]["reports"]
    done = gitlab_job(folder, shell, INSTALL="a b; touch pwned", **variables)
    assert done.status == status, done.err
    assert (folder / "asked").read_text().endswith("\na b; touch pwned\n")
    if status in (2, 3):
        assert not files(folder) & set(reports.values())
    else:
        ET.parse(folder / reports["junit"])
        found = json.loads((folder / reports["codequality"]).read_text())
        assert any(one["severity"] != "minor" for one in found) == (status != 0)
    assert "pwned" not in files(folder)


def test_the_gitlab_job_keeps_reports_of_a_failure_and_has_choices() -> None:
    path = EXAMPLES / "gitlab-ci.yml"
    job = parsed(path)["lossctl"]
    assert job["artifacts"]["when"] == "always"
    assert "allow_failure" not in job
    chosen = parsed(path, ("# LOSS", "LOSS"), ("# allow", "allow"), ("#   exit", "  exit"))
    assert chosen["lossctl"]["allow_failure"] == {"exit_codes": [4]}
    assert chosen["lossctl"]["variables"]["LOSSCTL_ALLOW_UNDECIDED"] == "true"


@pytest.mark.parametrize(("source", "status"), [("preds", 0), ("broken", 1), (None, 3)])
def test_the_pre_commit_hook(source: str | None, status: int, folder: Path) -> None:
    (hook,) = parsed(ROOT / ".pre-commit-hooks.yaml")
    (repository,) = parsed(EXAMPLES / "pre-commit-config.yaml")["repos"]
    (used,) = repository["hooks"]
    assert repository["rev"] == f"v{version()}"
    assert used["id"] == hook["id"]
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    instead(folder, source)
    before = files(folder)
    done = ran([*shlex.split(hook["entry"]), *used["args"]], folder)
    assert done.status == status, done.err
    assert files(folder) == before  # pre-commit takes a new file for a failure


def instead(folder: Path, source: str | None) -> None:
    """Other predictions, or none."""
    if source is None:
        (folder / "preds.csv").unlink()
    elif source != "preds":
        shutil.copy(folder / f"{source}.csv", folder / "preds.csv")


@pytest.mark.parametrize(("source", "status"), [("preds", 0), ("broken", 1), (None, 3)])
def test_the_dvc_stage(source: str | None, status: int, folder: Path) -> None:
    (stage,) = parsed(EXAMPLES / "dvc.yaml")["stages"].values()
    (metrics,) = stage["metrics"]
    assert metrics == {"gate.json": {"cache": False}}
    words = shlex.split(stage["cmd"])
    assert [one for one in words if (folder / one).exists()] == stage["deps"]
    instead(folder, source)
    done = ran(["sh", "-c", stage["cmd"]], folder)
    assert done.status == status, done.err
    assert (folder / "gate.json").exists() == (status < 2)
    if status < 2:
        outcome = json.loads((folder / "gate.json").read_text())["gate"]["outcome"]
        assert outcome == ("violated" if status else "met")


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
@pytest.mark.parametrize(
    ("variables", "status"),
    [
        ([], 0),
        (["PREDS=broken.csv"], 1),
        (["PREDS=worse.csv", "BASELINE=preds.csv", "GATE=--max-increase mae=2%"], 4),
        (["GATE=--max hubber=1"], 2),
        (["PREDS=Makefile"], 3),
        (["LOSSCTL=nothing-of-that-name"], 127),
    ],
)
def test_the_make_fragment(variables: list[str], status: int, folder: Path) -> None:
    (folder / "Makefile").write_text("")
    done = ran(["make", "-f", EXAMPLES / "gate.mk", "gate", *variables], folder)
    assert done.status == (2 if status else 0)
    assert (f"Error {status}\n" in done.err) == (status != 0), done.err


@pytest.mark.skipif(shutil.which("make") is None, reason="no make")
def test_the_make_fragment_makes_the_predictions_first(folder: Path) -> None:
    text = f"include {EXAMPLES / 'gate.mk'}\nnew.csv:\n\tcp broken.csv $@\n"
    (folder / "Makefile").write_text(text)
    assert "Error 1\n" in ran(["make", "gate", "PREDS=new.csv"], folder).err
    assert (folder / "new.csv").exists()
