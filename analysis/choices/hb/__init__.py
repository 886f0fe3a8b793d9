"""Hierarchical Bayes for choices: normal part-worths, multinomial logit answers.

``fit_hb`` for a study and its choices, ``sample`` for coded arrays (``pack``); ``warm_up``
compiles the kernels. Method and derivation: docs/methods/hierarchical-bayes.md.
"""

from analysis.choices.hb.diagnostics import Diagnostics, diagnose
from analysis.choices.hb.fit import Hierarchy, final, fit_hb
from analysis.choices.hb.packing import Packed, pack
from analysis.choices.hb.priors import Prior, bayesm_prior, sawtooth_prior
from analysis.choices.hb.sampling import Cancelled, Posterior, Settings, State, sample, warm_up

__all__ = [
    "Cancelled",
    "Diagnostics",
    "Hierarchy",
    "Packed",
    "Posterior",
    "Prior",
    "Settings",
    "State",
    "bayesm_prior",
    "diagnose",
    "final",
    "fit_hb",
    "pack",
    "sample",
    "sawtooth_prior",
    "warm_up",
]
