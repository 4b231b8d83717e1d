"""Read the prose out of a file: Markdown, sources of notebooks, and docstrings, comments and messages of Python.

Code, formulae, placeholders and measured tables become a word or a number in the text, and the text keeps its line
breaks, so a position in the text leads back to a line of the file.
"""

from __future__ import annotations

import ast
import html
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from markdown_it import MarkdownIt

KINDS = ("paragraph", "heading", "item", "cell", "docstring", "field", "comment", "string")  # field: of a docstring
CODE = re.compile(r"(?P<ticks>`+).+?(?P=ticks)", re.DOTALL)
FORMULA = re.compile(r"\$\$.+?\$\$|(?<![\w$])\$[^$\n]+\$", re.DOTALL)
TABLE = re.compile(r"<!-- table:.*?<!-- end -->|<!--.*?-->", re.DOTALL)
PLACEHOLDER = re.compile(r"\{\{.*?\}\}", re.DOTALL)
UNREAD = re.compile(r"<(code|kbd|pre|style|script)\b.*?</\1>", re.DOTALL)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
URL = re.compile(r"https?://[^\s)>\]]+")
CELL = re.compile(r"^# %%(?P<markdown> \[markdown\])?")
SECTION = re.compile(r"^(Parameters|Attributes|Returns|Yields|Raises|Notes|Examples|References)$")
HEADS = ("Parameters", "Attributes", "Returns", "Yields", "Raises")  # a line at the margin is a name or a type
TOOLS = re.compile(r"^#\s*(noqa|type:|fmt:|ruff:|pragma|[-=#*]{3,}|\d\d\.\d+ -)|^#!|^# %%|[-=]{8,}\s*$")
SENTENCE_END = re.compile(
    r"[.!?]['\"\u201d)*_]*(?=\s+(?:[\"'\u201c]\w|[\"'\u201c`(*_]*(?:[A-Z\u00c0-\u00dc0-9`]|anomalib\b|timm\b|scikit)))"
)
ABBREVIATION = re.compile(  # initials of names too, but not "in protocol C."
    r"\b(e\.g|i\.e|et al|cf|vs|etc|Figs?|No|Eq|ca|approx|(?<!protocol )(?<!in )(?<!and )(?<!or )(?<!to )[A-Z])\.$"
)
NO_PROSE = re.compile(  # code, and places in a figure
    r"^\s*(import|from|def|return) \w+|\w\(\w*\);|^(upper|lower|center) (left|right|center)$", re.MULTILINE
)
WORD = re.compile(r"[A-Za-z\u00c0-\u024f][\w'\u2019-]*")


@dataclass(frozen=True)
class Text:
    """A piece of prose: a paragraph, a list item, a table's cell, a docstring's paragraph, a comment or a message."""

    line: int  # of its first line
    text: str
    kind: str
    lines: tuple[str, ...] = ()  # the source of a string that can be put together from several lines

    def line_of(self, start: int) -> int:
        """Return the line of the file on which the text from a position on begins."""
        if not self.lines:
            return self.line + self.text.count("\n", 0, start)
        wanted = " ".join(self.text[start:].split()[:2])
        for parts in (wanted, wanted.split(" ")[0]):
            for number, line in enumerate(self.lines):
                if parts and parts in line:
                    return self.line + number
        return self.line


