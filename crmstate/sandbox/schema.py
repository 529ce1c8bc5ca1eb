"""The tables of a World, as SQL. It holds no behaviour: what may happen to a row is decided in `acts`, `contract` and
`clock`.

Times are text (`2026-11-01T00:00:00Z`), so that they compare as text. Ids are compared byte by byte, as the
listings order them.
"""

FORMAT = 1

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, name TEXT, role TEXT NOT NULL, status TEXT NOT NULL, licence
  TEXT,
  last_login_at TEXT, modified_at TEXT NOT NULL, deleted_at TEXT) WITHOUT ROWID;
CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, created_at TEXT NOT NULL, agent TEXT, ended_at
  TEXT) WITHOUT ROWID;
CREATE TABLE api_keys (id TEXT PRIMARY KEY, name TEXT, user_id TEXT NOT NULL, prefix TEXT NOT NULL, scopes TEXT NOT
  NULL,
  created_at TEXT NOT NULL, last_used_at TEXT, status TEXT NOT NULL, orphaned INTEGER NOT NULL DEFAULT 0,
  secret TEXT NOT NULL UNIQUE, refresh_token TEXT NOT NULL UNIQUE) WITHOUT ROWID;
CREATE TABLE access_tokens (token TEXT PRIMARY KEY, key_id TEXT NOT NULL, expires_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE integrations (id TEXT PRIMARY KEY, type TEXT NOT NULL, name TEXT, target TEXT, status TEXT NOT NULL,
  last_used_at TEXT, deleted_at TEXT) WITHOUT ROWID;
CREATE TABLE modules (id TEXT PRIMARY KEY, name TEXT, status TEXT NOT NULL, data_effect TEXT NOT NULL, true_effect
  TEXT NOT NULL,
  datasets TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE settings (id TEXT PRIMARY KEY, name TEXT, customised INTEGER NOT NULL, modified_at TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE datasets (id TEXT PRIMARY KEY, name TEXT, exportable INTEGER NOT NULL, modified_at TEXT NOT NULL,
  fields TEXT NOT NULL,
  live INTEGER NOT NULL DEFAULT 0, binned INTEGER NOT NULL DEFAULT 0, files INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE rows (dataset TEXT NOT NULL, id TEXT NOT NULL, owner_id TEXT, created_at TEXT NOT NULL, modified_at
  TEXT NOT NULL,
  fields TEXT NOT NULL, binned INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (dataset, id)) WITHOUT ROWID;
CREATE TABLE attachments (dataset TEXT NOT NULL, id TEXT NOT NULL, row_id TEXT NOT NULL, name TEXT, size INTEGER NOT
  NULL, mime TEXT,
  sha256 TEXT NOT NULL, content BLOB, binned INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (dataset, id)) WITHOUT ROWID;
CREATE TABLE pending (kind TEXT NOT NULL, id TEXT NOT NULL, action TEXT NOT NULL, params TEXT NOT NULL, requested_at
  TEXT NOT NULL,
  completes_at TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE tally (kind TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE requests (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, method TEXT NOT NULL, target TEXT NOT NULL, key_id
  TEXT, ids TEXT,
  body TEXT, status INTEGER, fault TEXT);
CREATE TABLE effects (n INTEGER PRIMARY KEY, seq INTEGER, at TEXT NOT NULL, verb TEXT NOT NULL, kind TEXT NOT NULL,
  id TEXT NOT NULL,
  irreversible INTEGER NOT NULL);
CREATE TABLE faults (id INTEGER PRIMARY KEY, action TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  key_id TEXT, schedule TEXT NOT NULL, times INTEGER, params TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0,
  fired INTEGER NOT NULL DEFAULT 0, until TEXT);
"""

_INDEXES = """
CREATE INDEX IF NOT EXISTS users_by_role ON users (role, status);
CREATE INDEX IF NOT EXISTS sessions_by_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS api_keys_by_user ON api_keys (user_id);
CREATE INDEX IF NOT EXISTS rows_by_owner ON rows (owner_id, dataset) WHERE binned = 0;
CREATE INDEX IF NOT EXISTS rows_by_time ON rows (dataset, modified_at) WHERE binned = 0;
CREATE INDEX IF NOT EXISTS attachments_by_row ON attachments (dataset, row_id);
CREATE INDEX IF NOT EXISTS pending_by_time ON pending (completes_at);
CREATE INDEX IF NOT EXISTS effects_by_seq ON effects (seq);
"""

PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA busy_timeout = 30000;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -65536;
"""

# How many of a kind are listed is counted as it changes: a total must not cost a walk over a hundred thousand rows.
TALLIED = {
    "user": ("users", "deleted_at IS NULL"),
    "session": ("sessions", "ended_at IS NULL"),
    "api_key": ("api_keys", "orphaned = 0"),
}


def _tally(kind: str) -> str:
    table, listed = TALLIED[kind]
    up, down = (f"BEGIN UPDATE tally SET n = n {sign} 1 WHERE kind = '{kind}'; END;" for sign in "+-")
    name = f"CREATE TRIGGER IF NOT EXISTS {table}"
    return f"""
INSERT OR REPLACE INTO tally SELECT '{kind}', count(*) FROM {table} WHERE {listed};
{name}_come AFTER INSERT ON {table} WHEN NEW.{listed} {up}
{name}_go AFTER DELETE ON {table} WHEN OLD.{listed} {down}
{name}_end AFTER UPDATE ON {table} WHEN OLD.{listed} AND NOT (NEW.{listed}) {down}
{name}_return AFTER UPDATE ON {table} WHEN NEW.{listed} AND NOT (OLD.{listed}) {up}
"""


INDEXES = _INDEXES + "".join(_tally(kind) for kind in TALLIED)
