"""Scoring a purchase log, beside pandas and Polars: CPU seconds and peak memory.

    python benchmarks/scores.py [--rows 10000000] [--customers 500000]
                                [--programs ours,polars,pandas,spark] [--engine-memory GB]

The whole job from a Parquet file to Parquet files: customer x week roll-up, scores (recency,
frequency, spend, points, weekly limits), tiers and deciles, cohorts and retention, mean and
deviation of the rolling score. Every run is a process of its own; all must give the same checksums.
The peers are written as we would for ourselves: the same roll-up first, the same staircase without
a grid, native expressions, streaming where there is any.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

AS_OF = date(2026, 6, 30)
COLUMNS = ["customer", "time", "amount", "on_sale"]
FILE_ROWS = 10_000_000
THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


def simulate(rows, customers, folder):
    """A log of 130 weeks, in files of ten million lines, each of customers of its own."""
    folder.mkdir()
    files = -(-rows // FILE_ROWS)
    for n in range(files):
        first, end = customers * n // files, customers * (n + 1) // files
        size = rows * (n + 1) // files - rows * n // files
        simulate_file(size, range(first, end), folder / f"{n:03}.parquet", seed=11 + n)


def simulate_file(rows, customers, path, *, seed):
    """Parts of two million lines; a few customers buy much, most little; names in no order."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    generator = np.random.default_rng(seed)
    weight = np.cumsum(generator.gamma(0.6, 1.0, len(customers)))
    names = pa.array([f"{n * 2654435761 % 2**32:08x}{n:024x}" for n in customers])
    empty = ("store", "product", "channel", "order", "line")
    writer = None
    for start in range(0, rows, 2_000_000):
        n = min(2_000_000, rows - start)
        who = np.searchsorted(weight, generator.random(n) * weight[-1])
        seconds = generator.integers(0, 130 * 7 * 86_400, n)
        time = np.datetime64("2026-07-01") - seconds.astype("timedelta64[s]")
        amount = np.where(generator.random(n) < 0.02, -1, 1) * generator.gamma(
            1.5, 2_000, n
        ).astype(np.int64)
        columns = {
            "customer": names.take(pa.array(who)),
            "time": pa.array(time.astype("datetime64[us]")),
            "amount": pa.array(amount),
            "currency": pa.repeat("USD", n),
            "on_sale": pa.array(generator.random(n) < 0.3),
        } | {name: pa.nulls(n, pa.string()) for name in empty}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def ours(path, out, *, engine="duckdb", memory_gb=None):
    from analysis.purchases.engines import open_engine
    from analysis.purchases.scoring import ScoringPlan, score

    with open_engine(engine, memory_gb=memory_gb) as opened:
        found = score(opened, Path(path), as_of=AS_OF, plan=ScoringPlan())
        opened.write(found.customers, Path(out) / "customers.parquet")
        return checksums(opened, found)


def checksums(engine, found):
    from analysis.purchases.engines import frame

    t = found.customers
    row = frame(
        engine,
        t.agg(
            customers=t.count(),
            frequency=t.frequency.sum().cast("int64"),
            best=(t.tier == "platinum").cast("int64").sum().cast("int64"),
            deciles=t.decile.sum().cast("int64"),
            points=t.points.sum(),
            weekly_sd=t.weekly_sd.sum(),
            rolling_mean=t.rolling_mean.sum(),
            rolling_sd=t.rolling_sd.sum(),
        ),
    ).iloc[0]
    return row.to_dict() | {
        "active": int(found.cohorts["active"].sum()),
        "retained": int(found.retention["retained"].sum()),
    }