def texts(path: Path) -> list[Text]:
    """Return the prose of a file, from its beginning to its end."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return list(of_markdown(source))
    return sorted(of_python(source), key=lambda text: text.line)


def of_markdown(source: str, first_line: int = 1) -> Iterator[Text]:
    """Yield the prose of Markdown."""
    source = _blank(TABLE, source)
    kinds: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(_plain(source)):
        if token.type in ("heading_open", "list_item_open", "td_open", "th_open", "blockquote_open"):
            kinds.append({"he": "heading", "li": "item", "bl": "paragraph"}.get(token.type[:2], "cell"))
        elif token.type in ("heading_close", "list_item_close", "td_close", "th_close", "blockquote_close"):
            kinds.pop()
        elif token.type == "html_block":
            yield from _of_html(token.content, first_line + token.map[0])
        elif token.type == "inline":
            text = "".join(_inline(token.children or []))
            if text.strip():
                yield Text(first_line + token.map[0], text, kinds[-1] if kinds else "paragraph")


def _inline(tokens: list) -> Iterator[str]:
    unread = ""  # the tag within which no prose stands
    for token in tokens:
        if token.type == "html_inline":
            opened = re.match(r"<(code|kbd|pre)\b", token.content)
            if unread:
                unread = "" if token.content.startswith(f"</{unread}") else unread
            elif opened:
                unread = opened[1]
                yield "`code`"
            else:
                yield "\n" * token.content.count("\n")
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        elif not unread:
            yield {"text": token.content, "code_inline": "`code`", "image": token.content}.get(token.type, "")


def _of_html(markup: str, line: int) -> Iterator[Text]:
    markup = _blank(UNREAD, markup)
    for part in re.finditer(r"[^\n]+(\n[^\n]+)*", TAG.sub("", markup)):
        text = html.unescape(part[0])
        if text.strip():
            yield Text(line + part.string.count("\n", 0, part.start()), text, "paragraph")


def of_python(source: str) -> Iterator[Text]:
    """Yield the prose of Python: Markdown cells of a notebook's source, docstrings, comments and messages."""
    if re.search(r"^# %%", source, re.MULTILINE):
        cells, source = _cells(source)
        for line, markdown in cells:
            yield from of_markdown(markdown, line)
    yield from _comments(source)
    tree = ast.parse(source)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(
            node
        ):
            docstrings.add(node.body[0].value)
            yield from of_docstring(node.body[0].value.value, node.body[0].value.lineno)
    yield from _strings(tree, source.splitlines(), docstrings)


def _cells(source: str) -> tuple[list[tuple[int, str]], str]:
    """Split a notebook's source into its Markdown cells, each with its first line, and the rest of the file."""
    cells, rest, markdown = [], [], False
    for number, line in enumerate(source.splitlines(), 1):
        if begins := CELL.match(line):
            markdown = bool(begins["markdown"])
            if markdown:
                cells.append((number + 1, []))
        elif markdown:
            cells[-1][1].append(line[2:] if line.startswith("# ") else line.lstrip("#"))
        rest.append("" if markdown or begins or re.match(r"[%!]", line) else line)
    head = re.match(r"(?:#[^\n]*\n)*?# ---\n", "\n".join(rest[1:])) if source.startswith("# ---") else None
    kept = "\n".join(rest)
    if head:
        end = len(rest[0]) + 1 + head.end()
        kept = "\n" * kept.count("\n", 0, end) + kept[end:]
    return [(line, "\n".join(lines)) for line, lines in cells], kept


def _comments(source: str) -> Iterator[Text]:
    """Yield comments; those on lines of their own, one below the other, are one text."""
    lines = source.splitlines()
    begun, column, parts = 0, -1, []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        row, at = token.start
        alone = not lines[row - 1][:at].strip()
        joined = alone and parts and row == begun + len(parts) and at == column
        if not joined:
            yield from _comment(begun, parts)
            begun, column, parts = row, at if alone else -1, []
        parts.append(token.string)
    yield from _comment(begun, parts)


def _comment(line: int, parts: list[str]) -> Iterator[Text]:
    words = ["" if TOOLS.search(part) else part.lstrip("#").removeprefix(" ") for part in parts]
    yield from _paragraphs("\n".join(words), line, "comment")


