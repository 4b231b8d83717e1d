"""Sign the progress file with a name, take the name back, and copy the file for a teacher."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.paths import full_path

from .compare import plain_text
from .display import say
from .progress import parse_progress, progress_file, read_progress, update_name

LONGEST = 60  # characters of a name
OF_A_FILE = re.compile(r"\w[\w-]{0,59}")


def sign(name: Any = None) -> None:
    """Agree that your name is kept in your progress file, so that a teacher who gets the file can see it.

    Parameters
    ----------
    name : str
        Your name or another name that your teacher knows you by. A later one replaces it.

    Notes
    -----
    The file stays on your computer until you hand it over. `unsign` removes the name.

    Examples
    --------
    >>> sign("Ada")  # doctest: +ELLIPSIS
    • Signed as Ada  Your name is now ...
    """
    given = " ".join(plain_text(name).split()) if isinstance(name, str) else ""
    if not given or not given.isprintable() or len(given) > LONGEST:
        message = f'Write your name in quotes, with at most {LONGEST} characters, for example `sign("Ada")`.'
        say("open", "Not signed", message)
        return
    if not update_name(given):
        return
    message = f"Your name is now in {progress_file()}. Nothing is sent anywhere. To remove the name, run `unsign()`."
    say("info", f"Signed as {given}", message)


def unsign() -> None:
    """Remove your name from your progress file.

    Examples
    --------
    >>> unsign()
    • Not signed  There is no name in your progress file.
    """
    is_signed = "name" in read_progress()
    if is_signed and not update_name(""):
        return
    removed = "Your name was removed from your progress file. Copies that you handed over still contain it."
    say("info", "Not signed", removed if is_signed else "There is no name in your progress file.")


def hand_in(name: Any = None) -> None:
    """Copy your progress file into the folder of the notebook, where it is easy to find, for a teacher.

    Parameters
    ----------
    name : str
        Name of the copy, without ".json". An earlier copy of this name is replaced, and no other file is.

    Notes
    -----
    Nothing is sent. The copy contains your name only if you ran `sign`.

    Examples
    --------
    >>> hand_in("ada")
    ○ Not copied  There is no progress yet: solve an exercise first.
    """
    if not isinstance(name, str) or not OF_A_FILE.fullmatch(name):
        say("open", "Not copied", 'Write a name of letters and digits in quotes, for example `hand_in("ada")`.')
        return
    content = _content(progress_file())
    if content is None:
        say("open", "Not copied", "There is no progress yet: solve an exercise first.")
        return
    try:
        copy = full_path(f"{name}.json")
        if os.path.lexists(copy) and _content(copy) is None:
            raise InputError(f"{copy} is no progress file and stays as it is: choose another name.")
        with atomic_write(copy) as temporary:
            temporary.write_bytes(content)
    except InputError as error:
        say("open", "Not copied", str(error))
        return
    say("info", f"Copied to {copy.name}", f"Give {copy} to your teacher. Nothing is sent anywhere.")


def _content(path: Path) -> bytes | None:
    """Return the content of a progress file, None if it is none or cannot be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    return None if parse_progress(content) is None else content
