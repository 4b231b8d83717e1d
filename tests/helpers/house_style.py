"""Find what a program can find of the house style, in notebooks' sources, Python and Markdown.

`python tests/helpers/house_style.py PATH...` lists the breaches of files and folders as `file:line: rule: text`.
The rules prefer precision: each one finds words that the house style always replaces.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sentences import Text, sentences, texts

LONGEST = 30  # words in a sentence
LONGEST_PARENTHESIS = 12  # words
FORMS = "test|formula|score|map|threshold|loss|network|detector|distance|radius|tile|patch|bank|coreset|measure|metric"
FORMS += "|index|model|autoencoder|AUROC|accuracy|precision|recall|median|mean|maximum|figure|exercise|it|they|which"
UNITS = r"(?:ms|s|GiB|MiB|milliseconds?|seconds?|minutes?|hours?|times|bytes|numbers|patches|positions|tiles|vectors)"
RATED = "tile|strip|patch|choice|query|image|vector|step|pixel|fabric|pass|search|cell|centre|position|byte"


@dataclass(frozen=True)
class Rule:
    """A rule: what it finds, what to write instead, and an example of a breach and of good English beside it."""

    name: str
    find: Callable[[Text], Iterator[tuple[int, str]]]  # (position, words)
    instead: str
    breach: str
    good: str


@dataclass(frozen=True)
class Breach:
    """A place where the text breaks a rule."""

    path: Path
    line: int
    rule: str
    words: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.words!r} ({self.instead})"


def words(pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> Callable:
    """Return a rule's search for a pattern anywhere in a text; a space in it stands for a line break too."""
    compiled = re.compile(pattern.replace(" ", r"\s+"), flags)

    def find(text: Text) -> Iterator[tuple[int, str]]:
        for match in compiled.finditer(text.text):
            yield match.start(), match[0]

    return find


def statement(pattern: str, kept_out: tuple[str, ...] = ()) -> Callable:
    """Return a rule's search for a pattern at the beginning of sentences that are no questions."""
    compiled = re.compile(r"[\"'\u201c(*_]*(" + pattern.replace(" ", r"\s+") + ")")

    def find(text: Text) -> Iterator[tuple[int, str]]:
        for start, sentence in sentences(text.text) if text.kind not in kept_out else ():
            if (match := compiled.match(sentence)) and "?" not in sentence:
                yield start, " ".join(sentence[match.start(1) :].split()[:6])

    return find


def long_sentences(text: Text) -> Iterator[tuple[int, str]]:
    """Yield sentences of too many words. In list items a semicolon ends a part, which is counted by itself."""
    for start, sentence in sentences(text.text):
        parts = sentence.split(";") if text.kind in ("item", "cell") else [sentence]
        count = max(sum(bool(re.search(r"\w", word)) for word in part.split()) for part in parts)
        if count > LONGEST:
            yield start, f"{count} words: {' '.join(sentence.split()[:8])} ..."


def long_parentheses(text: Text) -> Iterator[tuple[int, str]]:
    """Yield parentheses of too many words."""
    for match in re.finditer(r"\(([^()]*)\)", text.text):
        count = sum(bool(re.search(r"\w", word)) for word in match[1].split())
        if count > LONGEST_PARENTHESIS:
            yield match.start(), f"{count} words: {' '.join(match[0].split()[:6])} ..."


def semicolons(text: Text) -> Iterator[tuple[int, str]]:
    """Yield semicolons that join two clauses; two or more of them in a sentence are a list."""
    if text.kind in ("item", "cell", "field"):
        return
    for start, sentence in sentences(text.text):
        outside = re.sub(r"\([^()]*\)", lambda match: " " * len(match[0]), sentence)
        if outside.count(";") == 1:
            at = outside.index(";")
            yield start + at, " ".join(sentence[: at + 1].split()[-3:] + sentence[at + 1 :].split()[:2])


def american(text: Text) -> Iterator[tuple[int, str]]:
    """Yield American spellings. Identifiers, quoted titles and k-center greedy, a name, are no such words."""
    unquoted = re.sub(r'"[^"]{9,}"', lambda match: " " * len(match[0]), text.text)
    for match in AMERICAN.finditer(unquoted):
        if (
            not match[0].isupper()
            and not re.search(r"[\w.]$|k-$", text.text[: match.start()])
            and not re.match(r"[_(=]", text.text[match.end() :])
        ):
            yield match.start(), match[0]


