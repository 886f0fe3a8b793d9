"""A wheel built from the project, installed in an empty environment, serves pages."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SERVE = """
import surveyapp, sys
from surveyapp import create_app
assert surveyapp.__file__.startswith(sys.prefix), surveyapp.__file__
client = create_app().test_client()
page = client.get("/staff/log-in")
assert page.status_code == 200, page.status
assert "<form" in page.text
for asset in {part.split('"')[0] for part in page.text.split('href="')[1:] if ".css" in part}:
    assert client.get(asset).status_code == 200, asset
german = client.get("/s/none", headers={"Accept-Language": "de"}).text
assert "Hier gibt es keine Umfrage" in german, german
print("served")
"""


def run(*command, cwd, **environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "SURVEYAPP"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    run(*build, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv/bin/python"
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", "-q", wheel, cwd=folder)
    # The dependencies of this environment, without the project that is installed beside them.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / f"venv/lib/{version}/site-packages/dependencies.pth").write_text(
        sysconfig.get_paths()["purelib"] + "\n"
    )
    return python, folder


def test_the_wheel_serves_pages(installed):
    python, folder = installed
    assert "served" in run(python, "-c", SERVE, cwd=folder)


def test_the_wheel_has_both_command_lines(installed):
    python, folder = installed
    assert "init" in run(python.parent / "surveyapp", "--help", cwd=folder)
    assert "partworths" in run(python, "-m", "analysis", "--help", cwd=folder)
