"""A comparison as a document that a person reads, on a terminal and as Markdown, as JSON, and as the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from textwrap import shorten
from typing import Any

from comparison.report import table

from converters.evaluation.datasets import LabelledPage
from converters.tflite.interpreters import KnownInterpreter
from interpreters.figures import MAXIMUM_DROP, Agreement, Equality, agreement, equality
from interpreters.trials import Trial

_WIDEST_VERDICT = 40
"""Letters of a cell; the rest of a longer one is below the tables."""


@dataclass(frozen=True)
class Comparison:
    """What was compared, and what came out.

    Attributes:
        date: ISO 8601.
        cpu: name, and what it offers for int8.
        bundle: name, precision and digest.
        models: of the bundle.
        pages: that were to be read.
        trials: the first is the one that the others are held against.
    """

    date: str
    cpu: str
    bundle: str
    models: Sequence[str]
    pages: Sequence[LabelledPage]
    trials: Sequence[Trial]

    def agreements(self) -> list[Agreement | None]:
        """Of each trial with the first; None where not a page was read, or the trial was given up."""
        return [
            agreement(trial, self.trials[0], self.pages) if trial.readings and not trial.problem else None
            for trial in self.trials
        ]


def document(comparison: Comparison) -> str:
    """The figures, how they were taken, and on what: Markdown whose tables line up on a terminal, too."""
    head = ("interpreter", "pages", "time", "boxes in common", "of these, read alike", "end to end, points", "verdict")
    models = ("interpreter", "model", "partitions", "operators outside", "equal outputs", "largest difference")
    pairs = list(zip(comparison.trials, comparison.agreements(), strict=True))
    return "\n\n".join(
        [
            f"# {comparison.bundle} under {len(pairs)} interpreters",
            table(head, [_summary(trial, found) for trial, found in pairs]),
            table(
                (*models, "lines with the same text"),
                [row for trial in comparison.trials for row in _models(trial, comparison.models)],
            ),
            *_left_outside(comparison.trials),
            *_problems(comparison.trials),
            "\n".join(f"- {row}" for row in _conditions(comparison)),
        ]
    )


def _summary(trial: Trial, found: Agreement | None) -> tuple[str, ...]:
    figures = ["", "", "", ""]
    if found:
        alike = f"{found.same_boxes:.1f} %", f"{found.same_text:.1f} %"
        figures = [str(found.time), *alike, str(found.end_to_end or "")]
    last = shorten(verdict(trial, found), _WIDEST_VERDICT)
    return (trial.interpreter.name, str(len(trial.readings)), *figures, last)


def verdict(trial: Trial, found: Agreement | None) -> str:
    """In a word, but for failures."""
    if found is None:
        return f"{'failed' if trial.started else 'not run'}: {trial.problem}"
    return {True: "reads right", False: "READS WORSE", None: "runs"}[found.reads_right]


def _models(trial: Trial, models: Sequence[str]) -> list[tuple[str, ...]]:
    return [
        (
            trial.interpreter.name,
            model,
            str(trial.delegations[model].partitions),
            str(sum(trial.delegations[model].outside.values())),
            *_equal(equality(trial.repetitions, model)),
        )
        for model in models
        if model in trial.delegations
    ]


def _equal(found: Equality | None) -> tuple[str, ...]:
    if found is None:
        return ("", "", "")
    text = "" if found.same_text is None else f"{found.same_text} of {found.runs}"
    return (f"{found.identical} of {found.runs}", f"{found.largest:.2g}", text)


def _left_outside(trials: Sequence[Trial]) -> list[str]:
    """A list of them, or nothing where there are none."""
    rows = [
        f"- {trial.interpreter.name}, {model}: {', '.join(f'{count} {name}' for name, count in found.outside.items())}"
        for trial in trials
        for model, found in trial.delegations.items()
        if found.outside
    ]
    return ["Operators outside XNNPACK:\n\n" + "\n".join(rows)] if rows else []


def _problems(trials: Sequence[Trial]) -> list[str]:
    """A list of them in full, or nothing where there are none."""
    rows = [f"- {trial.interpreter.name} {verdict(trial, None)}" for trial in trials if trial.problem]
    return ["Not run, or given up:\n\n" + "\n".join(rows)] if rows else []


def _conditions(comparison: Comparison) -> list[str]:
    first, pages = comparison.trials[0].interpreter, len(comparison.pages)
    return [
        "Each interpreter in a process and an environment of its own, with the same numpy, OpenCV and Pillow and one "
        f"thread; they read the same {pages} pages in the same run, one page in turn, never two at the same time; who "
        "comes first changes from page to page. A slow one reads the first of them only.",
        f"Time is the ratio of summed seconds to those of {first.name}, with a 95 % bootstrap interval over pages. "
        "Texts are compared but for spaces, case and Unicode's compatible forms. End to end is the hmean of boxes with "
        "the right text, theirs minus its.",
        f"Outputs are those of the models on the tensors that {first.name} made from these pages; equal means bit for "
        "bit. The order of float additions differs between interpreters, and a sum on the edge between two int8 "
        "numbers can fall to either side.",
        f"An interpreter reads right if it loses at most {MAXIMUM_DROP:g} points end to end; of one that merely runs, "
        "these pages cannot tell. Alike is another matter: of two characters about as likely, such a sum decides.",
        f"{comparison.cpu}, {comparison.date}",
    ]


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Everything that was measured, page by page, so that anybody can work out the figures again."""
    return {
        "date": comparison.date,
        "cpu": comparison.cpu,
        "bundle": comparison.bundle,
        "pages": [str(page.picture) for page in comparison.pages],
        "interpreters": [
            _trial(trial, found) for trial, found in zip(comparison.trials, comparison.agreements(), strict=True)
        ],
    }


def _trial(trial: Trial, found: Agreement | None) -> dict[str, Any]:
    return {
        **asdict(trial.interpreter),
        "verdict": verdict(trial, found),
        "figures": asdict(found) if found else None,
        "models": {
            model: {**asdict(delegation), "equality": _equality(trial, model)}
            for model, delegation in trial.delegations.items()
        },
        "operators": dict(trial.operators),
        "readings": [
            {**vars(reading), "boxes": [box.round(1).tolist() for box in reading.boxes]} for reading in trial.readings
        ],
    }


def _equality(trial: Trial, model: str) -> dict[str, Any] | None:
    found = equality(trial.repetitions, model)
    return asdict(found) if found else None


def known(comparison: Comparison) -> list[KnownInterpreter]:
    """What is worth keeping of each interpreter that ran."""
    return [
        KnownInterpreter(
            trial.interpreter.package,
            trial.interpreter.version,
            found is not None and found.reads_right is True,
            trial.operators,
        )
        for trial, found in zip(comparison.trials, comparison.agreements(), strict=True)
    ]
