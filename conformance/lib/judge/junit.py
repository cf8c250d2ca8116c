"""The judge's report as JUnit XML: a `testsuite` per group, a `testcase` per case, `skipped` for what is not offered."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from lib.judge.report import Judgement
from lib.judge.verdict import Result, Verdict

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(judgement: Judgement, file: Path) -> None:
    """Writes the file."""
    root = ET.Element("testsuites", name="PKCS#11 wrapping", **_counts(judgement.results))
    for group, results in judgement.by_group():
        suite = ET.SubElement(
            root, "testsuite", name=_text(group.name), timestamp=judgement.started.isoformat(timespec="seconds"),
            **_counts(results),
        )
        properties = ET.SubElement(suite, "properties")
        for name, value in judgement.about.items():
            ET.SubElement(properties, "property", name=_text(name), value=_text(value))
        for result in results:
            _case(suite, result)
    ET.indent(root)
    ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _case(suite: ET.Element, result: Result) -> None:
    case = ET.SubElement(
        suite, "testcase", classname=_text(result.group), name=_text(result.name), time=f"{result.seconds:.4f}"
    )
    match result.verdict:
        case Verdict.FAILED:
            failure = ET.SubElement(
                case, "failure", type=_text(result.got or "failed"), message=_text(result.complaint)
            )
            parts = {"call": result.call, "expected": result.expected, "got": result.got, "detail": result.detail}
            failure.text = "\n".join(f"{name}: {_text(value)}" for name, value in parts.items() if value)
        case Verdict.NOT_OFFERED:
            ET.SubElement(case, "skipped", message=_text(result.detail))


def _counts(results: list[Result]) -> dict[str, str]:
    def number(verdict: Verdict) -> int:
        return sum(result.verdict is verdict for result in results)

    return {
        "tests": str(len(results)), "failures": str(number(Verdict.FAILED)), "errors": "0",
        "skipped": str(number(Verdict.NOT_OFFERED)), "time": f"{sum(result.seconds for result in results):.3f}",
    }


def _text(value: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)
