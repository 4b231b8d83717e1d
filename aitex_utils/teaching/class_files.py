"""Write the page and the table of a class, once or again and again while the class works."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from aitex_utils.errors import InputError
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.ownership import refuse_foreign_file
from aitex_utils.lessons.wording import count

from .class_page import GENERATOR, class_page
from .class_table import COLUMNS, class_csv
from .learners import Class, gather
from .progress_files import FolderReader

POLL = 2.0  # seconds between two looks at a watched folder
FRESH = 60.0  # seconds after which the page is written even if no file changed, because exercises stay open longer


def check_output(page: Path) -> None:
    """Refuse to write over a page or a table that this command did not write.

    Parameters
    ----------
    page : Path
        The page. The table lies beside it.

    Raises
    ------
    InputError
        If the name does not end as a page's does, or a foreign file lies at one of the two places.

    Examples
    --------
    >>> try:
    ...     check_output(Path("class.txt"))
    ... except InputError as error:
    ...     print(error)
    --out class.txt is no name of a page: let it end in .html.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {page} is no name of a page: let it end in .html.")
    for path, sign in ((page, f'content="{GENERATOR}"'), (table_of(page), ",".join(COLUMNS))):
        refuse_foreign_file(path, sign, "name another file with --out")


def table_of(page: Path) -> Path:
    """Return the path of the CSV table beside a page.

    Parameters
    ----------
    page : Path
        The page.

    Returns
    -------
    Path

    Examples
    --------
    >>> table_of(Path("1b.html")).name
    '1b.csv'
    """
    return page.with_suffix(".csv")


def read_class(reader: FolderReader) -> Class:
    """Read the class of a folder.

    Parameters
    ----------
    reader : FolderReader
        Reader of the folder.

    Returns
    -------
    Class

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     read_class(FolderReader(Path(place))).learners
    ()
    """
    files, left_out = reader.read()
    return gather(files, left_out)


def write_class(found: Class, title: str, page: Path, *, is_live: bool = False) -> None:
    """Write the page of a class and the table beside it, each whole or not at all.

    Parameters
    ----------
    found : Class
        The class.
    title : str
        Its name.
    page : Path
        File of the page.
    is_live : bool
        As in `class_page.class_page`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     write_class(Class((), (), ()), "1b", Path(place, "1b.html"))
    ...     sorted(path.name for path in Path(place).iterdir())
    ['1b.csv', '1b.html']
    """
    written, table = datetime.now(timezone.utc), table_of(page)
    with atomic_write(table) as temporary:
        text = class_csv(found, written if is_live else None)
        temporary.write_text(text, encoding="utf-8-sig", newline="")  # Excel needs the byte-order mark
    with atomic_write(page) as temporary:
        text = class_page(found, title, written, is_live=is_live, table=table.name)
        temporary.write_text(text, encoding="utf-8", newline="\n")


def watch_class(
    folder: Path,
    title: str,
    page: Path,
    *,
    say: Callable[[str], None] = print,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Write the page of a class at work whenever a file changes, until Ctrl-C. The last page is not loaded again.

    Parameters
    ----------
    folder : Path
        Folder of the progress files. While it is away, the page stays as it is.
    title : str
        Name of the class.
    page : Path
        File of the page.
    say : callable
        Receives one sentence when something happens.
    wait : callable
        Waits for so many seconds.

    Examples
    --------
    >>> import tempfile
    >>> def stop(seconds):
    ...     raise KeyboardInterrupt
    >>> with tempfile.TemporaryDirectory() as place:
    ...     watch_class(Path(place), "1b", Path(place, "1b.html"), wait=stop)
    0 learners, 0 files left out
    Stopped.
    """
    reader = FolderReader(folder, is_live=True)
    found, written, trouble = None, 0.0, ""
    try:
        while True:
            try:
                seen = read_class(reader)
                if seen != found or time.monotonic() - written > FRESH:
                    write_class(seen, title, page, is_live=True)
                    if seen != found:
                        left_out = count(len(seen.left_out), "file")
                        say(f"{count(len(seen.learners), 'learner')}, {left_out} left out")
                    found, written = seen, time.monotonic()
                trouble = ""
            except InputError as error:  # the network can come back, and the disk can be freed
                if str(error) != trouble:
                    trouble = str(error)
                    say(f"{trouble} Trying again.")
            wait(POLL)
    except KeyboardInterrupt:
        if found is not None:
            write_class(found, title, page)
        say("Stopped.")