def polars(path, out):
    import polars as pl

    until = pl.lit(AS_OF)
    day = pl.col("time").dt.date()
    bought = pl.col("amount") >= 0
    weeks = (
        pl.scan_parquet(path)
        .select(COLUMNS)
        .filter(day <= until)
        .with_columns(day=day, ago=(until - day).dt.total_days())
        .group_by("customer", week=pl.col("ago") // 7)
        .agg(
            cents=pl.col("amount").sum(),
            days=pl.col("day").filter(bought).n_unique(),
            first=pl.col("day").filter(bought).min(),
            last=pl.col("day").filter(bought).max(),
            sale=pl.col("amount").filter(bought & pl.col("on_sale")).sum(),
            known=pl.col("amount").filter(bought & pl.col("on_sale").is_not_null()).sum(),
        )
        .collect(engine="streaming")
    )
    week, cents = pl.col("week"), pl.col("cents")
    year, latest = week < 52, week < 13
    back, back_latest = (week >= 13) & (week < 65), (week >= 13) & (week < 26)
    overlap = [
        pl.max_horizontal(
            pl.min_horizontal(week, 51) - pl.max_horizontal(week - (width - 1), 0) + 1, 0
        )
        for width in (52, 13)
    ]
    total = cents.filter(year).sum()
    spread = (
        52 * (cents.filter(year).cast(pl.Float64) ** 2).sum() - total.cast(pl.Float64) ** 2
    ) / 52**2
    scores = (
        weeks.lazy()
        .group_by("customer")
        .agg(
            first=pl.col("first").min(),
            last=pl.col("last").max(),
            frequency=pl.col("days").sum(),
            monetary=cents.sum() / 100,
            year=total / 100,
            quarter=cents.filter(latest).sum() / 100,
            signed=(total + cents.filter(latest).sum()) / 100,
            signed_back=(cents.filter(back).sum() + cents.filter(back_latest).sum()) / 100,
            weekly_sd=spread.clip(0).sqrt() / 100,
            rolling_mean=(cents * (overlap[0] + overlap[1])).sum() / 5200,
            sale=pl.col("sale").filter(year).sum(),
            known=pl.col("known").filter(year).sum(),
            days_52=pl.col("days").filter(year).sum(),
            days_13=pl.col("days").filter(latest).sum(),
            w0=cents.filter(week == 0).sum() / 100,
            w1=cents.filter(week == 1).sum() / 100,
            w2=cents.filter(week == 2).sum() / 100,
        )
        .collect(engine="streaming")
    )
    stairs = pl.concat(
        [
            weeks.lazy()
            .filter((week >= later) & (week <= later + 50))
            .select("customer", at=week - later, change=(cents * factor).cast(pl.Float64))
            for later, factor in ((0, 2), (13, -1), (52, -1))
        ]
    )
    moments = (
        stairs.sort("customer", "at", descending=[False, True])
        .with_columns(
            level=pl.col("change").cum_sum().over("customer"),
            lasts=pl.col("at") - pl.col("at").shift(-1).over("customer").fill_null(-1),
        )
        .group_by("customer")
        .agg(
            about=(pl.col("level") * pl.col("lasts")).sum() / 52,
            square=(pl.col("level") ** 2 * pl.col("lasts")).sum() / 52,
        )
        .collect(engine="streaming")
    )
    scores = scores.join(moments, on="customer", how="left").with_columns(
        points=pl.col("signed").clip(0),
        points_back=pl.col("signed_back").clip(0),
        recency=(until - pl.col("last")).dt.total_days(),
        gap=(pl.col("last") - pl.col("first")).dt.total_days() / (pl.col("frequency") - 1),
        weekly_mean=pl.col("year") / 52,
        rolling_sd=((pl.col("square") - pl.col("about") ** 2).clip(0).sqrt() / 100).fill_null(0.0),
        sale_share=pl.col("sale") / pl.col("known"),
    )
    lower = (pl.col("weekly_mean") - 2 * pl.col("weekly_sd")).clip(0)
    limited = (lower > 0) & (pl.col("weekly_sd") > 0)
    mean = pl.col("weekly_mean")
    scores = scores.with_columns(
        state=pl.when(pl.col("days_52") < 4)
        .then(pl.lit("too_few"))
        .when(limited & (pl.col("w0") < lower))
        .then(pl.lit("below"))
        .when((pl.col("w0") > mean) & (pl.col("w1") > mean) & (pl.col("w2") > mean))
        .then(pl.lit("above_3_weeks"))
        .when(limited & (pl.col("w0") <= lower + 0.5 * pl.col("weekly_sd")))
        .then(pl.lit("near_lower"))
        .otherwise(pl.lit("within"))
    )
    values = (
        scores.filter(pl.col("points") > 0)
        .group_by("points")
        .len()
        .sort("points", descending=True)
        .with_columns(share=pl.col("len").cum_sum() / pl.col("len").sum())
    )

    def cut(share):
        return values.filter(pl.col("share") <= share)["points"].min()

    cuts, deciles = [cut(s) for s in (0.05, 0.2, 0.5)], [cut(n / 10) for n in range(1, 10)]

    def tier(points):
        named = pl.when(points <= 0).then(pl.lit("inactive"))
        for name, least in zip(("platinum", "gold", "silver"), cuts, strict=True):
            named = named.when(points >= least).then(pl.lit(name))
        return named.otherwise(pl.lit("bronze"))

    points = pl.col("points")
    scores = scores.with_columns(
        tier=tier(points),
        tier_back=tier(pl.col("points_back")),
        decile=pl.when(points > 0)
        .then(1 + sum((points >= c).cast(pl.Int64) for c in deciles))
        .otherwise(0),
        rank=points.rank("min", descending=True),
    )
    scores.group_by("tier", "tier_back").len()
    scores.write_parquet(Path(out) / "customers.parquet")
    month = [
        pl.col(name).dt.year().cast(pl.Int64) * 12 + pl.col(name).dt.month()
        for name in ("first", "last")
    ]
    bought_weeks = weeks.lazy().filter(pl.col("first").is_not_null())
    months = (
        pl.concat(
            [
                bought_weeks.select("customer", month=month[0]),
                bought_weeks.filter(month[0] != month[1]).select("customer", month=month[1]),
            ]
        )
        .unique()
        .collect(engine="streaming")
    )
    since = months.group_by("customer").agg(start=pl.col("month").min())
    aged = months.join(since, on="customer")
    cohorts = aged.group_by("start", age=pl.col("month") - pl.col("start")).len()
    after = months.with_columns(month=pl.col("month") + 1)
    retained = months.join(after, on=["customer", "month"], how="semi").height
    return {
        "customers": scores.height,
        "frequency": int(scores["frequency"].sum()),
        "best": int((scores["tier"] == "platinum").sum()),
        "deciles": int(scores["decile"].sum()),
        "active": int(cohorts["len"].sum()),
        "retained": retained,
        **{
            n: float(scores[n].sum()) for n in ("points", "weekly_sd", "rolling_mean", "rolling_sd")
        },
    }


def pandas(path, out):
    import numpy as np
    import pandas as pd

    log = pd.read_parquet(path, columns=COLUMNS)
    log["customer"] = log["customer"].astype("category")
    day = log["time"].dt.normalize()
    ago = (pd.Timestamp(AS_OF) - day).dt.days
    log = log.assign(day=day, week=ago // 7)[ago >= 0]
    bought = log["amount"] >= 0
    keys = ["customer", "week"]
    log["sale"] = log["amount"].where(bought & log["on_sale"], 0)
    log["known"] = log["amount"].where(bought & log["on_sale"].notna(), 0)
    log["day"] = log["day"].where(bought)
    grouped = log.groupby(keys, observed=True, sort=False)
    weeks = grouped.agg(
        cents=("amount", "sum"),
        first=("day", "min"),
        last=("day", "max"),
        sale=("sale", "sum"),
        known=("known", "sum"),
    )
    distinct = log.loc[bought, [*keys, "day"]].drop_duplicates()
    weeks["days"] = distinct.groupby(keys, observed=True, sort=False).size()
    weeks["days"] = weeks["days"].fillna(0).astype("int64")
    weeks = weeks.reset_index()
    del log, distinct, grouped
    week, cents = weeks["week"], weeks["cents"]
    year, latest = week < 52, week < 13
    back, back_latest = (week >= 13) & (week < 65), (week >= 13) & (week < 26)
    overlap = sum(
        np.maximum(np.minimum(week, 51) - np.maximum(week - (width - 1), 0) + 1, 0)
        for width in (52, 13)
    )
    parts = weeks[["customer", "first", "last"]].assign(
        frequency=weeks["days"],
        monetary=cents,
        year=cents.where(year, 0),
        quarter=cents.where(latest, 0),
        back=cents.where(back, 0) + cents.where(back_latest, 0),
        square=(cents.where(year, 0).astype(float)) ** 2,
        rolling_sum=cents * overlap,
        sale=weeks["sale"].where(year, 0),
        known=weeks["known"].where(year, 0),
        days_52=weeks["days"].where(year, 0),
        days_13=weeks["days"].where(latest, 0),
        w0=cents.where(week == 0, 0),
        w1=cents.where(week == 1, 0),
        w2=cents.where(week == 2, 0),
    )
    sums = {n: "sum" for n in parts.columns if n not in ("customer", "first", "last")}
    scores = parts.groupby("customer", observed=True).agg({"first": "min", "last": "max", **sums})
    del parts
    stairs = pd.concat(
        [
            pd.DataFrame(
                {
                    "customer": weeks["customer"][inside],
                    "at": week[inside] - later,
                    "change": cents[inside] * float(factor),
                }
            )
            for later, factor in ((0, 2), (13, -1), (52, -1))
            for inside in [(week >= later) & (week <= later + 50)]
        ]
    ).sort_values(["customer", "at"], ascending=[True, False])
    by = stairs.groupby("customer", observed=True, sort=False)
    level = by["change"].cumsum()
    lasts = stairs["at"] - by["at"].shift(-1).fillna(-1)
    stairs = stairs.assign(about=level * lasts / 52, square=level**2 * lasts / 52)
    moments = stairs.groupby("customer", observed=True)[["about", "square"]].sum()
    moments = moments.reindex(scores.index).fillna(0)
    del stairs, by, level, lasts
    points = ((scores["year"] + scores["quarter"]) / 100).clip(lower=0)
    points_back = (scores["back"] / 100).clip(lower=0)
    spread = (52 * scores["square"] - scores["year"].astype(float) ** 2) / 52**2
    mean, sd = scores["year"] / 5200, np.sqrt(spread.clip(lower=0)) / 100
    lower = (mean - 2 * sd).clip(lower=0)
    limited = (lower > 0) & (sd > 0)
    w = [scores[f"w{n}"] / 100 for n in range(3)]
    scores = scores.assign(
        points=points,
        weekly_sd=sd,
        rolling_mean=scores["rolling_sum"] / 5200,
        rolling_sd=np.sqrt((moments["square"] - moments["about"] ** 2).clip(lower=0)) / 100,
        recency=(pd.Timestamp(AS_OF) - scores["last"]).dt.days,
        gap=(scores["last"] - scores["first"]).dt.days / (scores["frequency"] - 1),
        sale_share=scores["sale"] / scores["known"],
        state=np.select(
            [
                scores["days_52"] < 4,
                limited & (w[0] < lower),
                (w[0] > mean) & (w[1] > mean) & (w[2] > mean),
                limited & (w[0] <= lower + 0.5 * sd),
            ],
            ["too_few", "below", "above_3_weeks", "near_lower"],
            "within",
        ),
    )
    counts = points[points > 0].value_counts().sort_index(ascending=False)
    share = counts.cumsum() / counts.sum()

    def cut(wanted):
        return share.index[share <= wanted].min()

    cuts, deciles = [cut(s) for s in (0.05, 0.2, 0.5)], [cut(n / 10) for n in range(1, 10)]

    def tier(value):
        return np.select(
            [value <= 0, *(value >= c for c in cuts)],
            ["inactive", "platinum", "gold", "silver"],
            "bronze",
        )

    scores = scores.assign(
        tier=tier(points),
        tier_back=tier(points_back),
        decile=np.where(points > 0, 1 + sum((points >= c).astype(int) for c in deciles), 0),
        rank=points.rank(method="min", ascending=False),
    )
    scores.groupby(["tier", "tier_back"]).size()
    scores.to_parquet(Path(out) / "customers.parquet")
    some = weeks[weeks["first"].notna()]
    month = [some[n].dt.year * 12 + some[n].dt.month for n in ("first", "last")]
    months = pd.concat(
        [
            pd.DataFrame({"customer": some["customer"], "month": month[0]}),
            pd.DataFrame({"customer": some["customer"], "month": month[1]})[month[0] != month[1]],
        ]
    ).drop_duplicates()
    start = months.groupby("customer", observed=True)["month"].transform("min")
    cohorts = months.groupby([start.rename("start"), months["month"] - start]).size()
    after = months.assign(month=months["month"] + 1)
    retained = len(months.merge(after, on=["customer", "month"]))
    return {
        "customers": len(scores),
        "frequency": int(scores["frequency"].sum()),
        "best": int((scores["tier"] == "platinum").sum()),
        "deciles": int(scores["decile"].sum()),
        "active": int(cohorts.sum()),
        "retained": retained,
        **{
            n: float(scores[n].sum()) for n in ("points", "weekly_sd", "rolling_mean", "rolling_sd")
        },
    }


PROGRAMS = {
    "ours": ours,
    "polars": polars,
    "pandas": pandas,
    "spark": lambda path, out: ours(path, out, engine="spark"),
}


def run(program, path, memory_gb=None):
    """One program in a process of its own: its checksums, CPU seconds and peak MiB."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, __file__, "--one", program, "--path", str(path), "--out", out]
        if memory_gb:
            command += ["--engine-memory", str(memory_gb)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise SystemExit(done.stderr)
        found = json.loads(done.stdout.splitlines()[-1])
        found["cpu"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return found


def one(given):
    options = {"memory_gb": given.engine_memory} if given.program_options else {}
    sums = PROGRAMS[given.one](given.path, given.out, **options)
    print(json.dumps({"sums": {k: float(v) for k, v in sums.items()}, "peak_mib": peak_mib()}))


def peak_mib():
    """Most memory this process held; getrusage would count that of the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def differences(sums, wanted):
    """Checksums that differ: counts must be equal, sums to nine digits."""
    return [n for n, v in sums.items() if abs(v - wanted[n]) > 1e-9 * abs(wanted[n])]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--customers", type=int, default=500_000)
    arguments.add_argument("--programs", default="ours,polars,pandas")
    arguments.add_argument("--engine-memory", type=float, help="GB that DuckDB may use")
    arguments.add_argument("--one", choices=list(PROGRAMS), help=argparse.SUPPRESS)
    arguments.add_argument("--path", help=argparse.SUPPRESS)
    arguments.add_argument("--out", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    given.program_options = given.engine_memory and given.one == "ours"
    if given.one:
        one(given)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "purchases"
        simulate(given.rows, given.customers, path)
        first = None
        for program in given.programs.split(","):
            memory = given.engine_memory if program == "ours" else None
            found = run(program, path, memory)
            first = first or found
            bad = differences(found["sums"], first["sums"])
            print(
                f"{given.rows:>12,} rows {program:<7} {found['cpu']:7.1f} s CPU "
                f"({first['cpu'] / found['cpu']:.2f} of it), {found['peak_mib']:6.0f} MiB "
                f"({first['peak_mib'] / found['peak_mib']:.2f} of it), checksums "
                + (f"DIFFER in {', '.join(bad)}" if bad else "equal"),
                flush=True,
            )


if __name__ == "__main__":
    main()
