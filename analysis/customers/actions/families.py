"""The families of strategies, and what a test of one compares. Light: commands start on it."""

from typing import Literal

Outcome = Literal["buyers", "spend", "purchase_days"]
Family = Literal[
    "product_improvement",
    "service_recovery",
    "personalisation",
    "relationship_loyalty",
    "win_back",
    "leave_alone",
]
