"""How well a bundle reads: labelled pictures in, figures with their uncertainty out."""
