"""The file of an export: a ZIP with each table as JSON and as CSV, written row by row, so that memory stays flat."""

import csv
import io
import os
import tempfile
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import orjson
from django.conf import settings

from privacy import records
from privacy.classification import PERSONAL

_README = """What Aurix keeps about you, one table a file, each as JSON and as CSV with the same rows.
Amounts named cents, cash, held, gross, fee and spread are in euro cents, gold in grams.
"""


def path_of(export_id: UUID) -> Path:
    """Where the file of an export is: outside of everything that is served."""
    folder: Path = settings.EXPORT_DIR
    return folder / f"{export_id}.zip"


def write(*, person: records.Person, export_id: UUID, progress: Callable[[int], None]) -> None:
    """Write the file whole or not at all. ``progress`` hears, now and then, how many rows there are so far."""
    target = path_of(export_id)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, suffix=".part")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _README)
            done = 0
            for label in PERSONAL:
                done = _table(archive, person, label, done, progress)
        Path(partial).replace(target)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def remove(export_id: UUID) -> None:
    """Remove the file, if it is there."""
    path_of(export_id).unlink(missing_ok=True)


def _table(
    archive: zipfile.ZipFile, person: records.Person, label: str, done: int, progress: Callable[[int], None]
) -> int:
    with tempfile.TemporaryFile(dir=settings.EXPORT_DIR) as lines:
        text = io.TextIOWrapper(lines, encoding="utf-8", newline="", write_through=True)
        table = csv.DictWriter(text, PERSONAL[label].exported)
        table.writeheader()
        with archive.open(f"{label}.json", "w", force_zip64=True) as document:
            done = _rows(document, table, records.of(person, label=label), done, progress)
        lines.seek(0)
        with archive.open(f"{label}.csv", "w", force_zip64=True) as copy:
            while block := lines.read(1 << 16):
                copy.write(block)
        text.detach()
    return done


def _rows(document: IO[bytes], table: Any, rows: Any, done: int, progress: Callable[[int], None]) -> int:
    document.write(b"[")
    for index, row in enumerate(rows):
        document.write((b",\n" if index else b"\n") + plain(row))
        table.writerow({name: _cell(value) for name, value in row.items()})
        done += 1
        if done % records.BATCH == 0:
            progress(done)
    document.write(b"\n]\n")
    return done


def plain(value: Any) -> bytes:
    """``value`` as JSON: decimals as strings, binary as hexadecimal."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_UTC_Z)


def _default(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _cell(value: Any) -> str:
    """As in JSON, without a string's quotes. What a spreadsheet would take for a formula gets a quote before it."""
    if value is None:
        return ""
    text = orjson.loads(plain(value)) if not isinstance(value, dict | list) else plain(value).decode()
    text = str(text)
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" and text else text
