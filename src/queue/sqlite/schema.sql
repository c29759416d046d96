-- The embedded store, version 3. Times are milliseconds since 1970 by the store's clock.

-- One row a task, but for plain ones, which are in chunks. `seq` is the order of creation; `place` is the order in which a
-- queue's tasks became QUEUED.
CREATE TABLE task (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  queue TEXT NOT NULL,
  tenant TEXT NOT NULL,
  priority INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  retry TEXT NOT NULL,
  timeouts TEXT,
  lane TEXT NOT NULL,
  parents TEXT NOT NULL,
  parents_pending INTEGER NOT NULL,
  workflow_id TEXT NOT NULL,
  labels TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  queued_ms INTEGER,
  start_by_ms INTEGER,
  started_ms INTEGER,
  finished_ms INTEGER,
  run_at_ms INTEGER,
  lease_expires_ms INTEGER,
  lease_ms INTEGER,
  sign_ms INTEGER,
  worker_id TEXT,
  error TEXT,
  tokens REAL NOT NULL,
  usd REAL NOT NULL,
  place INTEGER NOT NULL,
  last_sequence INTEGER NOT NULL
) STRICT;

CREATE INDEX task_ready ON task (queue, lane, place) WHERE state = 'QUEUED';
CREATE INDEX task_late ON task (start_by_ms) WHERE state = 'QUEUED' AND start_by_ms IS NOT NULL;
CREATE INDEX task_scheduled ON task (run_at_ms) WHERE state = 'SCHEDULED';
CREATE INDEX task_leased ON task (lease_expires_ms) WHERE state = 'RUNNING';
CREATE INDEX task_finished ON task (queue, finished_ms) WHERE finished_ms IS NOT NULL;
-- Ends in seq, as every index does: each state of a queue can be read newest first.
CREATE INDEX task_state ON task (queue, state);
CREATE INDEX task_workflow ON task (workflow_id) WHERE workflow_id <> '';

-- A task's bytes, apart from its row: a change of state does not write them again.
CREATE TABLE payload (
  task INTEGER NOT NULL,
  kind TEXT NOT NULL, -- spec, output, progress, resume
  bytes BLOB NOT NULL,
  PRIMARY KEY (task, kind)
) STRICT, WITHOUT ROWID;

-- A change of state (state is set) or a worker's entry (body is set).
CREATE TABLE log (
  task INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  state TEXT,
  attempt INTEGER,
  reason TEXT,
  worker_id TEXT,
  body BLOB,
  PRIMARY KEY (task, sequence)
) STRICT, WITHOUT ROWID;

-- Plain tasks that came together (chunk.ts). `slots`, `terms` and `endings_ms` say how each of them stands; the columns below
-- say it in short, for the indexes.
CREATE TABLE chunk (
  first_seq INTEGER PRIMARY KEY,
  queue TEXT NOT NULL,
  tenant TEXT NOT NULL,
  priority INTEGER NOT NULL,
  lane TEXT NOT NULL,
  retry TEXT NOT NULL,
  labels TEXT NOT NULL,
  first_place INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  slots BLOB NOT NULL,
  offsets BLOB, -- by slot: how far its seq is from the first; null: they follow each other
  terms TEXT NOT NULL,
  endings_ms TEXT NOT NULL,
  has_queued INTEGER NOT NULL,
  expires_ms INTEGER, -- no lease ends before; null: no task runs, or none has run yet
  has_succeeded INTEGER NOT NULL,
  ended_ms INTEGER -- the first success
) STRICT;

CREATE INDEX chunk_ready ON chunk (queue, lane, first_place) WHERE has_queued = 1;
CREATE INDEX chunk_queued ON chunk (queue) WHERE has_queued = 1;
CREATE INDEX chunk_running ON chunk (queue) WHERE expires_ms IS NOT NULL;
CREATE INDEX chunk_succeeded ON chunk (queue) WHERE has_succeeded = 1;
CREATE INDEX chunk_leased ON chunk (expires_ms) WHERE expires_ms IS NOT NULL;
CREATE INDEX chunk_ended ON chunk (queue, ended_ms) WHERE ended_ms IS NOT NULL;

