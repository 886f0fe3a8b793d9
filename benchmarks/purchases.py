"""Lifetime value beside the lifetimes package, the load beside pandas: CPU seconds and memory.

    python benchmarks/purchases.py [--customers 1000000] [--peer-customers 100000]
    python benchmarks/purchases.py --part load [--rows 10000000]

The load: see ``loading.py``. Lifetime value: simulated purchases (BG/NBD with the published
parameters of CDNOW, watched for 27 to 39 weeks, whole days) are written to Parquet; ours groups
equal histories in DuckDB and fits the groups. The peer (`lifetimes` 0.11.3) gets its summary table
of customers ready made, and fewer of them.
Each run is a process of its own on one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

THREADS = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
TRUTH = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}


def simulate(customers, path):
    """Purchases of BG/NBD customers, all at once: one row a purchase day."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    generator = np.random.default_rng(7)
    rate = generator.gamma(TRUTH["r"], 1 / TRUTH["alpha"], customers)
    chance = generator.beta(TRUTH["a"], TRUTH["b"], customers)
    days = generator.integers(189, 273, customers)
    until = generator.geometric(np.maximum(chance, 1e-9))
    who, when = [np.arange(customers)], [np.zeros(customers, dtype=np.int64)]
    now, going, turn = np.zeros(customers), np.arange(customers), 0
    while len(going):
        turn += 1
        now[going] += 7 * generator.exponential(1 / np.maximum(rate[going], 1e-300))
        going = going[now[going] < days[going]]
        who.append(going)
        when.append(np.ceil(now[going]).astype(np.int64))
        going = going[until[going] > turn]
    who, when = np.concatenate(who), np.concatenate(when)
    start = np.datetime64("1997-09-30") - days[who]
    table = pa.table(
        {
            "customer": pa.array(who).cast(pa.string()),
            "time": pa.array((start + when).astype("datetime64[us]")),
            "amount": pa.array(generator.gamma(5, 700, len(who)).astype(np.int64) + 1),
        }
    )
    folder = Path(path) / "versions" / "000001"
    (folder / "rows").mkdir(parents=True)
    (Path(path) / "current").symlink_to("versions/000001")
    for name in ("currency", "store", "product", "channel", "order", "line"):
        table = table.append_column(name, pa.nulls(len(who), pa.string()))
    table = table.append_column("on_sale", pa.nulls(len(who), pa.bool_()))
    pq.write_table(table, folder / "rows" / "purchases.parquet")


def ours(folder, model):
    from datetime import date

    from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
    from analysis.purchases.lifetime_value.buying import fit_buying
    from analysis.purchases.lifetime_value.grouped import grouped_histories
    from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD

    start = time.process_time()
    histories = grouped_histories(Path(folder), as_of=date(1997, 9, 30))
    grouped = time.process_time()
    fit = fit_buying(BG_NBD if model == "bg-nbd" else PARETO_NBD, histories)
    return {
        "grouping": grouped - start,
        "fit": time.process_time() - grouped,
        "rows": len(histories),
        "parameters": fit.parameters,
        "log_likelihood": fit.log_likelihood,
    }


def peer(folder, model):
    warnings.simplefilter("ignore")
    from datetime import date

    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    from analysis.purchases.lifetime_value.grouped import customer_histories

    table = customer_histories(Path(folder), as_of=date(1997, 9, 30))
    fitter = (BetaGeoFitter if model == "bg-nbd" else ParetoNBDFitter)()
    start = time.process_time()
    fitter.fit(table["x"], table["t_x_days"] / 7, table["T_days"] / 7)
    used = time.process_time() - start
    return {"grouping": 0.0, "fit": used, "rows": len(table), "parameters": dict(fitter.params_)}


def run(program, folder, model):
    command = [sys.executable, __file__, "--one", program, "--folder", str(folder)]
    environment = os.environ | THREADS
    done = subprocess.run(
        [*command, "--model", model], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(done.stdout.splitlines()[-1])


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--customers", type=int, default=1_000_000)
    arguments.add_argument("--peer-customers", type=int, default=100_000)
    arguments.add_argument("--part", choices=["lifetime-value", "load"], default="lifetime-value")
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--one", choices=["ours", "peer"], help=argparse.SUPPRESS)
    arguments.add_argument("--folder", help=argparse.SUPPRESS)
    arguments.add_argument("--model", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.part == "load":
        load(given)
        return
    if given.one:
        found = (ours if given.one == "ours" else peer)(given.folder, given.model)
        found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(found))
        return
    for customers, programs in (
        (given.peer_customers, ("ours", "peer")),
        (given.customers, ("ours",)),
    ):
        with tempfile.TemporaryDirectory() as folder:
            simulate(customers, folder)
            for model in ("bg-nbd", "pareto-nbd"):
                for program in programs:
                    show(customers, program, model, run(program, folder, model))


def load(given):
    """Load one file with both programs, each in a process of its own."""
    sys.path.insert(0, str(Path(__file__).parent))
    import loading

    if given.one:
        program = loading.ours if given.one == "ours" else loading.peer
        with tempfile.TemporaryDirectory() as scratch:
            used, found, accepted = program(f"{given.folder}/purchases.csv", scratch)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        truth = loading.read_truth(f"{given.folder}/bad.json")
        judged = loading.judged(found, truth)
        print(json.dumps({"used": used, "accepted": accepted, "peak_mib": peak, **judged}))
        return
    with tempfile.TemporaryDirectory() as folder:
        truth = loading.write_file(f"{folder}/purchases.csv", given.rows)
        Path(f"{folder}/bad.json").write_text(json.dumps(truth))
        spent = {}
        for program in ("ours", "peer"):
            command = [sys.executable, __file__, "--part", "load", "--one", program]
            done = subprocess.run(
                [*command, "--folder", folder], capture_output=True, text=True, check=True
            )
            found = json.loads(done.stdout.splitlines()[-1])
            spent[program] = found["used"]
            print(
                f"{given.rows:>11,} rows {program:<5} {found['used']:7.1f} s CPU, "
                f"{found['peak_mib']:6.0f} MiB, {found['accepted']:,} accepted, "
                f"{found['right']:,} of {found['bad']:,} bad rows with their reason, "
                f"{found['wrongly']} set apart wrongly",
                flush=True,
            )
        print(f"pandas takes {spent['peer'] / spent['ours']:.1f} times the CPU")


def show(customers, program, model, found):
    parameters = " ".join(f"{value:.4g}" for value in found["parameters"].values())
    print(
        f"{customers:>9,} {model:<10} {program:<5} grouping {found['grouping']:6.2f} s, "
        f"fit {found['fit']:7.2f} s CPU, {found['rows']:>9,} rows, "
        f"{found['peak_mib']:5.0f} MiB, {parameters}",
        flush=True,
    )


if __name__ == "__main__":
    main()
