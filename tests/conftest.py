"""How tests are shared out among processes: a file to each, but all that start Spark to one."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling


class Sharing(LoadFileScheduling):
    def _split_scope(self, nodeid):
        return "spark" if "[spark" in nodeid else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config, log):
    return Sharing(config, log)
