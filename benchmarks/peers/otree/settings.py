"""oTree's project of benchmarks/web.py."""

SESSION_CONFIGS = [{"name": "load", "app_sequence": ["load_test"], "num_demo_participants": 1}]
MONEY = {"real_world_currency_per_point": 1.0, "participation_fee": 0.0}
SESSION_CONFIG_DEFAULTS = {**MONEY, "doc": ""}
PARTICIPANT_FIELDS: list[str] = []
SESSION_FIELDS: list[str] = []
LANGUAGE_CODE = "en"
REAL_WORLD_CURRENCY_CODE = "USD"
USE_POINTS = True
ADMIN_USERNAME = "admin"
ADMIN_PASSWORD = None
DEMO_PAGE_INTRO_HTML = ""
SECRET_KEY = "a benchmark on loopback"
