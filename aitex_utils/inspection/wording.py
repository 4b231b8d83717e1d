"""Text, numbers and counts as the report shows them."""

from __future__ import annotations

import math
import unicodedata
from html import escape


def as_text(value: object) -> str:
    r"""Return text for any place in an HTML page, attributes included.

    Parameters
    ----------
    value : object
        Text, or something that is shown as text.

    Returns
    -------
    str
        Escaped for HTML. Characters that cannot be shown are replaced by their escapes in Python. A name that is not
        valid Unicode can therefore be written, and no name changes the direction of the text after it.

    Examples
    --------
    >>> as_text('<b>&"x".png'), as_text("a" + chr(0x202E) + "b")
    ('&lt;b&gt;&amp;&quot;x&quot;.png', 'a\\u202eb')
    """
    return escape("".join(_visible(character) for character in str(value)))


def as_number(value: float) -> str:
    """Return a number with four significant digits, without an exponent where it is short.

    Parameters
    ----------
    value : float
        Finite.

    Returns
    -------
    str

    Examples
    --------
    >>> [as_number(value) for value in (0, 1.23456, 12345.6, -0.05, 1e-9)]
    ['0', '1.235', '12346', '-0.05000', '1.000e-09']
    """
    value = float(value)
    power = math.floor(math.log10(abs(value))) if value else 0
    if value == 0:
        return "0"
    return f"{value:.{max(0, 3 - power)}f}" if -4 <= power <= 6 else f"{value:.3e}"


def as_count(number: int, noun: str) -> str:
    """Return a count with its noun, in the plural where it is due.

    Parameters
    ----------
    number : int
        Count.
    noun : str
        Noun in the singular, with a regular plural.

    Returns
    -------
    str

    Examples
    --------
    >>> as_count(1, "picture"), as_count(2000, "picture")
    ('1 picture', '2,000 pictures')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _visible(character: str) -> str:
    if character.isprintable() or unicodedata.category(character) == "Zs":  # spaces of all widths
        return character
    return character.encode("unicode_escape").decode("ascii")
