"""The draft page by page, as respondents will see it; nothing is saved."""

from __future__ import annotations

import random
from collections.abc import Iterator

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from analysis.study import Attribute, ChoiceExercise, Study, StudyFaults, parse_study
from analysis.study.exercises import BestWorstExercise, Exercise
from analysis.study.flow import Group
from analysis.study.pages import END
from analysis.study.piping import filled
from analysis.study.questions import PARTS, Question
from analysis.study.routing import Step, tasks_shown
from surveyapp import current, languages
from surveyapp.access import access
from surveyapp.respond.draw import Screen, draw_step, page_words
from surveyapp.respond.ends import ENDS, end_page
from surveyapp.store import Connection, studies
from surveyapp.store.records import StudyRecord, TaskRecord
from surveyapp.studies.door import door, found

EXAMPLE_FACTS = {"person": "pid", "panel": "the panel"}
EXAMPLE = "The choice tasks are examples; the real ones are made when the study is published"


@door.get("/<name>/preview/<int:number>")
@access("researcher", "administrator")
def preview(name: str, number: int) -> ResponseReturnValue:
    """One page of the draft, counted from 1; every page is shown, whatever its condition."""
    record = found(name)
    study = _draft(record)
    if study is None:
        return redirect(url_for("studies.one", name=name), code=303)
    language = _language(study)
    steps = every_step(study)
    if not 1 <= number <= len(steps):
        abort(404)
    step = steps[number - 1]
    with current.store().read() as c:
        task, real = _task(c, record, study, step)
    last = number == len(steps)
    overview = url_for("studies.preview_pages", name=name)
    screen = Screen(
        language=language,
        task=task,
        back=_address(name, number - 1, language) if number > 1 else overview,
        onward=overview if last else _address(name, number + 1, language),
        notice=_notice(study, step, real),
        fill=_with_names,
    )
    return draw_step(study, step, screen)


@door.get("/<name>/preview/")
@access("researcher", "administrator")
def preview_pages(name: str) -> ResponseReturnValue:
    """All pages of the draft that can be looked at: start, steps and ends, in every language."""
    record = found(name)
    study = _draft(record)
    if study is None:
        return redirect(url_for("studies.one", name=name), code=303)
    steps = [(n, step, _title(study, step)) for n, step in enumerate(every_step(study), start=1)]
    ends = {name: end.title for name, end in ENDS.items()}
    return render_template(
        "studies/preview.html", record=record, study=study, steps=steps, ends=ends
    )


@door.route("/<name>/preview/page/<page>", methods=["GET", "POST"])
@access("researcher", "administrator")
def preview_page(name: str, page: str) -> ResponseReturnValue:
    """The start page or one of the ends; sending the start leads to the first step."""
    record = found(name)
    study = _draft(record)
    if study is None:
        return redirect(url_for("studies.one", name=name), code=303)
    language = _language(study)
    if page == "start":
        if request.method == "POST":
            return redirect(_address(name, 1, language), code=303)
        languages.speak(language)
        words = page_words(study, language, _with_names)
        shown: dict[str, object] = {
            "key": None,
            "run_kind": "live",
            "notice": None,
            "kept": {},
            "preview": True,
        }
        return render_template("respond/start.html", **shown, **words)
    if page not in ENDS:
        abort(404)
    return end_page(page, study, language=language, facts=EXAMPLE_FACTS, preview=True)


def _draft(record: StudyRecord) -> Study | None:
    try:
        return parse_study(record.draft)
    except StudyFaults:
        flash("The draft has faults. Mend them to see the preview.", "error")
        return None


def _language(study: Study) -> str:
    wanted = request.values.get("lang", "") or request.form.get("language", "")
    return wanted if wanted in study.languages else study.default_language


def _title(study: Study, step: Step) -> str:
    if step.task:
        return f"{study.exercise(step.page.exercise).question.say()} ({step.task})"
    first = step.questions[0].text if step.questions else step.page.text
    title = step.page.title or first
    return title.say() if title else step.page.id


def every_step(study: Study) -> list[Step]:
    """All pages with all their questions, and the first two tasks of an exercise.

    The pages of a loop are there for its first entry.
    """
    found_steps: list[Step] = []
    for placed in study.placed:
        page = placed.page
        if placed.repeated:
            continue
        if page.exercise:
            shown = min(tasks_shown(study, page), 2)
            found_steps += [Step(page, task=n + 1) for n in range(shown)]
        else:
            found_steps.append(Step(page, page.questions))
    return found_steps


