"""Functional, emotional and price value: the money value of upgrades, and shares of the ranges.

The upgrades of a tag are named once, for everybody: from the worst to the best level of each of its
attributes, by the stated preference, else by the mean part-worths. Shares are those "among the
levels tested". How both depend on the study's own choices is a figure of its own: over half the
tested prices, and with each contestable attribute counted under the other tag.
"""

from analysis.choices.tag_values.at_point import tag_values, without_values
from analysis.choices.tag_values.named import HALF_PRICES, SMALLEST, TagFigure, as_other_tag

__all__ = [
    "HALF_PRICES",
    "SMALLEST",
    "TagFigure",
    "as_other_tag",
    "tag_values",
    "without_values",
]
