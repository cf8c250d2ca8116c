#!/usr/bin/env python3
"""The judge itself on trial: with our module, with SoftHSM, with a module that has faults, and with invented results.

Ours must pass everything and offer everything. SoftHSM must be judged to the end, and as it is known. Of the
faulty module, every fault must be found, and nothing else. The three reports of a run must agree.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

from lib.ceremony import ROOT, Setting, own_folder, read_arguments
from lib.judge.case import Group
from lib.judge.damage import wrap_raw
from lib.judge.junit import write_junit
from lib.judge.page import write_page
from lib.judge.report import Judgement
from lib.judge.verdict import Result, Verdict
from lib.report import Group as Cases
from lib.report import Report, require

SOFTHSM = Path("/usr/lib/softhsm/libsofthsm2.so")
SOFTHSM_FAILURES = Path(__file__).parent / "lib" / "judge" / "softhsm-2.6.txt"
HOSTILE = "<script>alert(1)</script> & \"quotes\" \x1b[31m\x00 \ud83d"


@dataclass(frozen=True)
class Run:
    """A run of the judge: what it printed, and the JUnit it wrote."""

    code: int
    output: str
    junit: ET.Element
    html: str

    def cases(self, kind: str) -> dict[str, ET.Element]:
        """The cases with this element (`failure`, `skipped`), by group and name."""
        return {
            f"{case.get('classname')} | {case.get('name')}": case.find(kind)
            for case in self.junit.iter("testcase") if case.find(kind) is not None
        }


def main() -> None:
    """Everything."""
    setting = read_arguments(__doc__.splitlines()[0])
    with Report() as report, own_folder() as folder:
        with report.group("reports of invented results") as group:
            reports(group, folder)
        with report.group("damage done by hand") as group:
            by_hand(group)
        with report.group("what the judge will not do") as group:
            refusals(group, setting, folder)
        with report.group("our module") as group:
            ours(group, setting, folder)
        with report.group("what it will not do to a token") as group:
            token_is_safe(group, setting)
        with report.group("a faulty module") as group:
            faulty(group, setting, folder)
        with report.group("SoftHSM") as group:
            softhsm(group, setting, folder)


def judge(setting: Setting, module: Path, folder: Path, *more: str, **environment: str) -> Run:
    """Runs the judge as a user does."""
    junit, html = folder / "judge.xml", folder / "judge.html"
    for old in (junit, html):
        old.unlink(missing_ok=True)
    done = start(
        "--module", module, "--so-pin", setting.so_pin, "--pin", setting.pin, "--junit", junit, "--html", html, *more,
        **environment,
    )
    require(done.returncode in (0, 1), f"the judge ended with {done.returncode}: {done.stderr.strip()}")
    return Run(done.returncode, done.stdout, ET.parse(junit).getroot(), html.read_text(encoding="utf-8"))


def start(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """`./conformance/run` with these arguments."""
    return subprocess.run(
        [ROOT / "conformance" / "run", *map(str, arguments)], env=os.environ | environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )


def ours(group: Cases, setting: Setting, folder: Path) -> None:
    """Every case of it counts."""
    run = judge(setting, setting.module, folder, "--initialise")
    agree(group, run)
    failed, absent = run.cases("failure"), run.cases("skipped")
    for case in run.junit.iter("testcase"):
        name = f"{case.get('classname')} | {case.get('name')}"
        with group.case(name):
            require(name not in failed, failed[name].get("message") if name in failed else "")
            require(name not in absent, "not offered")
    with group.case("exit code"):
        require(run.code == 0, f"exit code {run.code}")


def softhsm(group: Cases, setting: Setting, folder: Path) -> None:
    """What is known of version 2.6, which has no combined mechanism."""
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    run = judge(setting, SOFTHSM, folder, "--initialise", SOFTHSM2_CONF=str(configuration))
    agree(group, run)
    with group.case("exit code"):
        require(run.code == 1, f"exit code {run.code}")
    absent = run.cases("skipped")
    with group.case("the combined mechanism is not offered"):
        combined = [case for case in run.junit.iter("testcase") if "CKM_RSA_AES_KEY_WRAP" in
                    case.get("classname") + case.get("name")]
        require(len(combined) > 1000, f"{len(combined)} cases")
        shown = [name for case in combined if (name := f"{case.get('classname')} | {case.get('name')}") not in absent]
        require(not shown, f"judged all the same: {shown[:3]}")
    with group.case("a hash other than SHA-1 is not offered"):
        wrong = [name for name in run.cases("failure") if re.search("SHA-(224|256|384|512), AES", name)]
        require(not wrong, f"failed: {wrong[:3]}")
    with group.case("fails where it is known to fail"):
        known = set(SOFTHSM_FAILURES.read_text(encoding="utf-8").splitlines())
        found = {name for name in run.cases("failure") if not depends_on_the_key(name)}
        require(found == known, f"new: {sorted(found - known)[:5]}, gone: {sorted(known - found)[:5]}")


def depends_on_the_key(name: str) -> bool:
    """SoftHSM pads to 8 bytes before RFC 5649 does, and a key in PKCS#8 has a length of its own if it is RSA."""
    return name.startswith("wrap by ") and "| RSA-" in name


