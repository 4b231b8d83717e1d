"""The course as static pages that open from the disk: which pages, their HTML, formulas, and the folder."""
