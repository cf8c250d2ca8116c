"""The `keyferry` command, as a user runs it."""

import json
import os
import subprocess
from pathlib import Path

from lib.ceremony import Setting
from lib.report import require


def keyferry(setting: Setting, *arguments: object, folder: Path) -> dict:
    """Runs a command in a folder, and answers what it says in JSON."""
    environment = os.environ | {"KEYFERRY_PIN": setting.pin, "KEYFERRY_SO_PIN": setting.so_pin}
    done = subprocess.run(
        [setting.cli, "--json", "--token", setting.label, *map(str, arguments)], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )
    require(done.returncode == 0, f"keyferry {arguments[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)
