"""``python -m analysis``."""

import os

# Before NumPy is loaded: starts and chains run side by side, and OpenBLAS's own threads would wait
# for each other besides.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from analysis.cli import main

if __name__ == "__main__":
    main(prog_name="python -m analysis")
