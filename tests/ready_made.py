"""The services of continuous integration, as far as their files can be run without them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SAMPLES = ROOT / "sample_data" / "diabetes"
PROGRAMS = Path(sys.executable).parent

SHELLS = [
    pytest.param(one, marks=pytest.mark.skipif(shutil.which(one) is None, reason=f"no {one}"))
    for one in ("bash", "dash")
]

# What a job has instead of Python: environments whose pip writes down what it was asked for.
PYTHON = f"""#!/bin/sh
case "$2 $3" in
  "-m venv")
    mkdir -p "$4/bin"
    cp "$0" "$4/bin/python"
    ln -sf '{PROGRAMS}/lossctl' "$4/bin/lossctl" ;;
  "-m pip") printf '%s\\n' "$@" > "$ASKED" ;;
  *) exec '{sys.executable}' "$@" ;;
esac
"""


@dataclass(frozen=True)
class Ran:
    """What came of a command, a step or an action."""

    status: int
    out: str
    err: str
    outputs: dict[str, str] = field(default_factory=dict)


def parsed(path: Path, *changed: tuple[str, str]) -> Any:
    """What a YAML file holds, after some of its text is changed."""
    text = path.read_text(encoding="utf-8")
    for before, after in changed:
        assert before in text
        text = text.replace(before, after)
    return yaml.safe_load(text)


def job_folder(above: Path) -> Path:
    """A folder with good predictions, worse ones, broken ones and the targets."""
    made = above / "job"
    made.mkdir()
    for name, source in (("preds", "ridge"), ("worse", "forest"), ("broken", "broken"),
                         ("target", "target")):  # fmt: skip
        shutil.copy(SAMPLES / f"{source}.csv", made / f"{name}.csv")
    return made


def files(folder: Path) -> set[str]:
    """The paths of all files in a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def ran(command: Sequence[str | Path], folder: Path, **more: str) -> Ran:
    """A command in a folder, with lossctl on the path and nothing of this machine's jobs."""
    ours = ("LOSSCTL_", "GITHUB_", "INPUT_", "RUNNER_", "MAKE", "MFLAGS")
    environment = {name: one for name, one in os.environ.items() if not name.startswith(ours)}
    environment["PATH"] = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    made = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**environment, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(made.returncode, made.stdout, made.stderr)


# --- GitHub -----------------------------------------------------------------------------------


def act(folder: Path, temporary: Path, given: Mapping[str, str], **more: str) -> Ran:
    """The action of this repository, as GitHub's runner runs it: step by step, until one fails."""
    action = parsed(ROOT / "action.yml")
    assert given.keys() <= action["inputs"].keys()
    inputs = {name: one.get("default", "") for name, one in action["inputs"].items()} | given
    known = {f"inputs.{name}": value for name, value in inputs.items()}
    python = temporary / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    known["inputs.python"] = str(python)
    job = {
        "RUNNER_TEMP": str(temporary),
        "GITHUB_STEP_SUMMARY": str(temporary / "summary.md"),
        "GITHUB_ACTION_PATH": "the action",
        "ASKED": str(temporary / "asked"),
        **more,
    }
    step = Ran(0, "", "")
    for number, one in enumerate(action["runs"]["steps"]):
        assert one["shell"] == "bash"
        script, output = temporary / f"{number}.sh", temporary / f"{number}.out"
        script.write_text(one["run"], encoding="utf-8")
        output.write_bytes(b"")
        own = {name: evaluated(text, known) for name, text in one["env"].items()}
        bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", script]
        step = ran(bash, folder, **job, **own, GITHUB_OUTPUT=str(output))
        for line in output.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            assert f"steps.{one['id']}.outputs.{name}" not in known, "an output is given once"
            known[f"steps.{one['id']}.outputs.{name}"] = value
        if step.status:
            break
    outputs = {name: evaluated(one["value"], known) for name, one in action["outputs"].items()}
    return Ran(step.status, step.out, step.err, outputs)


def evaluated(text: str, known: Mapping[str, str]) -> str:
    """A text with its `${{ ... }}` filled in; of a step that did not run nothing is known."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        assert name in known or name.startswith("steps."), f"nothing is called {name}"
        return known.get(name, "")

    return re.sub(r"\$\{\{ ([\w.]+) \}\}", value, text)


# --- GitLab -----------------------------------------------------------------------------------


def gitlab_job(folder: Path, shell: str, **variables: str) -> Ran:
    """The job of the example, its variables set as in a file that includes it."""
    job = parsed(EXAMPLES / "gitlab-ci.yml")["lossctl"]
    options = ["-eo", "pipefail"] if shell == "bash" else ["-e"]
    lines = [*job["before_script"], *job["script"]]
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    pip = programs / "pip"
    pip.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$ASKED"\n')
    pip.chmod(0o755)
    path = os.pathsep.join([str(programs), str(PROGRAMS), os.environ["PATH"]])
    own = {**job["variables"], **variables, "PATH": path, "ASKED": str(folder / "asked")}
    return ran([shell, *options, "-c", "\n".join(lines)], folder, **own)
