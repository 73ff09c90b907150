"""Functions of old programs that are other functions under another name, or with other arguments."""
