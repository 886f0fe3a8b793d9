"""Images of options and levels: uploaded, checked, never changed, served to respondents."""

import io

import pytest
from click.testing import CliRunner

from analysis.study import StudyFaults
from surveyapp.commands import main
from surveyapp.jobs.publish import publish
from surveyapp.store import images, studies
from tests import builders
from tests.surveyapp.people import logged_in

STUDY = builders.read_study(builders.ALL_KINDS)
ROUND = (builders.IMAGES / "round.png").read_bytes()
SQUARE = (builders.IMAGES / "square.png").read_bytes()
ADDRESS = f"/studies/{STUDY.study}/images"


@pytest.fixture
def drafted(app):
    """The app with the study of all kinds as a draft, without its images."""
    with builders.store_of(app).write() as c:
        text = builders.ALL_KINDS.read_text()
        studies.save_draft(c, STUDY.study, "All", text, at="2026-01-01T00:00:00.000Z")
    return app


def upload(person, *files):
    sent = [(io.BytesIO(content), name) for name, content in files]
    reply = person.post(ADDRESS, files=sent)
    assert reply.status_code == 303
    return person.get(ADDRESS).text


def test_uploaded_images_are_listed_and_missing_ones_named(drafted):
    person = logged_in(drafted, "researcher")
    assert "not stored: long.png, round.png, square.png" in person.get(ADDRESS).text
    page = upload(person, ("round.png", ROUND), ("square.png", SQUARE))
    assert "2 images stored" in page and "not stored: long.png" in page
    assert f'src="/images/{STUDY.study}/round.png"' in page
    assert "Images (1 missing)" in person.get(f"/studies/{STUDY.study}/").text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("round.png", b"<svg onload=alert(1)>", "not a PNG, JPEG or WebP"),
        ("round.jpg", ROUND, "its name says another kind"),
        ("round.svg", ROUND, "cannot be named"),
        ("Round bun.png", ROUND, "cannot be named"),
        ("round.png", ROUND + b"\x00" * 200_000, "Save it smaller"),
    ],
)
def test_what_is_no_small_image_is_refused_with_everything_sent_beside_it(
    drafted, name, content, said
):
    person = logged_in(drafted, "researcher")
    page = upload(person, ("square.png", SQUARE), (name, content))
    assert said in page and "Nothing was stored" in page
    with builders.store_of(drafted).read() as c:
        assert images.names(c, STUDY.study) == []


def test_an_image_never_changes_under_its_name(drafted):
    person = logged_in(drafted, "researcher")
    upload(person, ("round.png", ROUND))
    assert "1 image stored" in upload(person, ("round.png", ROUND))
    assert "give the new image another name" in upload(person, ("round.png", SQUARE))
    served = drafted.test_client().get(f"/images/{STUDY.study}/round.png")
    assert served.data == ROUND and served.mimetype == "image/png"
    assert "immutable" in served.headers["Cache-Control"]
    assert served.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["other/round.png", "all_kinds/none.png", "all_kinds/..%2fx.png"])
def test_other_addresses_have_no_image(drafted, path):
    assert drafted.test_client().get(f"/images/{path}").status_code == 404


def test_only_researchers_upload(drafted):
    assert logged_in(drafted, "manager").get(ADDRESS).status_code == 403
    assert drafted.test_client().get(ADDRESS).status_code in (302, 303)


def test_a_study_is_not_published_without_its_images(drafted):
    definition = builders.dump_study(STUDY)
    with pytest.raises(StudyFaults, match=r"long\.png") as refused:
        publish(
            builders.store_of(drafted), STUDY, definition,
            by="me", import_only=False, progress=lambda *_: None,
        )  # fmt: skip
    assert {fault.code for fault in refused.value.faults} == {"NO_IMAGE"}


def test_images_beside_the_file_come_along(tmp_path, monkeypatch):
    monkeypatch.setenv("SURVEYAPP_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.setenv("SURVEYAPP_DATABASE_URL", builders.databases.address(tmp_path / "instance"))
    for words in (["init"], ["study", "add", str(builders.ALL_KINDS)]):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
    app = builders.make_app(tmp_path / "instance")
    with builders.store_of(app).read() as c:
        assert images.names(c, STUDY.study) == ["long.png", "round.png", "square.png"]
    builders.close(app)


def test_images_on_some_options_only_are_a_fault():
    text = builders.ALL_KINDS.read_text().replace(", image: long.png", "")
    with pytest.raises(StudyFaults, match="long have none"):
        builders.parse_study(text)
