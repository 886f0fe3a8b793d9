"""The floor of benchmarks/web.py: bare Flask, waitress and sqlite3, nothing that a page can lack.

The same pages as the load test's survey: 11 questions, 49 radios. A page that is sent: load the
respondent, validate, one transaction on disk (WAL, synchronous=FULL), redirect; a page that is
read: load the respondent and what is stored of the page, render.
"""

import secrets
import sqlite3
import sys
import threading

from flask import Flask, abort, redirect, render_template_string, request
from waitress import serve

AGREEMENT = ("Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree")
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Page {{ n }}</title>
<link rel="stylesheet" href="/static/base.css"></head><body><main>
<p>Part {{ n }} of {{ pages }}</p><progress value="{{ n - 1 }}" max="{{ pages }}"></progress>
<form method="post" action="/a/{{ token }}/{{ n }}">
<input type="hidden" name="turn" value="{{ turn }}">
<h1>Page {{ n }}</h1>
{% for name, text, options in questions %}
{% if options %}
<fieldset class="question"><legend>{{ text }}</legend><div class="scale">
{% for value, label in options %}
<div class="option">
<input type="radio" id="{{ name }}-{{ loop.index }}" name="{{ name }}" value="{{ value }}"
{%- if given.get(name) == value %} checked{% endif %}>
<label for="{{ name }}-{{ loop.index }}">{{ label }}</label></div>
{% endfor %}
</div></fieldset>
{% else %}
<div class="question"><label for="{{ name }}-1">{{ text }}</label>
<input type="text" id="{{ name }}-1" name="{{ name }}" maxlength="500"
 value="{{ given.get(name, '') }}"></div>
{% endif %}
{% endfor %}
<button>Continue</button></form></main></body></html>"""
START = """<h1>A load test</h1>
<form method="post" action="/s/load"><input type="hidden" name="a" value="b"></form>"""


def questions(n):
    text = "Statement {}: a good pastry is worth a detour"
    scale = [(str(k), label) for k, label in enumerate(AGREEMENT, start=1)]
    found = [(f"p{n}_q{k}", text.format(k), scale) for k in range(1, 8)]
    eleven = [(str(k), str(k)) for k in range(11)]
    found.append((f"p{n}_nps", "How likely are you to recommend us?", eleven))
    places = [("a", "A shop"), ("b", "A market"), ("c", "None")]
    found.append((f"p{n}_where", "Where do you buy?", places))
    found.append((f"p{n}_name", "What is it called?", None))
    found.append((f"p{n}_wish", "What is missing?", None))
    return found


def make_app(path, pages):
    app, here, writing = Flask("floor"), threading.local(), threading.Lock()
    asked = {n: questions(n) for n in range(1, pages + 1)}

    def database():
        if not hasattr(here, "c"):
            here.c = sqlite3.connect(path, isolation_level=None)
            for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL"):
                here.c.execute(f"PRAGMA {pragma}")
        return here.c

    with sqlite3.connect(path) as c:
        c.execute("CREATE TABLE respondents (token TEXT PRIMARY KEY, turn INTEGER, step INTEGER)")
        c.execute(
            "CREATE TABLE answers (token TEXT, question TEXT, value TEXT, turn INTEGER, "
            "PRIMARY KEY (token, question))"
        )
    c.close()

    def turn_of(token):
        found = database().execute("SELECT turn FROM respondents WHERE token = ?", (token,))
        return (found.fetchone() or abort(404))[0]

    @app.get("/s/load")
    def start():
        return START

    @app.post("/s/load")
    def begin():
        token, c = secrets.token_urlsafe(20), database()
        with writing:
            c.execute("INSERT INTO respondents VALUES (?, 0, 1)", (token,))
        return redirect(f"/a/{token}/1", 303)

    @app.get("/a/<token>/<int:n>")
    def show(token, n):
        turn = turn_of(token)
        if n > pages:
            return "<h1>Thank you</h1>"
        wanted = "SELECT question, value FROM answers WHERE token = ? AND question LIKE ?"
        given = dict(database().execute(wanted, (token, f"p{n}_%")))
        return render_template_string(
            PAGE, n=n, pages=pages, token=token, turn=turn, questions=asked[n], given=given
        )

    @app.post("/a/<token>/<int:n>")
    def send(token, n):
        turn_of(token)
        rows = []
        for name, _, options in asked.get(n) or abort(404):
            value = request.form.get(name, "").strip()
            wrong = value not in dict(options) if options else len(value) > 500
            if wrong:
                abort(422)
            rows.append((token, name, value))
        c = database()
        with writing:
            c.execute("BEGIN IMMEDIATE")
            turn = turn_of(token) + 1
            c.executemany(
                "INSERT INTO answers VALUES (?, ?, ?, ?) ON CONFLICT (token, question) "
                "DO UPDATE SET value = excluded.value, turn = excluded.turn",
                [(*row, turn) for row in rows],
            )
            c.execute("UPDATE respondents SET turn = ?, step = ? WHERE token = ?", (turn, n, token))
            c.execute("COMMIT")
        return redirect(f"/a/{token}/{n + 1}", 303)

    return app


if __name__ == "__main__":
    file, port, pages = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    serve(make_app(file, pages), host="127.0.0.1", port=port, threads=8, connection_limit=800)
