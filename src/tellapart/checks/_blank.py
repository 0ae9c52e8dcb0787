"""What counts as a blank picture; shared by the checks for light and for blur."""

BLANK_DEVIATION = 3.0
"""Standard deviation of the grey values (0 to 255) below which a picture counts as blank."""

BLANK_RANGE = 24
"""Range of values in a picture's thumbnail from which it does not count as blank, such as a small mark on paper."""
