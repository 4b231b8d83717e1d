"""What a teacher needs beside the notebooks: the page of a class, class copies, assignments, the site, the stick."""