def of_docstring(docstring: str, line: int) -> Iterator[Text]:
    """Yield the paragraphs of a docstring in NumPy style, without names, types and examples."""
    lines = docstring.expandtabs().split("\n")
    margin = min((len(text) - len(text.lstrip()) for text in lines[1:] if text.strip()), default=0)
    lines = [lines[0].strip(), *(text[margin:] for text in lines[1:])]
    section, example, kept, fields = "", False, [], []
    for text, below in zip(lines, [*lines[1:], ""], strict=True):
        if SECTION.match(text) and re.match(r"-{3,}$", below):
            section = text
        example = (example or text.lstrip().startswith(">>>")) and bool(text.strip())
        head = section in HEADS and text and not text[0].isspace()
        formula = section not in HEADS and text.startswith("    ")
        dropped = example or head or formula or text == section or re.match(r"-{3,}$", text)
        kept.append("" if dropped or section in HEADS else text.strip())
        fields.append("" if dropped or section not in HEADS else text.strip())
    yield from _paragraphs("\n".join(kept), line, "docstring")
    yield from _paragraphs("\n".join(fields), line, "field")


def _paragraphs(text: str, line: int, kind: str, lines: tuple[str, ...] = ()) -> Iterator[Text]:
    """Yield the paragraphs and list items of plain text with marks of Markdown in it."""
    text = _plain(CODE.sub(_one_word, text))
    text = re.sub(r"^(?=[^\n]*\S {3,}\S)\s*", "- ", text, flags=re.MULTILINE)  # a line of a table is an item
    for part in re.finditer(r"\S[^\n]*(?:\n(?!\s*(?:[-*]|\d+\.) )[^\n]*\S[^\n]*)*", text):
        words = part[0]
        item = re.match(r"(?:[-*]|\d+\.) ", words)
        words = re.sub(r"\]\([^)]*\)|\*\*|\]\[", " ", words).replace("[", " ")
        if WORD.search(words):
            start = line if lines else line + text.count("\n", 0, part.start())
            yield Text(start, words, "item" if item else kind, lines)


def _strings(tree: ast.AST, lines: list[str], docstrings: set) -> Iterator[Text]:
    """Yield the string literals that are words for a reader, those in f-strings with a number for each value."""
    inner = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
    }
    patterns = {
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")
        for argument in node.args
    }
    for node in ast.walk(tree):
        if node in docstrings or node in inner or node in patterns:
            continue
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)
        if is_prose(text):
            yield from _paragraphs(
                html.unescape(TAG.sub(" ", text)),
                node.lineno,
                "string",
                tuple(lines[node.lineno - 1 : node.end_lineno]),
            )


def is_prose(text: str) -> bool:
    """Say whether a string literal is words for a reader: more than one word, and hardly anything but words."""
    text = _plain(CODE.sub(_one_word, TAG.sub(" ", text)))
    if len(WORD.findall(text)) < 2 or " " not in text.strip() or NO_PROSE.search(text):
        return False
    return sum(char.isalpha() or char in " ,.'\u2019\n" for char in text) >= 0.75 * len(text)


def _plain(text: str) -> str:
    """Replace formulae, placeholders and addresses by a word or a number, with the same line breaks."""
    text = PLACEHOLDER.sub(lambda match: "7" + "\n" * match[0].count("\n"), text)
    text = CODE.sub(lambda match: match[0].replace("$", " "), text)
    return URL.sub("address", FORMULA.sub(lambda match: "x" + "\n" * match[0].count("\n"), text))


def _one_word(match: re.Match) -> str:
    return "`code`" + "\n" * match[0].count("\n")


def _blank(pattern: re.Pattern, text: str) -> str:
    return pattern.sub(lambda match: "\n" * match[0].count("\n"), text)


@lru_cache(maxsize=64)
def sentences(text: str) -> tuple[tuple[int, str], ...]:
    """Return each sentence of a text with its position. Several rules in a row look at the same text."""
    return tuple(_sentences(text))


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    begun = 0
    for end in SENTENCE_END.finditer(text):
        if ABBREVIATION.search(text[begun : end.start() + 1]):
            continue
        yield _stripped(begun, text[begun : end.end()])
        begun = end.end()
    if text[begun:].strip():
        yield _stripped(begun, text[begun:])


def _stripped(start: int, sentence: str) -> tuple[int, str]:
    return start + len(sentence) - len(sentence.lstrip()), sentence.strip()
