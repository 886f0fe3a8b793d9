from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.customers.engagement import engagement_facets
from analysis.study import read_study

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")


def test_each_facet_has_its_own_score():
    scores = pd.DataFrame(
        {"attention.perceived": [20.0, 40, np.nan], "enthusiasm.perceived": [90.0, 80, 70]}
    )
    thinking, feeling, doing = engagement_facets(STUDY, scores)
    assert (thinking.facet, thinking.estimate.value, thinking.estimate.n) == (
        "cognitive_engagement",
        30,
        2,
    )
    assert feeling.estimate.value == 80
    assert doing.estimate.reason == "the study does not ask for it"
