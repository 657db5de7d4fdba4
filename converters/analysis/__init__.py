"""Where a model loses by quantisation, and what it would cost to leave that float: figures, a table and a picture."""
