"""The images of a study: seen and uploaded by researchers."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from analysis.study import StudyFaults, parse_study
from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.store import images
from surveyapp.studies.door import door, found


@door.get("/<name>/images")
@access("researcher", "administrator")
def images_of(name: str) -> ResponseReturnValue:
    """The images of a study, and which of those that the draft uses are missing."""
    record = found(name)
    try:
        used = parse_study(record.draft).images()
    except StudyFaults:
        used = frozenset()
    with current.store().read() as c:
        stored, missing = images.names(c, name), images.missing(c, name, used)
    return render_template(
        "studies/images.html",
        record=record,
        stored=stored,
        missing=missing,
        used=used,
        kilobytes=images.MOST_BYTES // 1000,
    )


@door.post("/<name>/images")
@access("researcher", "administrator")
def add_images(name: str) -> ResponseReturnValue:
    """Store uploaded images: all of them, or none."""
    found(name)
    files = [file for file in request.files.getlist("files") if file.filename]
    try:
        with current.store().write() as c:
            for file in files:
                images.add(c, name, _name(file), file.read(), at=clock.now())
    except images.ImageFault as fault:
        flash(f"{fault} Nothing was stored.", "error")
    else:
        count = f"{len(files)} image{'' if len(files) == 1 else 's'}"
        flash(f"{count} stored." if files else "Choose files first.")
    return redirect(url_for("studies.images_of", name=name), code=303)


def _name(file: FileStorage) -> str:
    """The name of a file without folders; the study file must be able to write it."""
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    if not images.NAME.fullmatch(name):
        raise images.ImageFault(
            f"'{name[:80]}' cannot be named in a study file. Use lower-case letters, digits, "
            "hyphens and underscores, such as bun.png."
        )
    return name
