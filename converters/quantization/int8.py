"""What eight bits hold."""

LEVELS = 255
"""Steps of a range: activations use all 256 numbers."""
LARGEST = 127
"""What the largest magnitude of a symmetric tensor is stored as: of weights, and of activations trained for that."""
