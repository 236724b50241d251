"""Starting from a picture."""