-- A chunk's specs, apart from what changes (packed.ts).
CREATE TABLE chunk_specs (
  first_seq INTEGER PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;

-- The outputs of one ending of a chunk that are not empty, and whose they are.
CREATE TABLE chunk_outputs (
  first_seq INTEGER NOT NULL,
  ending INTEGER NOT NULL,
  slots BLOB NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (first_seq, ending)
) STRICT, WITHOUT ROWID;

-- What a child waits for. A met row stays met when its parent is deleted.
CREATE TABLE dependency (
  child INTEGER NOT NULL,
  parent_id TEXT NOT NULL,
  condition TEXT NOT NULL,
  met INTEGER NOT NULL,
  PRIMARY KEY (child, parent_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX dependency_unmet ON dependency (parent_id) WHERE met = 0;

-- A queue's counts by state, kept in the transaction that moves a task, and the ends of its order. `clock_ms` is the
-- newest time that it has seen: the store's clock starts from there. `fence_floor` is the highest fence of any task that was
-- deleted: new ones begin there. `last_seq` is the greatest number that it took for its tasks. From `turn` on: what steers its
-- handing out; policies are JSON, `passes` are those of the lanes served last, by priority.
CREATE TABLE queue (
  name TEXT PRIMARY KEY,
  BLOCKED INTEGER NOT NULL DEFAULT 0,
  SCHEDULED INTEGER NOT NULL DEFAULT 0,
  QUEUED INTEGER NOT NULL DEFAULT 0,
  RUNNING INTEGER NOT NULL DEFAULT 0,
  INPUT_REQUIRED INTEGER NOT NULL DEFAULT 0,
  SUCCEEDED INTEGER NOT NULL DEFAULT 0,
  FAILED INTEGER NOT NULL DEFAULT 0,
  CANCELED INTEGER NOT NULL DEFAULT 0,
  front INTEGER NOT NULL DEFAULT 0,
  back INTEGER NOT NULL DEFAULT 0,
  clock_ms INTEGER NOT NULL DEFAULT 0,
  fence_floor INTEGER NOT NULL DEFAULT 0,
  last_seq INTEGER NOT NULL DEFAULT 0,
  arrived INTEGER NOT NULL DEFAULT 0,
  ended INTEGER NOT NULL DEFAULT 0,
  turn INTEGER NOT NULL DEFAULT 0,
  passes TEXT NOT NULL DEFAULT '[]',
  full_at_ms REAL,
  role_policy TEXT,
  policy TEXT,
  pause_reason TEXT,
  pause_since_ms INTEGER
) STRICT, WITHOUT ROWID;

-- The lanes that have QUEUED tasks, `plain` of them in chunks; `parked`: a cap or a rate of their key holds them back.
CREATE TABLE lane (
  queue TEXT NOT NULL,
  name TEXT NOT NULL,
  priority INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  labels TEXT NOT NULL,
  pass INTEGER NOT NULL,
  waiting INTEGER NOT NULL,
  plain INTEGER NOT NULL,
  parked INTEGER NOT NULL,
  PRIMARY KEY (queue, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX lane_open ON lane (queue, priority, labels, pass, name) WHERE parked = 0;
CREATE INDEX lane_key ON lane (queue, key) WHERE key <> '';

-- Concurrency keys of which a task runs, or whose rate is not full.
CREATE TABLE key (
  queue TEXT NOT NULL,
  key TEXT NOT NULL,
  running INTEGER NOT NULL,
  full_at_ms REAL,
  held_until_ms REAL,
  parked INTEGER NOT NULL,
  PRIMARY KEY (queue, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX key_held ON key (queue, held_until_ms) WHERE held_until_ms IS NOT NULL;
CREATE INDEX key_full ON key (full_at_ms) WHERE full_at_ms IS NOT NULL AND running = 0 AND parked = 0;
