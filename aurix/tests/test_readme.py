"""The README's tour, executed: every command in a shell, every answer compared."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from aurix.tests.live import ROOT, LiveServer

DEMO = {
    "TENANT": "aurix-demo",
    "ADMIN_EMAIL": "admin@Aurix.com",
    "ADMIN_PASSWORD": "P@ssw0rd",
    "USER_EMAIL": "user@Aurix.com",
    "USER_PASSWORD": "Password@",
}
# For a machine without curl: the three options that the tour uses.
CURL = f"""#!{sys.executable}
import argparse, sys, httpx
parser = argparse.ArgumentParser()
parser.add_argument("-s", action="store_true")
parser.add_argument("-H", action="append", default=[])
parser.add_argument("-d")
parser.add_argument("url")
given = parser.parse_args()
headers = dict(header.split(": ", 1) for header in given.H)
call = httpx.post if given.d else httpx.get
extra = {{"content": given.d}} if given.d else {{}}
sys.stdout.write(call("http://" + given.url, headers=headers, **extra).text)
"""


def tour() -> list[tuple[str, str]]:
    """Each command of the tour, with the answer that follows it (or none)."""
    text = (ROOT / "README.md").read_text()
    text = text[text.index("## A tour") : text.index("## Operate it")]
    return re.findall(r"```sh\n(.*?)```(?:\n```json\n(.*?)```)?", text, re.DOTALL)


def agrees(said: Any, found: Any) -> bool:
    """Whether ``found`` is what the README said; its ``…`` stands for any text."""
    if said == "…":
        return isinstance(found, str) and found != ""
    if isinstance(said, dict):
        return isinstance(found, dict) and said.keys() == found.keys() and all(agrees(said[k], found[k]) for k in said)
    if isinstance(said, list):
        return isinstance(found, list) and len(said) == len(found) and all(map(agrees, said, found))
    return bool(said == found)


def test_the_tour_happens_as_told(server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEMO", DEMO)
    call_command("seed_demo")
    path = os.environ["PATH"]
    if not shutil.which("curl"):
        (tmp_path / "curl").write_text(CURL)
        (tmp_path / "curl").chmod(0o755)
        path = f"{tmp_path}:{path}"
    shell = subprocess.Popen(
        ["bash", "-s"],  # noqa: S607
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PATH": path},
        text=True,
    )
    steps = tour()
    assert len(steps) >= 9
    script = "\n".join(f"{command.strip()}\nprintf '\\n--next--\\n'" for command, _ in steps)
    said, _ = shell.communicate(script.replace("localhost:8080", f"{server.host}:{server.port}"), timeout=120)
    outputs = said.split("\n--next--\n")
    for (command, answer), output in zip(steps, outputs, strict=False):
        if answer:
            assert agrees(json.loads(answer), json.loads(output)), f"{command}\nsaid  {answer}\nfound {output}"
