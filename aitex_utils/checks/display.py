"""Say something to a learner: a coloured box in a notebook, plain lines in a terminal; the words are the same."""

from __future__ import annotations

import html
import re
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
    """Show a title and a text; `backticks` in the text become code."""
    colour, sign = LOOKS[look]
    plain = textwrap.fill(f"{sign} {title}  {told}", 100, subsequent_indent="  ", replace_whitespace=False)
    if not _in_notebook():
        print(plain)
        return
    from IPython.display import display

    body = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(told)).replace("\n", "<br>")
    box = (
        f'<div role="status" style="border-left:6px {"solid" if look == "passed" else "dashed"} {colour};'
        f'padding:.4em .8em;margin:.3em 0"><b>{sign} {html.escape(title)}</b>&ensp;{body}</div>'
    )
    display({"text/html": box, "text/plain": plain}, raw=True)


def _in_notebook() -> bool:
    """True under a kernel that shows HTML (JupyterLab, VS Code); False in a terminal, IPython's included."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"
