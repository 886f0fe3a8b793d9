"""How long a search may take, and whom it tells how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable


class Watch:
    """Says when a search shall end, and passes on how far it is.

    A search ends at its own measure of work, so that the same seed gives the same design; a time
    limit, ``stop`` or Ctrl-C end it before, with the best design so far.
    """

    def __init__(
        self,
        limit: float | None = None,
        *,
        progress: Callable[[str, int, int], None] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._end = None if limit is None else time.monotonic() + limit
        self._progress = progress
        self._stop = stop
        self.interrupted = False

    def over(self) -> bool:
        """Whether to end now."""
        if self._end is not None and time.monotonic() >= self._end:
            self.interrupted = True
        if self._stop is not None and self._stop():
            self.interrupted = True
        return self.interrupted

    def tell(self, share: float) -> None:
        """Report the share of the work that is done."""
        if self._progress is not None:
            self._progress("Making the choice tasks", min(100, int(100 * share)), 100)
