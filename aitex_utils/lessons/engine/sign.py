"""Sign the progress file with a name, and take the name back."""

from __future__ import annotations

from typing import Any

from .compare import plain_text
from .display import say
from .progress import progress_file, read_progress, update_name

LONGEST = 60  # characters of a name


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
