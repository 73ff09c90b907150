"""The programs that ``virgil demo`` runs. Each is written as a user would write it: read one to learn the language.

``registry.py`` names them; ``output.py`` holds the table and the figure that they share.
"""
