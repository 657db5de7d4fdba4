"""One bundle under several interpreters: do they run it, read alike, and how fast.

`worker` runs in each interpreter's own process; everything else asks, collects and reports.
"""
