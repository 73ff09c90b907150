"""Reports of the programs, one a file; ``output.py`` holds the table and the figure that they share."""
