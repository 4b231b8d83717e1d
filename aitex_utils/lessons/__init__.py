"""The functions with which notebooks teach: `check`, `hint`, `predict`, `reveal`, `calibration`, `quiz`.

`yours` lets later cells run on the learner's own functions, and `progress_table` shows what a learner has done. `sign`
puts the learner's name into the progress file, `unsign` removes it, and `hand_in` copies the file for a teacher. The
exercises, the quiz and the figures of a notebook are in a folder of their own (`nb01/`, ...). Nothing is sent anywhere.
`engine/progress.py` describes the file that is kept.
"""

from __future__ import annotations

from .engine.check import check, hint
from .engine.compare import Verdict
from .engine.judge import Exercise, Mistake, judge
from .engine.predictions import calibration, predict, reveal
from .engine.quiz import Question, quiz
from .engine.sign import hand_in, sign, unsign
from .engine.table import progress_table
from .engine.yours import yours

__all__ = [
    "Exercise",
    "Mistake",
    "Question",
    "Verdict",
    "calibration",
    "check",
    "hand_in",
    "hint",
    "judge",
    "predict",
    "progress_table",
    "quiz",
    "reveal",
    "sign",
    "unsign",
    "yours",
]
