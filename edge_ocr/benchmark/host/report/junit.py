"""Judgements as JUnit XML, in which a build server shows each limit as a test.

There is no standard; this is the part on which the common readers agree: suites of cases, a case with a `failure` that
has a message, and properties of a suite.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from edge_ocr.benchmark.host.judgement import Judgement, Row, Verdict
from edge_ocr.benchmark.host.report.content import board_name, row_amounts
from edge_ocr.benchmark.result import Result
from edge_ocr.errors import printable

THE_RUN_COUNTS = "the run counts"
"""The case that fails where the result does not pass whatever its figures are."""


def as_junit(judged: Sequence[tuple[Result, Judgement]]) -> bytes:
    """An XML file with a suite for each result and in it a case for each limit; what was not measured has failed."""
    root = Element("testsuites", name="edge-ocr bench")
    for result, judgement in judged:
        root.append(_suite(result, judgement))
    for name in ("tests", "failures"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _suite(result: Result, judgement: Judgement) -> Element:
    name = f"{judgement.targets.name} on {board_name(result)}"
    suite = Element("testsuite", name=printable(name), timestamp=printable(result.date))
    bundle = result.bundles[0]
    properties = SubElement(suite, "properties")
    for key, value in (
        ("device", result.device),
        ("bundle", f"{bundle.name} ({bundle.precision}) {bundle.digest}"),
        ("engine", f"{bundle.engine.package} {bundle.engine.version}"),
        ("edge-ocr", result.edge_ocr),
    ):
        SubElement(properties, "property", name=key, value=printable(value))
    for row in judgement.rows:
        _case(suite, judgement, row)
    case = SubElement(suite, "testcase", classname=judgement.targets.name, name=THE_RUN_COUNTS)
    if grounds := [*judgement.objections, *result.problems]:
        SubElement(case, "failure", type="the run does not count", message=printable("; ".join(grounds)))
    suite.set("tests", str(len(judgement.rows) + 1))
    suite.set("failures", str(len(list(suite.iter("failure")))))
    return suite


def _case(suite: Element, judgement: Judgement, row: Row) -> None:
    name, measured, limit = row_amounts(row)
    case = SubElement(suite, "testcase", classname=judgement.targets.name, name=name)
    if row.verdict is Verdict.MET:
        SubElement(case, "system-out").text = f"{measured}, limit {limit}"
        return
    said = f"{measured}, limit {limit}" if row.verdict is Verdict.MISSED else f"not measured, limit {limit}"
    SubElement(case, "failure", type=row.verdict.value, message=f"{said} ({printable(row.limit.reason)})")
