"""The arrows of docs/architecture.md, read from the imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for room in ("analysis", "surveyapp")
    for path in (ROOT / room).rglob("*.py")
}
WEB_MAY_IMPORT = (
    "analysis.study",
    "analysis.estimate",
    "analysis.customer_key",
    "analysis.ledgers.faults",
    "analysis.ledgers.first_look",
    "analysis.ledgers.identifiers",
    "analysis.ledgers.kinds",
    "analysis.ledgers.layout",
    "analysis.ledgers.stored",
    "analysis.ledgers.summary",
    "analysis.value_report.types",
    "analysis.diagnostics.types",
    "analysis.rendering.figures",
    "analysis.rendering.html",
    "analysis.rendering.files",
    "analysis.rehearsal.types",
    "analysis.rehearsal.words",
    "analysis.customers.actions.families",
    "analysis.customers.actions.planned",
    "analysis.customers.quality.live",
    "analysis.customers.quality.types",
    "analysis.choices.coding",
    "analysis.choices.simulator",
    "analysis.purchases.stored_scores",
    "analysis.purchases.stored_outlook",
    "analysis.purchases.stored_movement",
)
NOT_WEB = ("surveyapp.jobs", "surveyapp.commands", "surveyapp.bots")
TRYING = ("analysis.synthetic", "analysis.rehearsal")
WINGS = ("analysis.choices", "analysis.ratings", "analysis.purchases")


def imports(name: str, *, top_level: bool = False) -> set[str]:
    """What a module imports; with ``top_level``, only what importing it imports."""
    tree = ast.parse(MODULES[name].read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    found = set()
    for node in ast.walk(tree):
        if top_level and id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {dotted if dotted in MODULES else node.module for dotted in full}
    return found


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_arrows(name):
    wanted = imports(name)
    if name.startswith("analysis"):
        web = ("surveyapp", "flask", "wtforms", "sqlalchemy", "waitress")
        assert not [m for m in wanted if within(m, web)]
    if within(name, ("analysis.ledgers",)):
        own = ("analysis.ledgers", "analysis.customer_key")
        assert not [m for m in wanted if within(m, ("analysis",)) and not within(m, own)]
    for wing in WINGS:
        if within(name, (wing,)):
            others = tuple(other for other in WINGS if other != wing)
            above = ("analysis.customers", "analysis.value_report", "analysis.archive", *TRYING)
            assert not [m for m in wanted if within(m, others + above)]
    if within(name, ("analysis.rendering",)):
        types = ("analysis.value_report.types", "analysis.diagnostics.types")
        own = ("analysis.rendering", *types, "analysis.estimate")
        assert not [m for m in wanted if within(m, ("analysis",)) and not within(m, own)]
    if name.startswith("surveyapp") and not within(name, NOT_WEB):
        assert not [m for m in wanted if within(m, ("analysis",)) and not within(m, WEB_MAY_IMPORT)]
    if not within(name, ("surveyapp.store",)):
        assert not [m for m in wanted if within(m, ("sqlalchemy", "alembic"))]
    if not within(name, ("analysis.archive", "surveyapp.commands")):
        assert not [m for m in wanted if within(m, ("sqlite_utils",))]
    if not within(name, ("surveyapp.questions",)):
        forms = [m for m in wanted if within(m, ("wtforms",))]
        assert not forms or name.endswith(".forms")


def test_commands_import_heavy_things_only_inside_their_bodies():
    heavy = ("pandas", "numpy", "statsmodels", "duckdb", "ibis", "sqlite_utils")
    light = ("analysis.study", "analysis.estimate", "analysis.customer_key")
    for name in MODULES:
        if within(name, ("surveyapp.commands",)):
            wanted = imports(name, top_level=True)
            assert not [m for m in wanted if within(m, heavy)], name
            assert not [m for m in wanted if within(m, ("analysis",)) and not within(m, light)]


def test_no_function_is_longer_than_80_lines():
    long = []
    for name, path in MODULES.items():
        if "migrations" in path.parts:  # lists of columns
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 80:
                kernel = any(ast.unparse(d) == "compiled" for d in node.decorator_list)
                long += [] if kernel else [f"{name}:{node.name}"]
    assert not long


def test_web_process_loads_no_statistics():
    """Importing pandas, statsmodels or DuckDB would cost every web process seconds and memory."""
    program = (
        "import sys, tempfile, pathlib\n"
        "from surveyapp import create_app\n"
        "from surveyapp.settings import read_settings\n"
        "create_app(read_settings(pathlib.Path(tempfile.mkdtemp())))\n"
        "heavy = {'pandas', 'numpy', 'scipy', 'statsmodels', 'duckdb', 'ibis', 'numba',"
        "'typst', 'pptx', 'xlsxwriter', 'lxml'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
