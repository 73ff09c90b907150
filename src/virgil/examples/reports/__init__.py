"""What the programs print and draw, a file for each; ``output.py`` holds the table and the figure that they share."""
