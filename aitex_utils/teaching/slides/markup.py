"""Markdown of slides as HTML: text and formulas, and the figures beside or below them. HTML in the text is escaped."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from ...errors import InputError
from .figures import Figure
from .formulas import to_mathml

PREFIX = "figure:"
FindFigure = Callable[[str], Figure]
TALL = 1.9  # width / height below which figures stand beside the text
WIDE = 3.0  # width / height above which two figures stand below each other


@dataclass(frozen=True)
class Markup:
    """A piece of Markdown, rendered.

    Parameters
    ----------
    heading, text : str
        HTML of the heading, and of all the rest without figures.
    figures : list of str
        HTML of each figure.
    aspects : list of float
        Width divided by height of each figure.
    is_asking : bool
        Something follows a question, and is hidden at first.

    Examples
    --------
    >>> Markup("<h2>Tiles</h2>", "", [], []).layout
    'plain'
    """

    heading: str
    text: str
    figures: list[str]
    aspects: list[float]
    is_asking: bool = False

    @property
    def layout(self) -> str:
        """Return `plain` without figures, `beside` for figures beside the text, `stacked` for wide ones, or nothing."""
        if not self.aspects:
            return "plain"
        if sum(self.aspects) < TALL:
            return "beside" if self.text else ""
        return "stacked" if len(self.aspects) > 1 and min(self.aspects) > WIDE else ""


def render(text: str, find_figure: FindFigure) -> Markup:
    r"""Render Markdown.

    Parameters
    ----------
    text : str
        Markdown with formulas between dollar signs. An image such as `![Caption](figure:04/3/2)` stands alone in its
        paragraph. Without a caption, the figure has its own. A question is a blockquote, and the rest of its slide is
        the answer.
    find_figure : callable
        Returns the figure of a reference such as `04/3/2`.

    Returns
    -------
    Markup

    Raises
    ------
    InputError
        If an image is no figure of a notebook, or a formula cannot be drawn.

    Examples
    --------
    >>> render("## A < B\n\nHello <b>you</b>", lambda key: None).text
    '<p>Hello &lt;b&gt;you&lt;/b&gt;</p>\n'
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, renderer=_formula)
    tokens = parser.parse(text)
    end = 3 if tokens and tokens[0].type == "heading_open" else 0
    kept: list[Token] = []
    figures: list[Figure] = []
    drawn: list[str] = []
    is_asked = is_asking = False
    for at, token in enumerate(tokens[end:], end):
        for image in [one for one in token.children or [] if one.type == "image"]:
            figures.append(_referenced(image, find_figure))
            caption = "".join(child.content for child in image.children or [])
            drawn.append(_figure(figures[-1], caption, "later" if is_asked else ""))
            is_asking |= is_asked
        alone = [one.type for one in token.children or [] if one.type != "softbreak"]
        if token.type == "inline" and "image" in alone:
            if set(alone) != {"image"} or tokens[at - 1].type != "paragraph_open" or tokens[at - 1].level:
                raise InputError(f"The figure in {token.content!r} is inside other text: give it its own paragraph.")
            kept.pop()
        elif not (token.type == "paragraph_close" and _is_of_images(tokens[at - 1])):
            kept.append(token)
            is_asking |= is_asked and token.level == 0 and token.type != "paragraph_open"
        is_asked |= token.type == "blockquote_close"
    heading, rest = (parser.renderer.render(part, parser.options, {}) for part in (tokens[:end], kept))
    return Markup(heading, rest, drawn, [figure.aspect for figure in figures], is_asking)


def _is_of_images(token: Token) -> bool:
    return token.type == "inline" and any(child.type == "image" for child in token.children or [])


def _referenced(image: Token, find_figure: FindFigure) -> Figure:
    source = str(image.attrs.get("src", ""))
    if not source.startswith(PREFIX):
        raise InputError(f"{source} is no figure of a notebook: refer to one as `![](figure:04/3/2)`.")
    return find_figure(source.removeprefix(PREFIX))


def _figure(figure: Figure, caption: str, kind: str) -> str:
    alt = html.escape(figure.alt, quote=True)
    words = html.escape(caption or figure.alt)
    source = f"data:image/png;base64,{''.join(figure.png.split())}"
    size = f'width="{figure.width}" height="{figure.height}"'
    return f'<figure class="{kind}"><img src="{source}" alt="{alt}" {size}><figcaption>{words}</figcaption></figure>'


def _formula(latex: str, options: dict) -> str:
    return to_mathml(latex.strip(), display=bool(options["display_mode"]))


def render_notes(text: str) -> str:
    r"""Render a speaker's notes, which have no figures.

    Parameters
    ----------
    text : str
        Markdown.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the notes contain an image.

    Examples
    --------
    >>> render_notes("Ask *first*.")
    '<p>Ask <em>first</em>.</p>\n'
    """
    return render(text, _no_figure).text


def _no_figure(key: str) -> Figure:
    raise InputError(f"The figure {key} is in a place without figures: move it to a slide.")


def join_figures(figures: Sequence[str]) -> str:
    """Return figures as one block of HTML, empty without figures.

    Parameters
    ----------
    figures : sequence of str
        HTML of each figure.

    Returns
    -------
    str

    Examples
    --------
    >>> join_figures([])
    ''
    """
    return f'<div class="figures">{"".join(figures)}</div>' if figures else ""
