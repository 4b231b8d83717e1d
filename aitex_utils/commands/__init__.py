"""What `course.py` runs: the demo, the practice fabric, the doctor, and what they share."""
