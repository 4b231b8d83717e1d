"""Say something to a learner: a coloured box in a notebook, plain lines in a terminal; the words are the same."""

from __future__ import annotations

import html
import re
import sys
import textwrap

# Border and sign differ, not colour alone.
LOOKS = {
    "passed": ("#0072B2", "✓"),
    "wrong": ("#D55E00", "✗"),
    "open": ("#767676", "○"),
    "hint": ("#CC79A7", "?"),
    "told": ("#009E73", "•"),
}


def say(look: str, title: str, told: str) -> None:
    """Show a title and a text; `backticks` in the text become code, *asterisks* stress where that can be shown."""
    colour, sign = LOOKS[look]
    title, told = _printable(title), _printable(told)
    plain = "\n".join(_wrapped(line) for line in f"{sign} {title}  {_stressed(told, '')}".split("\n"))
    body = _stressed(html.escape(told), "em")
    body = re.sub(r"`([^`]+)`", r"<code>\1</code>", body).replace("\n", "<br>")
    box = (
        f'<div role="status" style="border-left:6px {"solid" if look == "passed" else "dashed"} {colour};'
        f'padding:.4em .8em;margin:.3em 0"><b>{sign} {html.escape(title)}</b>&ensp;{body}</div>'
    )
    show_words(plain, box)


def show_words(plain: str, markup: str) -> None:
    """Show a text: `markup` (HTML) in a notebook, `plain` in a terminal, whatever letters that can show."""
    if not _in_notebook():
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        print(plain.encode(encoding, "replace").decode(encoding))
        return
    from IPython.display import display

    display({"text/html": markup, "text/plain": plain}, raw=True)


def _stressed(text: str, tag: str) -> str:
    """Put what stands between asterisks into a tag, or leave out the asterisks; those in `code` stay."""
    around = (f"<{tag}>", f"</{tag}>") if tag else ("", "")
    stars = r"(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    parts = re.split(r"(`[^`]+`)", text)
    parts[::2] = [re.sub(stars, rf"{around[0]}\1{around[1]}", part) for part in parts[::2]]
    return "".join(parts)


def _printable(text: str) -> str:
    """Replace what no screen or file takes: control characters and halves of surrogate pairs."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "?", text)


def _wrapped(line: str) -> str:
    return textwrap.fill(line, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _in_notebook() -> bool:
    """True under a kernel that shows HTML (JupyterLab, VS Code, Colab); False in a terminal, IPython's included."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return any(kind.__name__ == "ZMQInteractiveShell" for kind in type(get_ipython()).__mro__)
