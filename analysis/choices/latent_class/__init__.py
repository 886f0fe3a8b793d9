"""Latent classes of respondents: a finite mixture of logits on the panel likelihood.

``L_n = sum_q share_q prod_t P(choice of n in task t | class q)``: a respondent belongs to one
class in all tasks. Kamakura & Russell (1989); with scale classes, Magidson & Vermunt (2007).
``mixture`` holds the parameters, ``likelihood`` their likelihood and its derivatives, ``em`` the
way to a maximum, ``classes`` what comes out.
"""

from analysis.choices.latent_class.classes import LatentClasses
from analysis.choices.latent_class.fit import compare_classes, fit_latent_class
from analysis.choices.latent_class.likelihood import derivatives
from analysis.choices.latent_class.mixture import Mixture

__all__ = ["LatentClasses", "Mixture", "compare_classes", "derivatives", "fit_latent_class"]
