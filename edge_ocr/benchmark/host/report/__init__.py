"""What people and other programs read of a result: on a terminal, as Markdown, as JUnit XML, as a picture."""