AMERICAN = re.compile(
    r"\b(colors?|colored|neighbors?|neighborhoods?|neighboring|centers?|centered|gray|behaviors?|labeled|labeling|"
    r"modeled|modeling|fibers?|meters?|analyz\w+|\w*(?:normal|recogn|visual|optim|standard|general|memor|summar|"
    r"initial|regular|token|quant|minim|maxim|local|real|organ|synchron|special|util|vector)iz(?:e|es|ed|ing|ation|ations)|programmes?)\b",
    re.IGNORECASE,
)

VOCABULARY = [
    Rule(
        "tell",
        words(r"\b(?:tells?|telling|told)\b"),
        "say, show, distinguish, report; message, caption",
        "The caption tells the distance.",
        "The caption states the distance.",
    ),
    Rule("mend", words(r"\bmend(?:s|ed|ing)?\b"), "fix", "Mend the function.", "Amend the law. Fix the function."),
    Rule("sooner", words(r"\bsooner\b"), "faster, earlier", "Eight tiles are done sooner.", "They are done faster."),
    Rule(
        "strange",
        words(r"\bstrange(?:r|st|ly|ness)?\b"),
        "anomalous",
        "How strange a patch is.",
        "The patch is anomalous.",
    ),
    Rule(
        "usual",
        words(r"\busual\b"),
        "typical, normal, background",
        "Subtract what is usual.",
        "This usually helps and is unusual.",
    ),
    Rule(
        "taken off",
        words(r"\b(?:take|takes|taken|taking|took)(?: [\w'\u2019]+){0,3} off\b"),
        "subtract",
        "The row's mean is taken off.",
        "The mean is subtracted, and the off switch works.",
    ),
    Rule(
        "sisters",
        words(r"\bsisters?\b"),
        "correlated tiles, tiles of the same strip",
        "Sister tiles are no news.",
        "Tiles of one strip are correlated.",
    ),
    Rule(
        "lot",
        words(r"\b(?:the|each|every|one|this|per|whole|next|last|first) lots?\b|\bin lots\b|\blots of \d"),
        "batch",
        "Each lot has 128 patches.",
        "A lot of patches fill a parking slot.",
    ),
    Rule(
        "redrawn",
        words(
            r"\bredrawn?\b(?=[^.]{0,30}\b(?:strips?|tiles?|data|by)\b)|"
            r"\bredrawing (?:the |whole )?(?:strips?|tiles?|data)\b|\bredrawn\b"
        ),
        "resampled, cluster bootstrap",
        "The strips are redrawn.",
        "Moving the slider means redrawing the figure.",
    ),
    Rule(
        "normal things",
        words(r"\b(?:normal|defective|clean|anomalous|good|bad) things?\b"),
        "samples, tiles, strips",
        "The share of normal things.",
        "Two things follow.",
    ),
    Rule(
        "a day of its own",
        words(r"\ba day of (?:its|their) own\b"),
        "distribution shift",
        "Each strip has a day of its own.",
        "Each strip was recorded on a different day.",
    ),
    Rule(
        "keeps its word",
        words(
            r"\b(?:keeps?|kept|keeping) (?:its|their|the) (?:word|promises?)\b|"
            r"\b(?:holds?|holding) the truth\b"
        ),
        "has the stated coverage, covers the true value",
        "The interval holds the truth.",
        "The interval covers the true value.",
    ),
    Rule(
        "memory traffic",
        words(r"\bmemory traffic\b"),
        "bandwidth-bound, bytes moved",
        "Memory traffic sets the time.",
        "The step is bandwidth-bound.",
    ),
    Rule(
        "fit tiles",
        words(r"\bfit (?:tiles|strips)\b"),
        "training tiles, training set",
        "Draw the fit tiles.",
        "The detector is fitted on tiles.",
    ),
    Rule(
        "set aside",
        words(r"\b(?:set|sets|setting) (?:\w+ )?aside\b"),
        "held out, calibration set",
        "Three strips are set aside.",
        "Three strips are the calibration set.",
    ),
    Rule(
        "called defective",
        words(r"\bcalled (?:defective|normal|anomalous|clean)\b"),
        "flagged, predicted positive",
        "A tile that is called defective.",
        "The tile is flagged. The function is called normally.",
    ),
    Rule(
        "obvious way",
        words(r"\bobvious (?:way|one)\b"),
        "name the method: the reference, one pass per choice",
        "As the obvious way does.",
        "An obvious error.",
    ),
    Rule(
        "learnt photographs",
        words(r"\blearn(?:t|ed|s)(?: from)? photographs\b"),
        "ImageNet-pretrained backbone",
        "A network that learnt photographs.",
        "An ImageNet-pretrained network.",
    ),
    Rule(
        "hold",
        words(
            r"\b(?:holds?|holding) (?:a|an|no|all|every|some|only|\d+|one|two|three|four|its|their|your|"
            r"what|defects?|patches|tiles|numbers)\b"
        ),
        "contain, include, cover, store",
        "The bank holds all patches.",
        "The bound holds for all patches.",
    ),
    Rule(
        "made level",
        words(r"\b(?:made|make|makes|making) (?:\w+ )?level\b"),
        "position-wise normalisation",
        "Distances are made level.",
        "The same level of noise.",
    ),
    Rule(
        "less what",
        words(r"\bless (?:what|its|their)\b"),
        "minus",
        "The map less its median.",
        "It costs less than their method.",
    ),
    Rule(
        "ask, know, feel",
        words(
            rf"\b(?:{FORMS})s? (?:(?:does(?:n't| not)|do(?:n't| not)|cannot|can't|never) )?"
            r"(?:asks?|asked|knows?|feels?|drowns?|wants?)\b(?! for)"
        ),
        "things do not ask, know, feel: measure, contain, depend on",
        "AUROC doesn't feel how rare defects are.",
        "AUROC does not depend on the prevalence.",
    ),
    Rule(
        "one in twenty",
        words(
            r"\b(?:one|two|three|four|five|nine|nineteen|ninety\S*) (?:of|in|out of) (?:a |an )?"
            r"(?:ten|twenty|fifty|hundred|thousand)\b"
        ),
        "numerals: 1 in 20, 5 %",
        "It misses one in twenty.",
        "It misses 1 in 20. One of two tiles is flagged.",
    ),
    Rule(
        "by place",
        words(r"\bby (?:place|position)\b(?! (?:of|and))"),
        "pixel-level, position-wise",
        "AUROC by place.",
        "Divided position-wise.",
    ),
    Rule(
        "by strip",
        statement(r"By (?:strip|tile|place|pixel|fabric)\b", ("field",)),
        "strip-level, tile-level; split by strip",
        "By tile, it is higher.",
        "Split by tile, it is higher.",
    ),
    Rule(
        "a tile as a rate",
        words(rf"\b\d[\d.,]*[^\S\n]*{UNITS} an? (?:{RATED})\b(?! (?:has|is|needs|of))"),
        "per tile",
        "It takes 22 ms a tile.",
        "It takes 22 ms per tile. A strip has 16 tiles.",
    ),
    Rule(
        "in a tile",
        words(rf"\b{UNITS} (?:in|for) an? (?:{RATED})\b(?=[.,;:)]|$)"),
        "per tile",
        "There are 1,024 patches in a tile.",
        "There are 1,024 patches per tile.",
    ),
    Rule(
        "archaic",
        words(
            r"\bto be (?:seen|had)\b|\bhath\b|[,;:] for (?:it|they|there|we) (?:is|are|was|were|has|have|can"
            r"|would|will)\b|\b(?:because|for) what its\b|\bthe first so many\b|\bnot even\b(?= see)"
        ),
        "plain modern English",
        "Specks are to be seen.",
        "The specks remain visible.",
    ),
]

