"""Whether the answers have the structure that the study planned: confirmatory factor analysis.

``fit_structure`` fits every construct as one factor of its own items; ``invariance`` asks whether
several groups answer alike; ``validity`` says what the constructs are worth as measures.
"""

from analysis.ratings.confirmatory.fit import Improper, StructureFit, fit_structure
from analysis.ratings.confirmatory.invariance import Invariance, invariance
from analysis.ratings.confirmatory.validity import Validity, validity

__all__ = [
    "Improper",
    "Invariance",
    "StructureFit",
    "Validity",
    "fit_structure",
    "invariance",
    "validity",
]
