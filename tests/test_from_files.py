"""Every registered loss, evaluated from sample files by the program, in each format that they have.

FOLDERS says which file and column hold what plays a role, by the role's name and domain and never
by a loss: a new loss is tested without a word here, unless it takes what no sample holds, and then
its test fails.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossctl.loss import Loss, losses
from lossctl.roles import Role
from lossctl.spec import make
from tests.samples import SAMPLES
from tests.test_cli import Result
from tests.test_cli import lossctl as command

program = command  # a fixture: the program in this process

FORMATS = ("csv", "parquet", "npy", "npz", "jsonl")


@dataclass(frozen=True)
class Held:
    """Files of one content, one for each format; `columns` where a format has named ones."""

    files: tuple[str, ...]
    columns: str = ""

    def file(self, form: str) -> str | None:
        return next((file for file in self.files if file.endswith(form)), None)


def held(stem: str, formats: str, columns: str = "") -> Held:
    return Held(tuple(f"{stem}.{form}" for form in formats.split()), columns)


def named(*files: str, columns: str = "") -> Held:
    return Held(files, columns)


TABLES, ALL = "csv parquet", "csv parquet npy"
PROGRESSION = held("diabetes/target", ALL, "target")
DIGIT = held("multiclass/target", ALL, "label")
INK = held("masks/target", "parquet npy", "mask")
EMBEDDED = named("embedding/embeddings.csv", "embedding/embeddings.parquet",
                 "embedding/embeddings.npy", columns="e_*")  # fmt: skip


def triplet(name: str) -> Held:
    tables = ("embedding/triplets.parquet", "embedding/triplets.jsonl")
    return Held((*tables, f"embedding/{name}.npy"), name)


def pair(name: str, array: str) -> Held:
    tables = ("embedding/pairs.parquet", "embedding/pairs.jsonl")
    return Held((*tables, f"embedding/{array}.npy"), name)


# Folders of rows that belong together: (role, domain) -> its files. A role that is not
# row-aligned, or that a loss can do without, is looked for in SINGLE too.
FOLDERS: dict[str, dict[tuple[str, str], Held]] = {
    "regression": {
        **{("pred", domain): held("diabetes/ridge", ALL, "pred")
           for domain in ("real", "above -1", "non-negative", "positive")},
        **{("target", domain): PROGRESSION
           for domain in ("real", "above -1", "non-negative", "positive")},
    },
    "distributions of a number": {
        ("mean", "real"): held("ensemble/gaussian", TABLES, "mean"),
        ("scale", "positive"): held("ensemble/gaussian", TABLES, "scale"),
        ("scale", "non-negative"): held("ensemble/gaussian", TABLES, "scale"),
        ("target_mean", "real"): held("ensemble/gaussian_trees", TABLES, "mean"),
        ("target_scale", "positive"): held("ensemble/gaussian_trees", TABLES, "scale"),
        ("members", "members"): held("ensemble/members", ALL, "m_*"),
        ("lower", "real"): held("quantile/interval", TABLES, "lower"),
        ("upper", "real"): held("quantile/interval", TABLES, "upper"),
        ("target", "real"): PROGRESSION,
    },
    "likelihoods": {
        ("pred", "real"): held("embedding/nll", "csv npy", "nll"),
    },
    "binary": {
        ("pred", "probability"): held("binary/logistic", ALL, "p"),
        ("pred", "logit"): held("binary/logistic_logits", TABLES, "logit"),
        ("pred", "real"): held("binary/logistic_logits", TABLES, "logit"),
        ("target", "probability"): held("binary/target", ALL, "target"),
        ("target", "sign"): held("binary/target", ALL, "target"),
    },
    "digits": {
        ("pred", "simplex"): held("multiclass/logistic", ALL, "p_*"),
        ("pred", "probabilities"): held("multiclass/logistic", ALL, "p_*"),
        ("label", "label"): DIGIT,
        ("target", "outcome"): DIGIT,
    },
    "grades": {
        **{("pred", domain): held("multiclass/ordinal", TABLES, "pred")
           for domain in ("rating", "category")},
        **{("label", domain): held("multiclass/ordinal", TABLES, "label")
           for domain in ("rating", "category")},
    },
    "distribution": {
        ("pred", "simplex"): held("distribution/model", "csv npy", "p_*"),
        ("pred", "masses"): held("distribution/model", "csv npy", "p_*"),
        ("target", "simplex"): held("distribution/target", "csv npy", "q_*"),
        ("target", "masses"): held("distribution/target", "csv npy", "q_*"),
    },
    "masks": {
        ("pred", "pixels"): held("masks/model", "parquet npy", "mask"),
        ("pred", "pixel scores"): held("masks/model_logits", "parquet npy", "mask"),
        ("target", "pixels"): INK,
        ("target", "hard pixels"): INK,
    },
    "boxes": {
        ("pred", "box"): held("boxes/model", ALL, "x1,y1,x2,y2"),
        ("target", "box"): held("boxes/target", ALL, "x1,y1,x2,y2"),
    },
    "strips": {
        ("pred", "frames"): named("sequences/ctc.parquet", "sequences/ctc.jsonl",
                                  "sequences/ctc_logits.npy", columns="logits"),
        ("target", "tokens"): named("sequences/ctc.parquet", "sequences/ctc.jsonl",
                                    columns="target"),
        ("input_length", "count"): named("sequences/ctc_target.jsonl", columns="input_length"),
    },
    "readings": {
        ("pred", "text"): held("sequences/readings", "csv jsonl", "pred"),
        ("target", "text"): held("sequences/readings", "csv jsonl", "target"),
    },
    "embedding": {
        ("embedding", "vector"): EMBEDDED,
        ("pred", "scores"): named("embedding/logits.npy", "embedding/embedding.npz",
                                  columns="logits"),
        ("label", "label"): named("embedding/label.csv", "embedding/label.npy",
                                  "embedding/embedding.npz", columns="label"),
        ("label", "group"): named("embedding/label.csv", "embedding/label.npy",
                                  "embedding/embedding.npz", columns="label"),
        ("centers", "class vectors"): held("embedding/centers", "csv npy", "e_*"),
        ("class_vectors", "class vectors"): held("embedding/class_vectors", "csv npy", "e_*"),
        ("batch", "count"): named("<made>/batch.csv", "<made>/batch.npy", columns="batch"),
    },
    "triplets": {
        **{(role, "vector"): triplet(role) for role in ("anchor", "positive", "negative")},
        ("pred", "vector"): triplet("anchor"),
        ("target", "vector"): triplet("positive"),
    },
    "pairs": {
        ("left", "vector"): pair("left", "left"),
        ("right", "vector"): pair("right", "right"),
        ("target", "same or different"): pair("target", "same"),
    },
}  # fmt: skip
SINGLE = {
    ("parameters", "whole"): held("structural/parameters", "csv npy", "parameters"),
    ("train", "whole"): held("structural/train", "csv npy", "train"),
    ("class_weight", "class weights"): named("<made>/weight.csv", "<made>/weight.npy",
                                             columns="weight"),
}  # fmt: skip
CASES = [
    pytest.param(name, complete, id=f"{loss.label}{'-complete' * complete}")
    for name, loss in losses().items()
    for complete in (False, True)
    if not complete or any(role.optional for role in make(loss, {}).roles)
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a few losses can take besides, and nobody would call data: weights of ten classes,
    and which rows form a batch."""
    folder = tmp_path_factory.mktemp("made")
    for name, values in (
        ("weight", np.arange(1.0, 11.0) / 4.0),
        ("batch", np.arange(300) // 60),
    ):
        np.save(folder / f"{name}.npy", values)
        text = "\n".join(map(str, values.tolist()))
        (folder / f"{name}.csv").write_text(f"{name}\n{text}\n")
    return folder


def found(loss: Loss, complete: bool) -> dict[str, Held]:
    """Each role's files: those of the first folder that has all of them."""
    roles = [role for role in make(loss, {}).roles if complete or not role.optional]
    for folder in FOLDERS.values():
        files = [folder.get(key(role)) or SINGLE.get(key(role)) for role in roles]
        if all(file is not None for file in files):
            return {role.name: file for role, file in zip(roles, files, strict=True) if file}
    missing = ", ".join(f"{role.name} ({role.domain.name})" for role in roles)
    pytest.fail(f"no sample data for {missing}: add them to sample_data/ and to FOLDERS")


def key(role: Role) -> tuple[str, str]:
    return role.name, role.domain.name


def lines(loss: Loss, complete: bool, made: Path) -> list[list[str]]:
    """A command line for each format; a role that has no file of it is read from another."""
    roles = found(loss, complete)
    required = [role.name for role in make(loss, {}).roles if not role.optional]
    rows = [name for name in required if (name, "whole") not in SINGLE]
    formats = [form for form in FORMATS if roles[rows[0]].file(form)]
    assert len(formats) > 1, f"{rows[0]} is in {formats} alone"
    return [command_line(loss, roles, form, made) for form in formats]


def command_line(loss: Loss, roles: dict[str, Held], form: str, made: Path) -> list[str]:
    options: list[str] = []
    files: list[str] = []
    for place, (name, one) in enumerate(roles.items()):
        path = one.file(form) or one.files[0]
        columns = one.columns if Path(path).suffix != ".npy" else ""
        path = path.replace("<made>", str(made)) if "<made>" in path else str(SAMPLES / path)
        if place == 0 or name in ("target", "label"):
            files.append(path)
            options += [f"--{'target' if place else 'pred'}-col", columns] if columns else []
        else:
            options += ["--role", f"{name}={path}" + (f":{columns}" if columns else "")]
    return ["eval", *dict.fromkeys(files), "-l", loss.label, *options, "-f", "json", "-q"]


def report(result: Result, line: list[str]) -> dict[str, Any]:
    assert result.status == 0, f"lossctl {' '.join(line)}\n{result.err}"
    whole: dict[str, Any] = json.loads(result.out)
    assert len(whole["losses"]) == 1
    return whole


@pytest.mark.parametrize(("name", "complete"), CASES)
def test_a_loss_from_files(name: str, complete: bool, made: Path, program: Any) -> None:
    loss = losses()[name]
    values = set()
    for line in lines(loss, complete, made):
        whole = report(program(*line), line)
        one = whole["losses"][0]
        assert (one["status"], one["label"]) == ("ok", loss.label), line
        assert one["n"] == whole["rows"]["scored"] == whole["rows"]["read"]["pred"] > 30
        if make(loss, {}).shares and loss.direction == "min":
            worst = whole["worst"]["rows"]
            assert len(worst) == 10
            assert worst[0]["row"] == one["worst"]["row"] < one["n"]
            assert worst[0]["shares"][one["spec"]] == one["worst"]["share"] > 0.0
        values.add(one["value"])
    assert len(values) == 1, f"the formats of {loss.label} differ: {values}"
    assert None not in values


# --- which losses suit some files ----------------------------------------------------------------

FILES = [
    ("regression", "diabetes/ridge.csv", "diabetes/target.csv"),
    ("regression", "diabetes/ridge.npy", "diabetes/target.npy"),
    ("binary", "binary/logistic.parquet", "binary/target.csv"),
    ("multiclass", "multiclass/logistic.csv", "multiclass/target.parquet"),
    ("multiclass", "multiclass/logistic_list.parquet", "multiclass/target.npy"),
    ("multiclass", "multiclass/ordinal.csv", None),
    ("multilabel", "multilabel/logistic.csv", "multilabel/target.csv"),
    ("distribution", "distribution/model.csv", "distribution/target.csv"),
    ("distribution", "ensemble/gaussian.csv", "diabetes/target.csv"),
    ("masks", "masks/model.npy", "masks/target.npy"),
    ("boxes", "boxes/model.csv", "boxes/target.csv"),
    ("boxes", "boxes/boxes.parquet", None),
    ("sequence", "sequences/readings.csv", None),
    ("sequence", "sequences/tokens.jsonl", None),
    ("sequence", "sequences/ctc_logits.npy", "sequences/ctc_target.jsonl"),
    ("embedding", "embedding/embeddings.csv", "embedding/label.csv"),
    ("embedding", "embedding/embedding.npz", None),
    ("embedding", "embedding/triplets.parquet", None),
    ("embedding", "embedding/pairs.jsonl", None),
    ("quantile", "quantile/quantiles.csv", "diabetes/target.csv"),
    ("interval", "quantile/interval.csv", "diabetes/target.csv"),
    ("ensemble", "ensemble/members.csv", "diabetes/target.csv"),
]


def sample_files(*names: str | None) -> list[str]:
    return [str(SAMPLES / name) for name in names if name is not None]


@pytest.mark.parametrize(("task", "preds", "targets"), FILES)
def test_losses_that_apply_can_be_evaluated(
    task: str, preds: str, targets: str | None, program: Any
) -> None:
    """What `losses --for` lists as applicable is bound; values alone may still be refused."""
    options = [*sample_files(preds, targets), "--task", task]
    listed = program("losses", "--for", *options, "-f", "json").json
    applicable = {one["name"] for one in listed if one["applies"]}
    assert all(one["applies"] or one["why"] for one in listed)
    refused = {}
    for name in applicable:
        done = program("eval", *options, "-l", name, "-q", "-b")
        if done.status not in (0, 3):
            refused[name] = done.err
    assert not refused
    begun = program("eval", *options, "-f", "json", "-q")
    assert begun.status == 0, begun.err
    assert {one["name"] for one in begun.json["losses"]} <= applicable


def test_every_folder_is_tried() -> None:
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
    tried = {name.split("/")[0] for _, *names in FILES for name in names if name is not None}
    assert folders - tried == {"tiny", "structural", "tasks"}
