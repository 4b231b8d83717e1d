"""LaTeX formulas as MathML, which browsers draw without a script and without a network."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from ...errors import InputError

NAMESPACE = "http://www.w3.org/1998/Math/MathML"
ELEMENTS = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup"),
    *("munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded"),
}
ATTRIBUTES = {"display", "stretchy", "fence", "form", "mathvariant", "linethickness", "width", "accent", "separator"}
ATTRIBUTES |= {"movablelimits", "columnalign", "displaystyle", "scriptlevel", "minsize", "maxsize", "lspace", "rspace"}
SCRIPT_A, DOUBLE_STRUCK_A = 0x1D49C, 0x1D538
OLDER = {"script": dict(zip("BEFHILMR", "ℬℰℱℋℐℒℳℛ", strict=True))}  # letters with other places in Unicode
OLDER["double-struck"] = dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True))
PARTS = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
LIMITS = {"max", "min"}  # operators whose condition is below them in a displayed formula


def to_mathml(latex: str, *, display: bool = False) -> str:
    r"""Return a formula as MathML.

    Parameters
    ----------
    latex : str
        Formula without dollar signs.
    display : bool
        The formula has a line of its own.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the formula contains a command that the converter does not know, or markup.

    Examples
    --------
    >>> to_mathml("d^2")
    '<math><mrow><msup><mi>d</mi><mn>2</mn></msup></mrow></math>'
    >>> to_mathml(r"\nosuch{d}")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: The formula \nosuch{d} contains \nosuch, ...
    """
    try:
        from latex2mathml.converter import convert
    except ModuleNotFoundError as error:
        raise InputError(
            "The package latex2mathml, which draws formulas, is missing: run `python course.py slides`, which adds it."
        ) from error
    try:
        root = ElementTree.fromstring(convert(latex, display="block" if display else "inline"))
    except Exception as error:  # the converter has no common error, and XML with markup in it cannot be parsed
        reason = type(error).__name__
        raise InputError(f"The formula {latex} cannot be drawn ({reason}): write it another way.") from error
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        _check(element, latex)
        _draw_letter(element)
        if display and element.tag == "msub" and element[0].text in LIMITS:
            element.tag = "munder"
    root.attrib = {"display": "block"} if display else {}
    return ElementTree.tostring(root, encoding="unicode")


def _check(element: ElementTree.Element, latex: str) -> None:
    """Raise an error for a command that was copied as it is, and for anything that is no MathML."""
    text = element.text or ""
    if text.startswith("\\"):
        raise InputError(f"The formula {latex} contains {text}, which cannot be drawn: write it another way.")
    if len(element) != PARTS.get(element.tag, len(element)):
        raise InputError(f"The formula {latex} is incomplete: write it another way.")
    foreign = {element.tag} - ELEMENTS or set(element.attrib) - ATTRIBUTES
    if foreign:
        raise InputError(f"The formula {latex} contains markup ({foreign.pop()}): leave it out.")


def _draw_letter(element: ElementTree.Element) -> None:
    """Replace a letter with a variant by its own character, because browsers draw only the variant `normal`."""
    variant, text = element.get("mathvariant", ""), element.text or ""
    first = {"script": SCRIPT_A, "double-struck": DOUBLE_STRUCK_A}.get(variant)
    if first is not None and len(text) == 1 and "A" <= text <= "Z":
        element.text = OLDER[variant].get(text, chr(first + ord(text) - ord("A")))
        del element.attrib["mathvariant"]
