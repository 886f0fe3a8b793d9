"""The child process of a scheduled scoring: ``python -m surveyapp.jobs.rescore PERIOD``."""

from __future__ import annotations

import sys
import threading

from surveyapp.jobs import schedule
from surveyapp.jobs.run import end_with_the_worker, meant_for_people
from surveyapp.jobs.scoring import score_ledger
from surveyapp.settings import read_settings


def main(period: str) -> int:
    """Score as of the day before a period; 2 with a message on standard error when it cannot be."""
    threading.Thread(target=end_with_the_worker, daemon=True).start()
    try:
        score_ledger(read_settings(), as_of=schedule.as_of(period))
    except (ValueError, RuntimeError) as error:
        if not meant_for_people(error):
            raise
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