def faulty(group: Cases, setting: Setting, folder: Path) -> None:
    """`lib/faulty.c` over ours."""
    module = folder / "faulty.so"
    source = Path(__file__).parent / "lib" / "faulty.c"
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", module, source, "-ldl"],
                   check=True)
    only = [word for name in ("wrap by CKM_RSA_AES", "errors") for word in ("--only", name)]
    run = judge(setting, module, folder, "--token-label", "keyferry-judge", "--deadline", "5", *only,
                KEYFERRY_JUDGED_MODULE=str(setting.module))
    agree(group, run)
    failed = {name: failure.text for name, failure in run.cases("failure").items()}
    for title, expected, pattern in (
        ("a crash is a failure with its signal", "got: SIGSEGV", r"^errors of C_WrapKey \| key handle 0, "),
        ("a call without an end is a failure", "got: nothing within 5 s", r"^errors of C_WrapKey \| KEK handle 0, "),
        ("a hash that is ignored is a failure", "got: OAEP with sha1", r"^wrap by .*, SHA-512, "),
        ("a wrong code is a failure", "got: CKR_GENERAL_ERROR", r"^errors of C_UnwrapKey \| "),
    ):
        with group.case(title):
            found = {name: failed.pop(name) for name in list(failed) if re.search(pattern, name)}
            require(bool(found), "it was not found")
            other = {name: text for name, text in found.items() if expected not in text}
            require(not other, f"otherwise than {expected}: {list(other.items())[:2]}")
            require(all("call: C_" in text for text in found.values()), "the call is not named")
    with group.case("nothing else failed"):
        require(not failed, f"{list(failed.items())[:3]}")
    with group.case("no private keys from outside: KEKs of its own receive"):
        own = judge(setting, module, folder, "--token-label", "keyferry-judge", "--only", "unwrap by CKM_RSA_AES",
                    KEYFERRY_JUDGED_MODULE=str(setting.module), KEYFERRY_NO_IMPORT="1")
        require(junit_sum(own.junit).endswith(" 0 failed, 0 not offered"), junit_sum(own.junit))
    with group.case("and the rest was run"):
        require(len(run.cases("skipped")) == 0 and len(list(run.junit.iter("testcase"))) > 800, run.output[-500:])


def agree(group: Cases, run: Run) -> None:
    """The terminal, JUnit and HTML."""
    last = run.output.splitlines()[-1]
    with group.case("the terminal ends with the sum"):
        require(re.fullmatch(r"\d+ passed, \d+ failed, \d+ not offered", last) is not None, last)
    with group.case("JUnit agrees with the terminal"):
        require(junit_sum(run.junit) == last, f"{junit_sum(run.junit)} and {last}")
        for suite in run.junit.iter("testsuite"):
            require(int(suite.get("tests")) == len(suite.findall("testcase")), suite.get("name"))
    with group.case("HTML agrees with the terminal"):
        require(page_sum(run.html) == last, f"{page_sum(run.html)} and {last}")
    with group.case("HTML needs nothing else"):
        require(not re.search(r"(src|href)=.?(https?:|//)|url\(|@import", run.html), "it asks for something")


def junit_sum(root: ET.Element) -> str:
    """As the terminal says it, from the root's numbers, which must be those of its cases."""
    cases = list(root.iter("testcase"))
    failed, absent = (sum(case.find(kind) is not None for case in cases) for kind in ("failure", "skipped"))
    said = tuple(int(root.get(name)) for name in ("tests", "failures", "skipped"))
    require(said == (len(cases), failed, absent), f"the root says {said}")
    return f"{len(cases) - failed - absent} passed, {failed} failed, {absent} not offered"


