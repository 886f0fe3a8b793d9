"""Makes the logit part of golden.json again, with NumPy alone: python refit.py CHOICES.csv.gz."""

import json
import sys

import numpy as np
import pandas as pd

NAMES = ["pf", "cl", "loc", "wk", "tod", "seas"]


def refit(path):
    frame = pd.read_csv(path)
    x = frame[NAMES].to_numpy(float).reshape(-1, 4, 6)
    chosen = frame["chosen"].to_numpy().reshape(-1, 4).argmax(axis=1)
    person = frame["respondent"].to_numpy()[::4]
    b = np.zeros(6)
    for _ in range(20):
        p = np.exp(x @ b)
        p /= p.sum(axis=1, keepdims=True)
        mean = np.einsum("nj,njk->nk", p, x)
        scores = x[np.arange(len(x)), chosen] - mean
        information = np.einsum("nj,njk,njl->kl", p, x, x) - mean.T @ mean
        b = b + np.linalg.solve(information, scores.sum(axis=0))
    inverse = np.linalg.inv(information)
    sums = np.array([scores[person == r].sum(axis=0) for r in np.unique(person)])
    return {
        "ll": float(np.log(p[np.arange(len(x)), chosen]).sum()),
        "coef": b.tolist(),
        "se": np.sqrt(np.diag(inverse)).tolist(),
        "se_robust": np.sqrt(np.diag(inverse @ (scores.T @ scores) @ inverse)).tolist(),
        "se_cluster": np.sqrt(np.diag(inverse @ (sums.T @ sums) @ inverse)).tolist(),
    }


if __name__ == "__main__":
    print(json.dumps(refit(sys.argv[1]), indent=1))