def example_task(exercise: Exercise, number: int) -> TaskRecord:
    """A task of random levels or items, to look at."""
    draw = random.Random(number)  # noqa: S311 - an example to look at
    if isinstance(exercise, BestWorstExercise):
        size = min(exercise.set_size, len(exercise.items))
        shown = [{"item": item.id} for item in draw.sample(exercise.items, size)]
    else:
        count = exercise.alternatives if isinstance(exercise, ChoiceExercise) else 1
        shown = [{a.id: _example_level(a, draw) for a in exercise.attributes} for _ in range(count)]
    return TaskRecord(exercise.id, 1, number, "estimation", tuple(shown))


def _example_level(attribute: Attribute, draw: random.Random) -> str:
    if attribute.range:
        return f"{draw.uniform(attribute.range.least, attribute.range.greatest):.3g}"
    return draw.choice(attribute.levels).id


def _task(
    c: Connection, record: StudyRecord, study: Study, step: Step
) -> tuple[TaskRecord | None, bool]:
    """The task to show, and whether it is one that respondents get."""
    if not step.task:
        return None, True
    exercise = study.exercise(step.page.exercise)
    made = (
        studies.task(c, study.study, record.version, exercise.id, 1, step.task)
        if record.version
        else None
    )
    if made and all(_fits(exercise, levels) for levels in made.alternatives):
        return made, True
    return example_task(exercise, step.task), False


def _fits(exercise: Exercise, levels: dict[str, str]) -> bool:
    """Whether published levels or items are still those of the draft."""
    if isinstance(exercise, BestWorstExercise):
        return levels.get("item") in {item.id for item in exercise.items}
    known = {a.id: {level.id for level in a.levels} for a in exercise.attributes}
    return levels.keys() == known.keys() and all(v in known[a] for a, v in levels.items())


def _is_shuffled(exercise: Exercise) -> bool:
    orders = (getattr(exercise, f"{part}_order", "fixed") for part in ("attribute", "alternative"))
    return isinstance(exercise, BestWorstExercise) or "random" in orders


def _with_names(text: str) -> str:
    """A text with the names of the answers that will stand in it."""
    return filled(text, lambda pipe: f"[{pipe.name}]")


def _notice(study: Study, step: Step, real: bool) -> str | None:
    notes = [] if real else [EXAMPLE]
    if step.page.exercise and _is_shuffled(study.exercise(step.page.exercise)):
        notes.append("Respondents see this in an order of their own")
    for group in study.flow.groups():
        if step.page.id in group.ids:
            notes += _of_block(group)
    if step.page.show_if:
        notes.append(f"Shown only if: {step.page.show_if}")
    if step.page.question_order == "random":
        notes.append("The questions stand in an order of the respondent's own")
    for question in step.questions:
        notes += _of_question(question)
    notes += [f"Refused unless: {check.that}" for check in step.page.checks]
    if step.page.screen_out_if:
        notes.append(f"The survey ends here if: {step.page.screen_out_if}")
    for skip in step.page.skip_to:
        where = "the survey ends" if skip.page == END else f"goes on at '{skip.page}'"
        notes.append(f"After this page it {where}" + (f" if: {skip.if_}" if skip.if_ else ""))
    return ". ".join(notes) or None


def _of_block(group: Group) -> Iterator[str]:
    if group.show_if:
        yield f"The block '{group.id}' is shown only if: {group.show_if}"
    if group.loop:
        over = f"what is {group.loop.take.replace('_', ' ')} in '{group.loop.over}'"
        most = f", at most {group.most}" if group.most else ""
        order = ", in random order" if group.order == "random" else ""
        what = over if group.loop.over else f"{len(group.members)} entries"
        yield f"The block '{group.id}' is asked for {what}{most}{order}; this is the first"
    elif group.order == "random" or group.most:
        most = f", of which {group.most} are shown" if group.most else ""
        order = "in random order" if group.order == "random" else "in this order"
        yield f"The block '{group.id or group.path}' has its pages {order}{most}"


def _of_question(question: Question) -> Iterator[str]:
    if question.show_if:
        yield f"'{question.id}' is shown only if: {question.show_if}"
    for field, order in PARTS:
        for part in getattr(question, field, ()):
            if part.show_if:
                yield f"'{question.id}.{part.id}' is shown only if: {part.show_if}"
        if getattr(question, order, "fixed") == "random":
            yield f"The {field} of '{question.id}' stand in an order of the respondent's own"
    yield from (f"'{question.id}' is refused unless: {check.that}" for check in question.checks)


def _address(name: str, number: int, language: str) -> str:
    return url_for("studies.preview", name=name, number=number, lang=language)
