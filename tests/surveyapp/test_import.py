"""What importing the app loads."""

import subprocess
import sys

HEAVY = ("pandas", "statsmodels", "scipy", "duckdb", "ibis", "numba", "pyarrow")


def test_the_web_process_loads_no_statistics(tmp_path):
    program = (
        "import sys, pathlib\n"
        "from surveyapp import create_app\n"
        "from surveyapp.settings import read_settings\n"
        f"app = create_app(read_settings(pathlib.Path({str(tmp_path)!r})))\n"
        "app.test_client().get('/staff/log-in')\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_simulating_loads_no_statistics_either():
    """The simulator's page imports these in the web process, inside its requests."""
    program = (
        "import pkgutil, sys\n"
        "from importlib import import_module\n"
        "import analysis.choices.simulator as room\n"
        "import surveyapp.reports.simulating, surveyapp.reports.simulator_routes\n"
        "for module in pkgutil.iter_modules(room.__path__):\n"
        "    import_module(f'{room.__name__}.{module.name}')\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
