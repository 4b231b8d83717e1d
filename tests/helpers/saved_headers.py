"""Change saved folders, and their digests with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from aitex_utils.files.persistence import HEADER, header_digest


def read_header(folder: Path) -> dict:
    return json.loads((folder / HEADER).read_text(encoding="utf-8"))


def change_header(folder: Path, **fields: object) -> None:
    """Set fields of the header, and its digest; None deletes a field."""
    header = {name: value for name, value in {**read_header(folder), **fields}.items() if value is not None}
    header["header_sha256"] = header_digest(header)
    (folder / HEADER).write_text(json.dumps(header), encoding="utf-8")


def replace_file(folder: Path, name: str, data: bytes) -> None:
    """Replace a file and put the right digest into the header, as an attacker would."""
    (folder / name).write_bytes(data)
    change_header(folder, sha256={**read_header(folder)["sha256"], name: hashlib.sha256(data).hexdigest()})
