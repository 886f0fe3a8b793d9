"""The tutorial works: its files are written, its commands run, and what it shows comes out."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(?:Save this as `([^`]+)`:\n\n)?```(\w+)\n(.*?)```", re.S)


def steps(console):
    """Commands of a console block with the output lines shown below each."""
    for part in re.split(r"^\$ ", console, flags=re.M)[1:]:
        lines = part.replace("\\\n", " ").splitlines()
        shown = [line.strip() for line in lines[1:] if line.strip() not in ("", "...")]
        yield lines[0], shown


def test_the_tutorial(tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SURVEYAPP_")}
    environment = kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "SURVEYAPP_INSTANCE": str(tmp_path / "instance"),
        "SURVEYAPP_NEW_PASSWORD": "correct horse battery staple",
    }
    ran = 0
    for name, language, text in BLOCK.findall((ROOT / "docs/tutorial.md").read_text()):
        if name:
            (tmp_path / name).write_text(text)
        if language != "console":
            continue
        for command, shown in steps(text):
            done = subprocess.run(
                command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            output = done.stdout + done.stderr
            expected = 2 if any(line.startswith("Error:") for line in shown) else 0
            assert done.returncode == expected, f"$ {command}\n{output}"
            for line in shown:
                assert line in output, f"$ {command}\nshould print: {line}\nprinted:\n{output}"
            ran += 1
    assert ran > 10
