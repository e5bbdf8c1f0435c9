"""Make ``.venv`` and install a requirements file into it: ``environment.py requirements.txt``.

Does nothing when that file is installed already, which a stamp in ``.venv`` says. Standard library only: it runs
before anything is installed.
"""
# ruff: noqa: INP001, S603, T201  a script with fixed commands that speaks on the terminal

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"


def main(name: str) -> None:
    """Raises: SystemExit with a sentence for the person at the terminal."""
    with (ROOT / "requirements.txt").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two makes at once: the second waits and finds it done
        files = _with_included(ROOT / name)
        wanted = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        usable = _venv_works()
        if usable and wanted.items() <= _installed().items():
            return
        if not usable:
            _make_venv()
        _run(f"Installing {name} into .venv", [*_pip(), "install", *_pip_options(), "-r", str(ROOT / name)])
        STAMP.write_text(json.dumps(_installed() | wanted), encoding="utf-8")


def _with_included(path: Path) -> list[Path]:
    included = [line.split()[1] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("-r ")]
    return [path, *(found for name in included for found in _with_included(path.parent / name))]


def _installed() -> dict[str, str]:
    """The files that are installed, with the digest of what they said then."""
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp


def _venv_works() -> bool:
    """False also when the interpreter that it was made with has gone."""
    code = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-c", code], check=False).returncode == 0
    except OSError:
        return False


def _make_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    if importlib.util.find_spec("venv") is None:
        _give_up()
    bundled_pip = importlib.util.find_spec("ensurepip") is not None
    if not bundled_pip and importlib.util.find_spec("pip") is None:
        _give_up()
    _run("Making .venv", [sys.executable, "-m", "venv", *([] if bundled_pip else ["--without-pip"]), str(VENV)])


def _give_up() -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    sys.exit(
        f"{sys.executable} cannot make a virtual environment. On Debian and Ubuntu: "
        f"apt install python{version}-venv (as root), then try again."
    )


def _pip() -> list[str]:
    """The environment's own pip, or where it has none the interpreter's, pointed at the environment."""
    own = subprocess.run([PYTHON, "-c", "import pip"], check=False, stderr=subprocess.DEVNULL).returncode == 0
    return [str(PYTHON), "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", str(PYTHON)]


def _pip_options() -> list[str]:
    return ["--quiet", "--disable-pip-version-check", "--no-input"]


def _run(text: str, command: list[str]) -> None:
    """Run ``command`` quietly with a sign of life on the terminal. Raises: SystemExit with its output."""
    began = time.monotonic()
    print(text, end=" ", flush=True)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=_environment())
        try:
            while _still_running(process):
                print(".", end="", flush=True)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        print(f" {time.monotonic() - began:.0f} s", flush=True)
        if process.returncode != 0:
            output.seek(0)
            sys.exit(f"{output.read().decode(errors='replace')}\n{text}: failed. Is the package index reachable?")


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)
        return False
    return True


def _environment() -> dict[str, str]:
    """Without what would make pip install elsewhere or Python look elsewhere."""
    elsewhere = {"PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME", "PYTHONPATH"}
    return {name: value for name, value in os.environ.items() if name not in elsewhere}


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(130)
