"""Apache Spark as an engine: the optional extra ``spark``, and Java 17 or newer."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.ledgers.days import split_by_day
from analysis.ledgers.kinds import DAY
from analysis.purchases.engines import EngineFault, Part, arrow_schema

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
ON_THIS_MACHINE = {
    "spark.sql.shuffle.partitions": str(os.cpu_count()),
    "spark.driver.host": "127.0.0.1",
}


def missing() -> str:
    """What Spark lacks here, in words; empty when it can be used."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return (
            "the engine 'spark' needs pyspark, which is not installed. "
            "Run 'make setup-spark', or install surveyapp[spark]"
        )
    java = os.environ.get("JAVA_HOME")
    if java and not (Path(java) / "bin" / "java").exists():
        return f"JAVA_HOME is '{java}', where there is no bin/java. Correct it, or unset it"
    if not java and shutil.which("java") is None:
        return (
            "the engine 'spark' needs Java 17 or newer, and there is none on PATH. "
            "Install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
        )
    return ""


@contextmanager
def spark_engine() -> Iterator[SparkEngine]:
    """The Spark session that runs, else a new one, which ends with the block.

    Raises
    ------
    EngineFault
        When pyspark or Java is missing, or Spark does not start.
    """
    lack = missing()
    if lack:
        raise EngineFault(lack)
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    session = running or _start()
    with tempfile.TemporaryDirectory(prefix="purchases-") as folder:
        engine = SparkEngine(session, Path(folder))
        try:
            yield engine
        finally:
            engine.close()
            if running is None:
                session.stop()


def _start() -> Any:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("surveyapp")
    settings = dict(SETTINGS)
    if not (os.environ.get("MASTER") or os.environ.get("SPARK_HOME")):
        builder = builder.master("local[*]")
        settings |= ON_THIS_MACHINE
    elif os.environ.get("MASTER"):
        builder = builder.master(os.environ["MASTER"])
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # Java's own reasons come in many types
        words = " ".join(str(error).split())[:300]
        raise EngineFault(f"Spark did not start: {words}") from None
    session.sparkContext.setLogLevel("ERROR")
    return session


class SparkEngine:
    """A Spark session; tables offered go through Parquet files in a folder of their own."""

    name = "spark"

    def __init__(self, session: Any, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._kept: list[Any] = []
        self._offered = 0
        self._session.conf.set("spark.sql.session.timeZone", "UTC")

    def offer(self, name: str, table: pa.Table | list[Path]) -> None:
        if isinstance(table, pa.Table):
            self._offered += 1
            file = self._folder / f"{name}-{self._offered}.parquet"
            pq.write_table(table, file, coerce_timestamps="us")
            table = [file]
        self._dated(table).createOrReplaceTempView(name)

    def _dated(self, files: list[Path]) -> Any:
        """The rows of Parquet files; where they have a time alone, its date in UTC is the day."""
        from pyspark.sql.functions import to_date

        parts = [
            self._session.read.parquet(*(path.absolute().as_uri() for path in some))
            if some
            else None
            for some in split_by_day(files)
        ]
        dated, undated = parts
        if undated is None:
            return dated
        undated = undated.withColumn(DAY, to_date("time"))
        return undated if dated is None else dated.unionByName(undated, allowMissingColumns=True)

    def keep(self, name: str, expression: ir.Table) -> ir.Table:
        rows = self._session.sql(_sql(expression)).persist()
        self._kept.append(rows)
        name = f"{name}_{len(self._kept)}"
        rows.createOrReplaceTempView(name)
        return ibis.table(expression.schema(), name=name)

    def keep_on_disk(self, name: str, parts: Iterable[ir.Table]) -> ir.Table:
        """As ``keep``, which goes to disk where memory ends."""
        (whole,) = parts  # a cluster divides its work itself
        return self.keep(name, whole)

    def forget(self, table: ir.Table) -> None:
        """Nothing: what is kept is computed when it is first used, and let go at the end."""

    def parts(self, purchases: ir.Table) -> list[Part]:
        return [Part(purchases)]

    def arrow(self, expression: ir.Table) -> pa.Table:
        found = self._session.sql(_sql(expression)).toArrow()
        return found.cast(arrow_schema(expression))

    def batches(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """All at once: Spark gathers the rows here whole."""
        yield from self.arrow(expression).to_batches()

    def write(self, expression: ir.Table, path: Path) -> None:
        self._session.sql(_sql(expression)).write.parquet(path.absolute().as_uri())

    def close(self) -> None:
        """Let go of what was kept."""
        for rows in self._kept:
            rows.unpersist()


class _Text(ibis.config.Config):  # type: ignore[misc]
    """What Ibis asks when it writes Spark's SQL; its own options come with its connection only."""

    treat_nan_as_null: bool = False


def _sql(expression: ir.Table) -> str:
    if ibis.options.pyspark is None:
        ibis.options.pyspark = _Text()
    return str(ibis.to_sql(expression, dialect="pyspark"))
