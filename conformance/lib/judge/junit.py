"""The judge's report as JUnit XML: a `testsuite` per group, a `testcase` per case, `skipped` if not offered."""

import xml.etree.ElementTree as ET
from pathlib import Path

from lib.judge.report import Judgement, printable
from lib.judge.verdict import Result, Verdict


def write_junit(judgement: Judgement, file: Path) -> None:
    """Writes the file."""
    root = ET.Element("testsuites", name="PKCS#11 wrapping", **_counts(judgement.results))
    for group, results in judgement.by_group():
        suite = ET.SubElement(
            root, "testsuite", name=printable(group.name), timestamp=judgement.started.isoformat(timespec="seconds"),
            **_counts(results),
        )
        properties = ET.SubElement(suite, "properties")
        for name, value in judgement.about.items():
            ET.SubElement(properties, "property", name=printable(name), value=printable(value))
        for result in results:
            _case(suite, result)
    ET.indent(root)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=printable(result.group), name=printable(result.name), time=f"{result.seconds:.4f}"
    )
    match result.verdict:
        case Verdict.FAILED:
            failure = ET.SubElement(
                case, "failure", type=printable(result.got or "failed"), message=printable(result.complaint)
            )
            parts = {"call": result.call, "expected": result.expected, "got": result.got, "detail": result.detail}
            failure.text = "\n".join(f"{name}: {printable(value)}" for name, value in parts.items() if value)
        case Verdict.NOT_OFFERED:
            ET.SubElement(case, "skipped", message=printable(result.detail))


def _counts(results: list[Result]) -> dict[str, str]:
    def number(verdict: Verdict) -> int:
        return sum(result.verdict is verdict for result in results)

    return {
        "tests": str(len(results)), "failures": str(number(Verdict.FAILED)), "errors": "0",
        "skipped": str(number(Verdict.NOT_OFFERED)), "time": f"{sum(result.seconds for result in results):.3f}",
    }
