"""The documentation is held to the code: commands, settings, question kinds, methods, examples."""

import ast
import re
from pathlib import Path

import click
import pytest
import yaml

from analysis.study import read_study
from analysis.study.functions import FUNCTIONS
from analysis.study.questions import KINDS
from surveyapp.settings import SETTINGS

ROOT = Path(__file__).parent.parent
DOCS = {path.relative_to(ROOT): path.read_text() for path in (ROOT / "docs").rglob("*.md")}
PAGES = DOCS | {Path(name): (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md")}


def commands(group: click.Group, context: click.Context, path: tuple[str, ...] = ()):
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from commands(command, context, (*path, name))
        else:
            yield " ".join((*path, name)), command


def command_lines():
    from analysis.cli import main as analyst
    from surveyapp.commands import main as app

    for program, group in (("python -m analysis", analyst), ("surveyapp", app)):
        for name, command in commands(group, click.Context(group)):
            yield pytest.param(f"{program} {name}", command, id=f"{program} {name}")


@pytest.mark.parametrize(("line", "command"), list(command_lines()))
def test_every_command_has_help_and_a_place_in_the_docs(line, command):
    assert command.help, f"{line} has no help"
    assert line in "\n".join(DOCS.values()), f"no page of docs/ shows '{line}'"
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{line} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_every_setting_is_in_the_operations_page_with_its_own_help(setting):
    lines = DOCS[Path("docs/operations.md")].splitlines()
    row = next(line for line in lines if line.startswith(f"| `{setting.name}` |"))
    assert setting.help.rstrip(".").lower() in row.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_every_question_kind_is_documented_and_has_an_example(kind):
    assert f"| `{kind}` |" in DOCS[Path("docs/study-definition.md")]
    everything = read_study(ROOT / "examples/all-kinds/study.yaml")
    assert kind in {question.kind for question in everything.questions()}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").rglob("study.yaml")), ids=str)
def test_every_example_is_sound(path):
    read_study(path)


def test_every_yaml_snippet_of_the_study_page_can_be_read():
    snippets = re.findall(r"```yaml\n(.*?)```", DOCS[Path("docs/study-definition.md")], re.S)
    assert snippets
    for snippet in snippets:
        assert isinstance(yaml.safe_load(snippet), dict)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", PAGES[page]):
        assert (ROOT / page.parent / target).exists(), f"{page} links to {target}"


def test_every_dependency_says_why_it_is_there():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = DOCS[Path("docs/dependencies.md")].lower()
    extras = [d for group in project["optional-dependencies"].values() for d in group]
    for requirement in [*project["dependencies"], *extras]:
        name = re.split(r"[\[<>=]", requirement)[0].lower()
        assert name == "surveyapp" or re.search(rf"\b{re.escape(name)}\b", page), name


def test_example_data_say_their_source_and_licence():
    for path in (ROOT / "examples").rglob("*.csv*"):
        source = (path.parent / "SOURCE.md").read_text()
        assert path.name in source
        assert "licence" in source.lower()


def test_functions_of_the_analysis_are_annotated_and_documented():
    for path in (ROOT / "analysis").rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            public = isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
            assert not public or ast.get_docstring(node), f"{path.name}: {node.name}"


def test_every_function_of_the_expression_language_is_explained():
    page = (ROOT / "docs" / "study-definition.md").read_text()
    assert [name for name in FUNCTIONS if f"`{name}(" not in page] == []
