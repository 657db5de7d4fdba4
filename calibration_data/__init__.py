"""Pictures to calibrate on, and the generator that made them; nothing here is installed with the packages."""
