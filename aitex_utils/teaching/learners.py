"""Find out which progress files belong to one learner, and name each learner.

The first tries of the exercises, timed to a millisecond, identify a file and its later copies:

- Two files are of the same learner if their first tries agree in all exercises that both have, and their names agree or
  one has no name. Files that share no timed exercise are of the same learner if they are signed with the same name.
- The file with the later last try counts. The other file is left out as an earlier copy.
- Two files with the same first tries but different names both count, and the page names them: one can be a copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from .progress_files import LeftOut, ProgressFile

NEVER = datetime(1, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Learner:
    """A learner of the class.

    Parameters
    ----------
    label : str
        Name, or the name of the file if it is not signed. No two learners have the same one.
    content : ProgressFile
        The file that counts.

    Examples
    --------
    >>> Learner("Ada", ProgressFile("ada.json", "Ada")).label
    'Ada'
    """

    label: str
    content: ProgressFile


@dataclass(frozen=True)
class Class:
    """The learners of a class, and what was odd about their files.

    Parameters
    ----------
    learners : tuple of Learner
        In the order of their labels.
    left_out : tuple of LeftOut
        Files that do not count, in the order of their paths.
    twins : tuple of tuple of str
        Pairs of labels whose files have the same first tries.

    Examples
    --------
    >>> Class((), (), ()).learners
    ()
    """

    learners: tuple[Learner, ...]
    left_out: tuple[LeftOut, ...]
    twins: tuple[tuple[str, str], ...]


def gather(files: Sequence[ProgressFile], left_out: Sequence[LeftOut]) -> Class:
    """Find the learners of a class.

    Parameters
    ----------
    files : sequence of ProgressFile
        Files that were read.
    left_out : sequence of LeftOut
        Files that could not be used.

    Returns
    -------
    Class

    Examples
    --------
    >>> found = gather([ProgressFile("b.json", "Ada"), ProgressFile("ben/progress.json")], [])
    >>> [learner.label for learner in found.learners]
    ['Ada', 'ben']
    """
    groups: list[list[ProgressFile]] = []
    for file in sorted(files, key=lambda file: (not file.name, file.file)):  # signed files first
        group = next((group for group in groups if all(is_same_learner(file, other) for other in group)), None)
        if group is None:
            groups.append([file])
        else:
            group.append(file)
    kept, copies = [], []
    for group in groups:
        latest = max(group, key=_lateness)
        kept.append(latest)
        reason = f"is an earlier copy of {latest.file}: the later file counts."
        copies += [LeftOut(file.file, reason) for file in group if file is not latest]
    labels = _labels(kept)
    learners = sorted(map(Learner, labels, kept), key=lambda learner: (learner.label.casefold(), learner.label))
    twins = [
        (one.label, other.label)
        for number, one in enumerate(learners)
        for other in learners[:number]
        if first_tries_agree(one.content, other.content)
    ]
    return Class(tuple(learners), tuple(sorted([*left_out, *copies], key=lambda out: out.file)), tuple(twins))


def is_same_learner(one: ProgressFile, other: ProgressFile) -> bool:
    """Say whether two files are of the same learner, see the rule at the head of this module.

    Parameters
    ----------
    one, other : ProgressFile
        The files.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_same_learner(ProgressFile("a.json", "Ada"), ProgressFile("b.json", " ada")), is_same_learner(
    ...     ProgressFile("a.json"), ProgressFile("b.json")
    ... )
    (True, False)
    """
    names = {name for name in (_key(one.name), _key(other.name)) if name}
    if len(names) > 1:
        return False
    agree = first_tries_agree(one, other)
    return bool(agree) or (agree is None and bool(_key(one.name)) and _key(one.name) == _key(other.name))


def first_tries_agree(one: ProgressFile, other: ProgressFile) -> bool | None:
    """Say whether the first tries of all exercises that two files have are of the same time.

    Parameters
    ----------
    one, other : ProgressFile
        The files.

    Returns
    -------
    bool or None
        None if there is no exercise with a time in both.

    Examples
    --------
    >>> first_tries_agree(ProgressFile("a.json"), ProgressFile("b.json")) is None
    True
    """
    times = [
        (attempt.first, other.attempts[name].first) for name, attempt in one.attempts.items() if name in other.attempts
    ]
    known = [pair for pair in times if None not in pair]
    return all(first == second for first, second in known) if known else None


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _lateness(file: ProgressFile) -> tuple[datetime, int, int, str]:
    """Return a key that is larger for later files: by the last try, then by the number of tries."""
    tries = sum(attempt.tries + attempt.hints for attempt in file.attempts.values())
    return file.last or NEVER, tries, len(file.guesses), file.file


def _labels(files: Sequence[ProgressFile]) -> list[str]:
    """Return a label for each file: the name, or the name of the file, and the path if two would be the same."""
    labels = [file.name or _name_of_file(file.file) for file in files]
    count = Counter(label.casefold() for label in labels)
    labels = [
        f"{label} ({file.file})" if count[label.casefold()] > 1 else label
        for label, file in zip(labels, files, strict=True)
    ]
    for number, label in enumerate(labels):  # someone can be called like another learner and file
        if label in labels[:number]:
            labels[number] = f"{label} ({number})"
    return labels


def _name_of_file(file: str) -> str:
    """Return the path without its ending, and without a last part that all learners' files have in common."""
    parts = file[: -len(".json")].split("/")
    return "/".join(parts[:-1] if len(parts) > 1 and parts[-1].casefold() == "progress" else parts)
