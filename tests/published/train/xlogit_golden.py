"""The mixed logit of golden.json, by xlogit 0.2.7: ``pip install xlogit``, then run this file."""

from pathlib import Path

import pandas as pd
from xlogit import MixedLogit

NAMES = ["price", "time", "change", "comfort"]

choices = pd.read_csv(Path(__file__).parent / "choices.csv.gz")
model = MixedLogit()
model.fit(
    choices[NAMES],
    choices["chosen"],
    varnames=NAMES,
    alts=choices["alternative"],
    ids=choices.groupby(["respondent", "task"]).ngroup(),
    panels=choices["respondent"],
    randvars=dict.fromkeys(NAMES, "n"),
    n_draws=200,
    halton=True,
    tol_opts={"ftol": 1e-13, "gtol": 1e-8},
    verbose=0,
)
print(model.loglikelihood)
print(model.coeff_)
