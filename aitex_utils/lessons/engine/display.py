"""Show a message to a learner: a coloured box in a notebook, plain lines with the same words in a terminal."""

from __future__ import annotations

import html
import re
import sys
import textwrap

LOOKS = {  # border colour and sign, because some readers do not see the colours
    "passed": ("#0072B2", "✓"),
    "wrong": ("#D55E00", "✗"),
    "open": ("#767676", "○"),
    "hint": ("#CC79A7", "?"),
    "info": ("#009E73", "•"),
}
LINE_LENGTH = 100  # characters in a terminal
NOTEBOOK_SHELL = "ZMQInteractiveShell"  # IPython's shell in JupyterLab, VS Code and Colab, which show HTML


def say(look: str, title: str, message: str) -> None:
    """Show a title and a message.

    Parameters
    ----------
    look : str
        One of `LOOKS`.
    title : str
        First words, in bold in a notebook.
    message : str
        Text. In a notebook, `backticks` become code and *asterisks* emphasis.

    Examples
    --------
    >>> say("passed", "Exercise 02.1 passed", "That is *right*.")
    ✓ Exercise 02.1 passed  That is right.
    """
    colour, sign = LOOKS[look]
    title, message = _printable(title), _printable(message)
    plain = "\n".join(_wrap(line) for line in f"{sign} {title}  {_emphasise(message, '')}".split("\n"))
    body = _emphasise(html.escape(message), "em")
    body = re.sub(r"`([^`]+)`", r"<code>\1</code>", body).replace("\n", "<br>")
    box = (
        f'<div role="status" style="border-left:6px {"solid" if look == "passed" else "dashed"} {colour};'
        f'padding:.4em .8em;margin:.3em 0"><b>{sign} {html.escape(title)}</b>&ensp;{body}</div>'
    )
    show_html(box, plain)


def show_html(markup: str, plain: str) -> None:
    """Show HTML in a notebook, and the same content as plain text in a terminal.

    Parameters
    ----------
    markup : str
        HTML.
    plain : str
        Text. Characters that the terminal cannot show are replaced.

    Examples
    --------
    >>> show_html("<b>3 tiles</b>", "3 tiles")
    3 tiles
    """
    if not _in_notebook():
        print_line(plain)
        return
    from IPython.display import display

    display({"text/html": markup, "text/plain": plain}, raw=True)


def print_line(text: str) -> None:
    """Print text without formatting, in a notebook too.

    Parameters
    ----------
    text : str
        Text. Characters that the terminal cannot show are replaced.

    Examples
    --------
    >>> print_line("3 tiles")
    3 tiles
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def _emphasise(text: str, tag: str) -> str:
    """Put words between asterisks into a tag, or drop the asterisks if `tag` is empty, but not in `code`."""
    opening, closing = (f"<{tag}>", f"</{tag}>") if tag else ("", "")
    stars = r"(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = [re.sub(stars, rf"{opening}\1{closing}", part) for part in parts[::2]]
    return "".join(parts)


def _printable(text: str) -> str:
    """Replace control characters and unpaired surrogates, which cannot be shown or saved."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "?", text)


def _wrap(line: str) -> str:
    return textwrap.fill(line, LINE_LENGTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _in_notebook() -> bool:
    """Say whether the shell shows HTML, unlike IPython in a terminal."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return any(shell.__name__ == NOTEBOOK_SHELL for shell in type(get_ipython()).__mro__)
