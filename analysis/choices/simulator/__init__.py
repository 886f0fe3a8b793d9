"""The simulator: what a market of products would choose, from saved draws. NumPy only.

``worths`` reads part-worths as an estimator left them, ``products`` says what is on the market,
``shares`` simulates a market, and the other modules ask it questions: who loses, what a level or a
price would change, which product is best and how sure that is.
"""
