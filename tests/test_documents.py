"""What the documents point to is there, and the papers' map leaves no strategy out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "calibration_data/README.md", *ROOT.glob("docs/*.md")]
PAPERS = (ROOT / "docs/papers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_to_files_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert target.startswith("https://") or (document.parent / target).exists(), target


def test_the_map_has_every_strategy_of_both_papers() -> None:
    rows = {
        title: sum(row.startswith("| ") for row in section.splitlines()) - 1
        for title, section in re.findall(r"^##+ ([^\n]*)\n(.*?)(?=^##|\Z)", PAPERS, re.MULTILINE | re.DOTALL)
    }
    assert rows["Text detector: 6"] == 6
    assert rows["Direction classifier: 4"] == 4
    assert rows["Text recognizer: 9"] == 9
    assert rows["PP-OCRv2"] == 5


def test_the_map_knows_the_eight_aspects() -> None:
    aspects = {
        "backbone", "head", "data augmentation", "learning rate", "regularisation", "pre-training", "pruning",
        "quantisation",
    }  # fmt: skip
    rows = [row.split("|")[2].strip() for row in PAPERS.splitlines() if row.count("|") == 4]
    assert aspects <= set(rows)
