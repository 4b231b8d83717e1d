"""A browser of the Chromium family, if this machine has one, as the printer of PDFs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ...errors import InputError
from ...files.atomic_write import atomic_write

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        "%ProgramFiles%\\Google\\Chrome\\Application\\chrome.exe",
        "%ProgramFiles(x86)%\\Google\\Chrome\\Application\\chrome.exe",
        "%LocalAppData%\\Google\\Chrome\\Application\\chrome.exe",
        "%ProgramFiles(x86)%\\Microsoft\\Edge\\Application\\msedge.exe",
        "%ProgramFiles%\\Microsoft\\Edge\\Application\\msedge.exe",
    ),
}
# No first run, no account, no updates, and no name is looked up.
OPTIONS = ("--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions")
OPTIONS += ("--disable-background-networking", "--disable-component-update", "--disable-sync")
OPTIONS += ("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage")
PATIENCE = 120.0  # seconds
PDF_SIGN = "% course.py slides"  # the last line of each PDF, a comment


def find_browser() -> Path | None:
    """Return the program of a browser that can print, or None.

    Returns
    -------
    Path or None
        `COURSE_BROWSER` if that variable is set, otherwise the first that is installed.

    Examples
    --------
    >>> isinstance(find_browser(), (Path, type(None)))
    True
    """
    own = os.environ.get("COURSE_BROWSER")
    known = [*PLACES.get(sys.platform, ())] if not own else [own]
    found = [shutil.which(name) for name in (NAMES if not own else (own,))]
    places = [*filter(None, found), *(os.path.expandvars(place) for place in known)]
    return next((Path(place) for place in places if Path(place).is_file()), None)


def command_line(browser: Path, profile: str, *arguments: str) -> list[str]:
    """Return the command that runs a browser without a window and without a network.

    Parameters
    ----------
    browser : Path
        Program of the browser.
    profile : str
        Folder for its settings, so that an open browser is not disturbed.
    *arguments : str
        Further arguments.

    Returns
    -------
    list of str

    Examples
    --------
    >>> command_line(Path("chromium"), "profile", "page.html")[-1]
    'page.html'
    """
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0  # its sandbox refuses to run as root
    options = [*OPTIONS, *(["--no-sandbox"] if is_root else [])]
    return [str(browser), *options, f"--user-data-dir={profile}", *arguments]


def print_pdf(browser: Path, page: Path, target: Path) -> None:
    """Print a page into a PDF.

    Parameters
    ----------
    browser : Path
        From `find_browser`.
    page : Path
        File of HTML.
    target : Path
        File of the PDF.

    Raises
    ------
    InputError
        If the browser fails.

    Examples
    --------
    >>> print_pdf(Path("no/browser"), Path("page.html"), Path("page.pdf"))
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: The browser no/browser made no PDF of page.html (...
    """
    advice = "print the page from a browser of your own, or name another with COURSE_BROWSER"
    with tempfile.TemporaryDirectory(prefix="course-slides-", ignore_cleanup_errors=True) as folder:
        made = Path(folder, "page.pdf")
        arguments = (f"--print-to-pdf={made}", "--no-pdf-header-footer", page.absolute().as_uri())
        try:
            done = subprocess.run(
                command_line(browser, str(Path(folder, "profile")), *arguments),
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
            reason = f"exit code {done.returncode}"
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = type(error).__name__
        if not (made.is_file() and made.stat().st_size):
            raise InputError(f"The browser {browser.as_posix()} made no PDF of {page.name} ({reason}): {advice}.")
        with atomic_write(target) as inside:
            inside.write_bytes(made.read_bytes() + f"\n{PDF_SIGN}\n".encode())