GRAMMAR = [
    Rule(
        "may",
        words(r"\b(?:may|May(?! \d|'))\b", re.NOFLAG),
        "can (ability), might (chance), or nothing",
        "Tiles may overlap.",
        "Tiles can overlap. In May 2024 they might.",
    ),
    Rule(
        "of which",
        words(r"\bof which\b"),
        "repeat the noun, two sentences",
        "Tiles, of which 3 are defective.",
        "Three of the tiles are defective.",
    ),
    Rule(
        "that of",
        words(r"\b(?:that|those) of\b(?! course)"),
        "repeat the noun",
        "The radius is larger than that of 03.",
        "We note that of course it is larger.",
    ),
    Rule(
        "the one",
        words(
            r"\bthe ones?\b(?= (?:that|which|who|in|on|of|at|with|whose|to|from|nearest|farthest|above|"
            r"below|it|you|we|before|after|chosen|kept)\b|[.,:)])|\b(?:chosen|kept|nearest|far|old|new|"
            r"right|wrong|other) ones?\b(?! (?:by|after))"
        ),
        "repeat the noun",
        "Keep the one that is farthest.",
        "Keep the one patch. Take one by one.",
    ),
    Rule(
        "nobody",
        words(r"\b(?:whoever|whosoever|nobody|somebody|everybody|no-one|he who|those who)\b"),
        "the thing, you, or we",
        "Nobody looks at it.",
        "We ignore it. People who know it.",
    ),
    Rule("who", statement("Who "), "the thing, you, or we", "Who looks at it learns.", "Who looks at it?"),
    Rule(
        "one",
        words(
            r"\b(?:if|when|where|because|while) one (?:can|could|must|needs|sees|wants|takes|should|would|might|"
            r"gets|finds|reads|looks)\b"
        ),
        "you, or we",
        "If one looks closer, it fades.",
        "One is enough, and one of them can.",
    ),
    Rule(
        "one",
        statement(r"One (?:can|could|must|needs|sees|wants|takes|should|would|might|gets|finds|reads|looks)\b"),
        "you, or we",
        "One sees the edge.",
        "One of them needs it.",
    ),
    Rule(
        "headless what",
        statement(r"What "),
        "a noun: larger values, not what lies above",
        "What lies above is an alarm.",
        "What lies above it? Larger values.",
    ),
    Rule(
        "what lies",
        words(r"\bwhat (?:lies|counts|stands|remains|is left)\b(?![^.;]*\?)"),
        "a noun",
        "It averages what lies between.",
        "It averages the values between. What remains?",
    ),
    Rule(
        "of what is",
        words(r"\b(?:of|by|with|than|from|at|for) what (?:is|was|are|were|has|had|lies)\b(?![^.;]*\?)"),
        "a noun",
        "Each is judged by what is normal.",
        "By what is it judged?",
    ),
    Rule(
        "inversion",
        statement(
            r"(?:Chosen|Asked|Wanted|Kept|Left|Counted|Missing|Drawn|Compared|Measured|Gained|Lost|"
            r"Missed|Tried|Needed) (?:is|are|was|were)\b"
        ),
        "subject, verb, object",
        "Chosen is index 1.",
        "Index 1 is chosen.",
    ),
    Rule(
        "inversion",
        statement(r"Of [^,.:;]{2,60}? (?:is|are|was|were|has|have)\b(?! (?:not|no) )"),
        "subject, verb, object",
        "Of the test nothing is used.",
        "Of the 12 tiles, 3 are used. Of course.",
    ),
    Rule(
        "long sentence",
        long_sentences,
        f"at most {LONGEST} words, better 25",
        "word " * 31 + ".",
        "word " * 30 + ". " + "Word " * 30 + ".",
    ),
    Rule(
        "long parenthesis",
        long_parentheses,
        f"at most {LONGEST_PARENTHESIS} words",
        "It (" + "so " * 13 + ") ends.",
        "It (" + "so " * 12 + ") ends.",
    ),
    Rule(
        "semicolon",
        semicolons,
        "two sentences",
        "It is fast; it is exact.",
        "It has a fit; a search; and a map. It is (fast; exact).",
    ),
    Rule(
        "American spelling",
        american,
        "British spelling",
        "Normalize the color.",
        "Normalise the colour by normalize_positions, x.gray and k-center greedy.",
    ),
]

RULES = [*VOCABULARY, *GRAMMAR]


def check(path: Path) -> list[Breach]:
    """Return the breaches in a file."""
    return [
        Breach(path, text.line_of(at), rule, found, instead)
        for text in texts(path)
        for at, rule, found, instead in breaches(text)
    ]


def breaches(text: Text) -> list[tuple[int, str, str, str]]:
    """Return the breaches in a text: position, rule, words and what to write instead."""
    found = [(at, rule.name, " ".join(part.split()), rule.instead) for rule in RULES for at, part in rule.find(text)]
    return sorted(set(found))


def files(paths: list[Path]) -> list[Path]:
    """Return the files to check, those of folders included."""
    found = [sorted([*path.rglob("*.py"), *path.rglob("*.md")]) if path.is_dir() else [path] for path in paths]
    return [path for part in found for path in part]


def main(arguments: list[str]) -> int:
    """Print the breaches of the files and folders given; the exit code says whether there are any."""
    found = [breach for path in files([Path(name) for name in arguments]) for breach in check(path)]
    for breach in found:
        print(breach)
    for rule, count in Counter(breach.rule for breach in found).most_common():
        print(f"{count:5} {rule}", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
