"""Labels to look at again."""

from __future__ import annotations

from dataclasses import asdict

from lossctl.analyses.advice.classes import Classified
from lossctl.analyses.advice.labels import LabelIssues, label_issues
from lossctl.analyses.advice.noise import label_noise
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.wording import p_value
from lossctl.arrays import Array

FEWEST = 20  # rows
LISTED = 10  # rows in the data
SURE = 1e-3  # p-value
QUICK = 10  # candidates that are worth a look in any case
OUT_OF_SAMPLE = "holds only if no model was fitted to these rows"


def mislabelled(rows: Classified) -> Advice | None:
    """Rows whose label the probabilities speak against (confident learning): as wrong labels
    where more of them are improbable than sharp or blunt probabilities explain, and as rows to
    look at where they are few."""
    count = rows.sample.rows
    if count < FEWEST:
        return None
    prob = rows.prob
    found = label_issues(rows.label, prob)
    if not found.issues.size:
        return None
    noise = label_noise(rows.logits, rows.label)
    mark = rows.sample.mark
    names = rows.sample.names(found.issues, 5)
    data = {
        "count": int(found.issues.size),
        "rows": count,
        "issues": _listed(rows, found),
        "confident_joint": found.joint.tolist(),
        "noise": None if noise is None else asdict(noise),
    }
    example = _example(rows, found, prob)
    if noise is not None and noise.p < SURE:
        share = f"{mark}{100 * noise.share:.2g} % of labels"
        wrong = noise.share * (rows.classes - 1) / rows.classes  # some are right by chance
        data["wrong"] = wrong
        bad = f"{mark}{100 * wrong:.2g} %"
        text = (
            f"look at {names} first: about {share} look drawn at random, so {bad} wrong "
            f"({p_value(noise.p)}), and confident learning points at {mark}{found.issues.size} of "
            f"{count} ({example}); or these are mistakes of which the model is far too sure: the "
            f"rows tell; {OUT_OF_SAMPLE}"
        )
        finding = (
            f"About {bad} of labels look wrong, or the model is far too sure of its mistakes: look "
            f"at {names} first."
        )
        return Advice("labels", f"look at {names}", text, finding, 75.0, p=noise.p, data=data)
    if found.issues.size > QUICK:
        return None
    many = f"{mark}{found.issues.size} of {count} labels"
    verb = "are" if found.issues.size > 1 else "is"
    text = (
        f"{many} {verb} confidently another class: {names} ({example}); so few are no sign of "
        f"wrong labels, but quick to look at; {OUT_OF_SAMPLE}"
    )
    finding = f"Nothing shows that labels are wrong; the most doubtful are {names}."
    return Advice("labels", f"look at {names}", text, finding, 3.0, data=data)


def _example(rows: Classified, found: LabelIssues, prob: Array) -> str:
    first = int(found.issues[0])
    given, seems = int(rows.label[first]), int(found.confident[first])
    return (
        f"{rows.sample.name(first)}: label {rows.name(given)} has probability "
        f"{prob[first, given]:.2g}, class {rows.name(seems)} has {prob[first, seems]:.2g}"
    )


def _listed(rows: Classified, found: LabelIssues) -> list[dict[str, str | float]]:
    return [
        {
            "row": rows.sample.name(int(place)),
            "label": rows.name(int(rows.label[place])),
            "seems": rows.name(int(found.confident[place])),
            "self_confidence": float(found.self_confidence[place]),
        }
        for place in found.issues[:LISTED]
    ]
