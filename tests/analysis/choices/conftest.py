"""Studies with a known truth."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.coding import coding_of
from analysis.study import Study
from analysis.tables import check_choices


def level(name, **more):
    return {"id": name, "label": name.title(), **more}


def make_study(**changes):
    """Taste (3 levels), look (2), price (linear, 0.5 to 2), and none."""
    exercise = {
        "id": "bun",
        "question": "Which?",
        "alternatives": 3,
        "none": {"label": "None"},
        "attributes": [
            {
                "id": "taste",
                "label": "Taste",
                "tag": "emotional",
                "levels": [level("plain"), level("sweet"), level("salty")],
            },
            {"id": "look", "label": "Look", "levels": [level("poor"), level("good")]},
            {
                "id": "price",
                "label": "Price",
                "tag": "price",
                "coding": "linear",
                "levels": [level(f"p{n}", number=n / 2) for n in (1, 2, 3, 4)],
            },
        ],
    }
    return Study.model_validate(
        {"study": "s", "title": "S", "currency": "EUR", "exercises": [exercise | changes]}
    )


def simulate(study, truth, *, respondents=300, tasks=8, seed=1):
    """Choices of people who all share the coefficients ``truth`` (K,)."""
    generator = np.random.default_rng(seed)
    exercise = study.choice_exercise()
    shown = exercise.alternatives + (exercise.none is not None)
    rows = respondents * tasks * shown
    frame = pd.DataFrame(
        {
            "respondent": np.repeat(np.arange(respondents), tasks * shown),
            "task": np.tile(np.repeat(np.arange(tasks), shown), respondents) + 1,
            "alternative": np.tile(np.arange(shown), respondents * tasks) + 1,
        }
    )
    for attribute in exercise.attributes:
        ids = np.array([lv.id for lv in attribute.levels], dtype=object)
        frame[attribute.id] = ids[generator.integers(len(ids), size=rows)]
        if exercise.none is not None:
            frame.loc[frame["alternative"] == shown, attribute.id] = None
    coding = coding_of(study, exercise)
    utility = coding.matrix(frame) @ truth + generator.gumbel(size=rows)
    frame["chosen"] = False
    frame.loc[utility.reshape(-1, shown).argmax(axis=1) + np.arange(0, rows, shown), "chosen"] = (
        True
    )
    return check_choices(frame, exercise)


TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])
"""taste plain, taste sweet, look poor, price per unit, none."""


@pytest.fixture(scope="session")
def study():
    return make_study()


@pytest.fixture(scope="session")
def choices(study):
    return simulate(study, TRUTH)


@pytest.fixture(scope="session")
def make():
    return make_study, simulate
