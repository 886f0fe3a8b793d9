"""The Study: what is asked, and how a study file is read and checked."""

from analysis.study.checks import (
    faults_before_asking,
    faults_before_publication,
)
from analysis.study.exercises import Attribute, ChoiceExercise, Level
from analysis.study.faults import Catalogue, Fault, StudyFaults
from analysis.study.load import (
    dump_study,
    language_warnings,
    parse_study,
    read_priors,
    read_study,
    study_schema,
)
from analysis.study.pages import Page
from analysis.study.types import Construct, Study

__all__ = [
    "Attribute",
    "Catalogue",
    "ChoiceExercise",
    "Construct",
    "Fault",
    "Level",
    "Page",
    "Study",
    "StudyFaults",
    "dump_study",
    "faults_before_asking",
    "faults_before_publication",
    "language_warnings",
    "parse_study",
    "read_priors",
    "read_study",
    "study_schema",
]
