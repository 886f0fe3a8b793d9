"""The load test's survey in oTree: eight pages of 11 questions and 49 radios."""

from otree.api import BaseConstants, BaseGroup, BasePlayer, BaseSubsession, Page, models, widgets

PAGES = 8
AGREEMENT = ["Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree"]
PLACES = [["a", "A shop"], ["b", "A market"], ["c", "None"]]


class C(BaseConstants):
    NAME_IN_URL = "load_test"
    PLAYERS_PER_GROUP = None
    NUM_ROUNDS = 1


class Subsession(BaseSubsession):
    pass


class Group(BaseGroup):
    pass


def radios(text, choices):
    return {"label": text, "choices": choices, "widget": widgets.RadioSelect}


def fields():
    found = {}
    for page in range(1, PAGES + 1):
        for n in range(1, 8):
            text = f"Statement {n}: a good pastry is worth a detour"
            scale = [[k, label] for k, label in enumerate(AGREEMENT, start=1)]
            found[f"p{page}_q{n}"] = models.IntegerField(**radios(text, scale))
        likely = radios("How likely are you to recommend us?", list(range(11)))
        found[f"p{page}_nps"] = models.IntegerField(**likely)
        found[f"p{page}_where"] = models.StringField(**radios("Where do you buy?", PLACES))
        found[f"p{page}_name"] = models.StringField(label="What is it called?", blank=True)
        found[f"p{page}_wish"] = models.LongStringField(label="What is missing?", blank=True)
    return found


Player = type("Player", (BasePlayer,), {"__module__": __name__, **fields()})


def page(n):
    names = [f"p{n}_q{k}" for k in range(1, 8)]
    names += [f"p{n}_nps", f"p{n}_where", f"p{n}_name", f"p{n}_wish"]
    more = {"form_model": "player", "form_fields": names, "__module__": __name__}
    return type(f"Page{n}", (Page,), {**more, "template_name": "load_test/Questions.html"})


page_sequence = [page(n) for n in range(1, PAGES + 1)]
