"""Tools for a teacher: the page of a class, copies for a class, assignments, the site, and the memory stick."""
