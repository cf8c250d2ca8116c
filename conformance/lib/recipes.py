"""The commands of a page of documentation, by the heading that they stand under."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lib.ceremony import ROOT
from lib.report import require


def recipes(page: str) -> dict[str, str]:
    """The blocks marked `sh`, joined."""
    scripts: dict[str, str] = {}
    heading, inside, runs = "", False, False
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith("```"):
            inside, runs = not inside, line == "```sh"
        elif inside and runs:
            scripts[heading] = scripts.get(heading, "") + line + "\n"
        elif not inside and line.startswith("## "):
            heading = line.removeprefix("## ")
    return scripts


def run(script: str, folder: Path, programs: list[Path], more: Mapping[str, str]) -> str:
    """Runs commands in a folder, with these folders of programs before all others; answers what they print."""
    path = ":".join([*map(str, programs), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=os.environ | {"PATH": path} | more,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )
    require(done.returncode == 0, f"{script}: {done.stderr.strip()[-2000:]}")
    return done.stdout
