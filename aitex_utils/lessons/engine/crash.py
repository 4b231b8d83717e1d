"""Explain an exception that a learner's function raised: the error, and the line of the learner's own code."""

from __future__ import annotations

import functools
import inspect
import linecache
import re
import traceback
import types
from pathlib import Path
from typing import Any

from .compare import CRASHED, NOT_ATTEMPTED, Verdict, safely


def explain_crash(error: BaseException, answer: Any, exercise_id: str) -> Verdict:
    """Explain an exception without a traceback, and recognise a stub that is not filled in yet.

    Parameters
    ----------
    error : BaseException
        The exception, with its traceback.
    answer : callable
        The learner's function.
    exercise_id : str
        Number of the exercise: the text of the exception that its stub raises.

    Returns
    -------
    Verdict
        Of the kind "crashed" or "not attempted".

    Examples
    --------
    >>> try:
    ...     [][0]
    ... except IndexError as error:
    ...     explain_crash(error, len, "02.1").message
    'Your function stopped with IndexError: list index out of range.'
    """
    file = safely(_source_file, answer, "")
    frames = traceback.extract_tb(error.__traceback__)
    own_frames = [frame for frame in frames if frame.filename == file]
    text = _simplify(" ".join(safely(str, error).split()))[:200].rstrip(".")
    is_stub = text == exercise_id or frames[-1].filename == file  # PyTorch raises NotImplementedError too
    if isinstance(error, NotImplementedError) and is_stub:
        return Verdict(
            NOT_ATTEMPTED, "Not attempted yet: replace the line `raise NotImplementedError` with your own code."
        )
    message = f"Your function stopped with {type(error).__name__}" + (f": {text}" if text else "") + "."
    if own_frames:
        if isinstance(error, (TypeError, AttributeError)) and "NoneType" in text:
            message += " A value is None: `shuffle`, `sort` and `append` change their object and return None."
        return Verdict(CRASHED, f"{message} {_describe_line(own_frames[-1], file)}")
    if isinstance(error, TypeError) and "argument" in text:
        message += " Does your function take the same arguments as the stub?"
    return Verdict(CRASHED, message)


def _describe_line(frame: traceback.FrameSummary, file: str) -> str:
    """Name and quote the line of a frame, `return x` in line 2 of its file or cell."""
    number = frame.lineno or 0
    line = (linecache.getline(file, number) or frame.line or "").strip()[:100]
    place = Path(file).name if file.endswith(".py") and "ipykernel" not in file else "its cell"
    return f"The error is in line {number} of {place}" + (f": `{line}`" if line else "") + "."


def _simplify(text: str) -> str:
    """Reword the messages of NumPy and PyTorch about products of shapes that do not fit, and no others."""
    numpy_matmul = re.search(
        r"operand 1 has a mismatch in its core dimension 0.*size (\d+) is different from (\d+)\)", text
    )
    if numpy_matmul:  # it does not report the outer sizes
        left, right = f"..., {numpy_matmul[2]}", f"{numpy_matmul[1]}, ..."
    else:
        shapes = re.search(r"shapes \(([\d,]+)\) and \(([\d,]+)\) not aligned", text)
        shapes = shapes or re.search(r"shapes cannot be multiplied \(([\dx]+) and ([\dx]+)\)", text)
        if not shapes:
            return text
        left, right = (shape.replace("x", ",").replace(",", ", ").strip() for shape in shapes.groups())
    return f"a product of shapes ({left}) and ({right}), but the inner sizes must be equal"


def _source_file(answer: Any) -> str:
    """Return the file or cell in which a function, a partial's function, a method or a class is defined."""
    while isinstance(answer, functools.partial):
        answer = answer.func
    answer = safely(inspect.unwrap, answer)
    part = answer.__init__ if isinstance(answer, type) else answer
    for candidate in (part, type(part).__call__):
        code = safely(lambda function: function.__code__, candidate)
        if isinstance(code, types.CodeType):
            return code.co_filename
    return ""
