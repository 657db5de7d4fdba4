"""Renders labelled pages and text lines that stand in for real pictures: fonts and texts in, pictures and boxes out."""