class Counts(HTMLParser):
    """The three numbers of a page, and every element in it."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, str] = {}
        self.elements: list[str] = []
        self._verdict = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self._verdict = dict(attrs).get("data-count") or ""

    def handle_data(self, data: str) -> None:
        if self._verdict:
            self.numbers[self._verdict], self._verdict = data, ""


def page_sum(html: str) -> str:
    """As the terminal says it."""
    parser = Counts()
    parser.feed(html)
    return ", ".join(f"{parser.numbers[verdict]} {verdict}" for verdict in Verdict)


def reports(group: Cases, folder: Path) -> None:
    """The writers, with strings from a module that means harm."""
    table = Group("a table " + HOSTILE, HOSTILE, [])
    matrix = Group("a matrix", "about", [], matrix=True)
    results = [
        Result(table.name, "row " + HOSTILE, ("CKM_X",), Verdict.FAILED, "C_WrapKey", "CKR_OK", HOSTILE, HOSTILE),
        Result(table.name, "row", ("CKM_X",), Verdict.PASSED, got="CKR_OK", seconds=0.5),
        Result(table.name, "row", ("CKM_Y",), Verdict.NOT_OFFERED, detail=HOSTILE),
        *(Result(matrix.name, "P-256", ("RSA-2048", "SHA-1", size), verdict)
          for size, verdict in zip(("AES-128", "AES-192", "AES-256"), Verdict, strict=True)),
    ]
    about = {"library": HOSTILE, "manufacturer": ""}
    judgement = Judgement(HOSTILE, about, datetime.now(UTC), [table, matrix], results)
    expected = "2 passed, 2 failed, 2 not offered"
    with group.case("JUnit"):
        write_junit(judgement, folder / "fake.xml")
        root = ET.parse(folder / "fake.xml").getroot()
        require(junit_sum(root) == expected, junit_sum(root))
        require([suite.get("tests") for suite in root] == ["3", "3"], "tests of the suites")
        failure = next(root.iter("failure"))
        require("<script>" in failure.get("message") and "C_WrapKey" in failure.text, failure.get("message"))
    with group.case("HTML"):
        write_page(judgement, folder / "fake.html")
        html = (folder / "fake.html").read_text(encoding="utf-8")
        require(page_sum(html) == expected, page_sum(html))
        parser = Counts()
        parser.feed(html)
        require("script" not in parser.elements, "a module's string became an element")
        require("\x1b" not in html and "\x00" not in html, "control characters")
    with group.case("a cell whose AES sizes differ shows each"):
        title = "AES-128 passed; AES-192 failed; AES-256 not offered"
        cell = re.search(f'<td class="failed" title="{title}">(.*?)</td>', html)
        require(cell is not None and re.sub("<.*?>", "", cell[1]) == "✓✗–", str(cell and cell[0]))


def by_hand(group: Cases) -> None:
    """RFC 5649 as `damage` does it, with nothing damaged, is what the library does; so only the damage is wrong."""
    with group.case("RFC 5649"):
        key, plaintext = bytes(range(32)), bytes(range(29))
        head = bytes.fromhex("a65959a6") + len(plaintext).to_bytes(4)
        ours, theirs = wrap_raw(key, head, plaintext + bytes(3)), aes_key_wrap_with_padding(key, plaintext)
        require(ours == theirs, f"{ours.hex()} and {theirs.hex()}")


def refusals(group: Cases, setting: Setting, folder: Path) -> None:
    """Without being asked it makes no token."""
    module, pins = ("--module", setting.module), ("--so-pin", setting.so_pin, "--pin", setting.pin)
    refused(group, "no token, and not told to make one", (*module, *pins), "no initialised token fits")
    refused(group, "no module", ("--module", folder / "nothing.so", *pins), "cannot be looked at")
    refused(group, "initialise without an SO PIN", (*module, "--pin", setting.pin, "--initialise"), "needs --so-pin")
    refused(group, "a PIN from an empty environment", (*module, "--pin", "env:KEYFERRY_NO_SUCH"), "environment has no")


def token_is_safe(group: Cases, setting: Setting) -> None:
    """It tries a wrong PIN once, and makes no token over another."""
    module, label = ("--module", setting.module), ("--token-label", "keyferry-judge")
    pins = "--so-pin", setting.so_pin, "--pin", setting.pin
    refused(group, "a wrong PIN", (*module, *label, "--pin", "not the PIN"), "CKR_PIN_INCORRECT); it was tried once")
    wrong = "--so-pin", "not the PIN", "--pin", setting.pin
    refused(group, "a wrong SO PIN", (*module, *label, *wrong), "CKR_PIN_INCORRECT); it was tried once")
    refused(group, "a token of that name", (*module, *label, *pins, "--initialise"), "there is a token")
    refused(group, "a slot that is taken", (*module, *pins, "--slot", "0", "--token-label", "new", "--initialise"),
            "there is none")
    refused(group, "another label", (*module, *pins, "--token-label", "other"), "no initialised token fits")


def refused(group: Cases, title: str, arguments: tuple, complaint: str) -> None:
    """Exit code 2, and the reason."""
    with group.case(title):
        done = start(*arguments)
        require(done.returncode == 2, f"exit code {done.returncode}: {done.stdout}")
        require(complaint in done.stderr, done.stderr.strip())


if __name__ == "__main__":
    main()
