"""Programs that `course.py` runs: the demo, the practice fabric, the doctor, and their common parts."""
