"""Inspection of any folder of pictures: from listing them to a report."""
