"""How tests are shared out among processes: a file to each, but for what is dear to make twice."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

ONE_REPORT = "tests/analysis/rendering/"


class Sharing(LoadFileScheduling):
    def _split_scope(self, nodeid):
        if "[spark" in nodeid:
            return "spark"
        return ONE_REPORT if nodeid.startswith(ONE_REPORT) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return Sharing(config, log)
