"""The judge's report as one page of HTML that needs nothing else: all at a glance, and each failure with its call.

A verdict is a symbol, a word for those who hear the page, and only then a colour.
"""

import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from itertools import groupby
from pathlib import Path

from lib.judge.case import Group
from lib.judge.report import Judgement, printable
from lib.judge.verdict import Result, Verdict

# Reasons for which something is not offered that are worth a line each.
_REASONS = 12
_STYLE = Path(__file__).with_name("page.css")
_SYMBOLS = {Verdict.PASSED: "✓", Verdict.FAILED: "✗", Verdict.NOT_OFFERED: "–"}
_CLASSES = {Verdict.PASSED: "passed", Verdict.FAILED: "failed", Verdict.NOT_OFFERED: "absent"}


def write_page(judgement: Judgement, file: Path) -> None:
    """Writes the file."""
    file.write_text("".join(_page(judgement)), encoding="utf-8")


def _page(judgement: Judgement) -> Iterable[str]:
    library, maker = (judgement.about.get(name, "") for name in ("library", "manufacturer"))
    made = library if maker.lower() in library.lower() else f"{maker}, {library}"
    title = f"PKCS#11 wrapping: {made or judgement.module}"
    yield f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{_text(title)}</title>
<style>
{_STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>{_text(title)}</h1>
<p class="module"><code>{_text(judgement.module)}</code>, judged {judgement.started:%Y-%m-%d %H:%M} UTC</p>
{_totals(judgement)}
{_about(judgement.about)}
</header>
<main>
"""
    yield _contents(judgement)
    yield _failures(judgement.results)
    for group, results in judgement.by_group():
        yield _section(group, results)
    yield "</main>\n</body>\n</html>\n"


def _totals(judgement: Judgement) -> str:
    """Three numbers, and a bar of their shares."""
    numbers = {verdict: judgement.number(verdict) for verdict in Verdict}
    figures = "".join(
        f'<p class="{_CLASSES[verdict if number else Verdict.NOT_OFFERED]}">'
        f'<span class="symbol" aria-hidden="true">{_SYMBOLS[verdict]}</span>'
        f'<b data-count="{verdict}">{number}</b> {verdict}</p>'
        for verdict, number in numbers.items()
    )
    shares = "".join(
        f'<i class="{_CLASSES[verdict]}" style="flex-grow:{number}"></i>'
        for verdict, number in numbers.items() if number
    )
    return f'<div class="totals">{figures}</div>\n<div class="bar" aria-hidden="true">{shares}</div>'


def _about(about: dict[str, str]) -> str:
    rows = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(value) or '–'}</dd></div>\n" for name, value in about.items()
    )
    return f"<dl>{rows}</dl>"


def _failures(results: list[Result]) -> str:
    """Cases that failed in the same way share a row."""
    def way(result: Result) -> tuple[str, ...]:
        table = result.column if len(result.column) == 1 else ()
        return ", ".join((result.group, *table)), result.call, result.expected, result.got, result.detail

    failed = [result for result in results if result.verdict is Verdict.FAILED]
    if not failed:
        return '<section><h2>Failures</h2><p>None.</p></section>\n'
    order = {key: number for number, key in reversed(list(enumerate(map(way, failed))))}
    rows = "".join(
        _failure(key, list(cases)) for key, cases in groupby(sorted(failed, key=lambda r: order[way(r)]), way)
    )
    return f"""<section>
<h2>Failures</h2>
<div class="scroll"><table class="failures">
<thead><tr><th scope="col">Cases</th><th scope="col">Call</th><th scope="col">Got</th><th scope="col">Expected</th>
<th scope="col">Detail</th></tr></thead>
<tbody>{rows}</tbody>
</table></div>
</section>
"""


def _failure(way: tuple[str, ...], cases: list[Result]) -> str:
    group, call, expected, got, detail = way
    names = "; ".join(_counted(cases))
    return (
        f'<tr><td><span class="group">{_text(group)}</span> {_text(names)}</td><td><code>{_text(call)}</code></td>'
        f'<td class="got"><span aria-hidden="true">✗</span> {_breakable(got)}</td>'
        f"<td>{_breakable(expected)}</td><td>{_text(detail)}</td></tr>\n"
    )


def _counted(cases: list[Result]) -> Iterable[str]:
    """Rows of a matrix with how many of their cells; a table's cases by their names."""
    rows: dict[str, list[Result]] = {}
    for case in cases:
        rows.setdefault(case.row, []).append(case)
    for row, same in rows.items():
        matrix = len(same[0].column) > 1
        yield f"{row} (×{len(same)})" if matrix and len(same) > 1 else same[0].name if matrix else row


def _section(group: Group, results: list[Result]) -> str:
    counts = _badges(results)
    absent = Counter(result.detail for result in results if result.verdict is Verdict.NOT_OFFERED)
    reasons = "".join(
        f"<p>– {_text(reason)} ({number} cases)</p>\n" for reason, number in absent.most_common(_REASONS)
    )
    nothing = absent.total() == len(results)
    body = "" if nothing else _matrix(results) if group.matrix else _table(results)
    return f"""<section id="{_anchor(group)}">
<h2>{_text(group.name)}</h2>
<p class="counts">{counts}</p>
<p>{_text(group.about)}</p>
{reasons}{body}
</section>
"""


def _contents(judgement: Judgement) -> str:
    rows = "".join(
        f'<li><a href="#{_anchor(group)}">{_text(group.name)}</a>'
        f' <span class="counts">{_badges(results)}</span></li>\n'
        for group, results in judgement.by_group()
    )
    return f"<nav><ul>\n{rows}</ul></nav>\n"


def _badges(results: list[Result]) -> str:
    numbers = Counter(result.verdict for result in results)
    return " ".join(
        f'<span class="{_CLASSES[verdict]}">{_SYMBOLS[verdict]} {numbers[verdict]} {verdict}</span>'
        for verdict in Verdict if numbers[verdict]
    )


def _anchor(group: Group) -> str:
    return re.sub("[^A-Za-z0-9]+", "-", group.name)


def _matrix(results: list[Result]) -> str:
    """Targets down, KEKs and hashes across; the AES sizes share a cell, and a mark if they agree."""
    rows = _unique(result.row for result in results)
    columns = _unique(result.column[:2] for result in results)
    sizes = _unique(result.column[2] for result in results)
    cells: dict[tuple[str, tuple[str, ...]], list[Result]] = {}
    for result in results:
        cells.setdefault((result.row, result.column[:2]), []).append(result)
    keks = "".join(
        f'<th scope="colgroup" colspan="{len(list(same))}">KEK {_text(kek)}</th>'
        for kek, same in groupby(columns, lambda column: column[0])
    )
    hashes = "".join(f'<th scope="col">{_text(name)}</th>' for _, name in columns)
    body = "".join(_row(row, (_shared_cell(cells[row, column]) for column in columns)) for row in rows)
    return f"""<div class="scroll"><table class="matrix">
<thead><tr><td></td>{keks}</tr><tr><td></td>{hashes}</tr></thead>
<tbody>{body}</tbody>
</table></div>
<p class="note">A cell stands for {_text(', '.join(sizes))}: one mark if they agree.</p>"""


def _shared_cell(results: list[Result]) -> str:
    told = "; ".join(f"{result.column[-1]} {_told(result)}" for result in results)
    verdicts = [result.verdict for result in results]
    marks = verdicts if len(set(verdicts)) > 1 else verdicts[:1]
    worst = next(v for v in (Verdict.FAILED, Verdict.NOT_OFFERED, Verdict.PASSED) if v in verdicts)
    return f'<td class="{_CLASSES[worst]}" title="{_text(told)}">{"".join(map(_mark, marks))}</td>'


def _table(results: list[Result]) -> str:
    """Situations down, mechanisms across, the code that came in the cell."""
    rows = _unique(result.row for result in results)
    columns = _unique(result.column for result in results)
    cells = {(result.row, result.column): result for result in results}
    head = "".join(f'<th scope="col">{_text(", ".join(column))}</th>' for column in columns)
    body = "".join(_row(row, (_cell(cells.get((row, column))) for column in columns)) for row in rows)
    return f"""<div class="scroll"><table class="codes">
<thead><tr><td></td>{head}</tr></thead>
<tbody>{body}</tbody>
</table></div>"""


def _row(name: str, cells: Iterable[str]) -> str:
    return f'<tr><th scope="row">{_text(name)}</th>{"".join(cells)}</tr>\n'


def _cell(result: Result | None) -> str:
    if result is None:
        return '<td class="nothing"></td>'
    code = f" <small>{_breakable(result.got)}</small>" if result.got else ""
    return f'<td class="{_CLASSES[result.verdict]}" title="{_text(_told(result))}">{_mark(result.verdict)}{code}</td>'


def _mark(verdict: Verdict) -> str:
    return f'<span role="img" aria-label="{verdict}">{_SYMBOLS[verdict]}</span>'


def _told(result: Result) -> str:
    why = result.complaint if result.verdict is Verdict.FAILED else result.detail
    return f"{result.verdict}: {why}" if why else str(result.verdict)


def _breakable(code: str) -> str:
    """A long name of the standard may be broken where its words end."""
    return _text(code).replace("_", "_<wbr>")


def _text(text: str) -> str:
    return escape(printable(text))


def _unique(things: Iterable) -> list:
    return list(dict.fromkeys(things))
