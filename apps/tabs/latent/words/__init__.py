"""What the words do: each looked up over the picture, and weighted."""
