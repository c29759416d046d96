-- Every statement of the store, by name. `:name` binds a parameter; statements.ts reads this file.

-- name: begin
BEGIN IMMEDIATE;

-- name: commit
COMMIT;

-- name: insertTask
INSERT INTO task (seq, id, queue, tenant, priority, state, attempt, fence, generation, fingerprint, retry, timeouts, lane, parents,
  parents_pending, workflow_id, labels, created_ms, queued_ms, start_by_ms, started_ms, finished_ms, run_at_ms,
  lease_expires_ms, lease_ms, sign_ms, worker_id, error, tokens, usd, place, last_sequence)
VALUES (:seq, :id, :queue, :tenant, :priority, :state, :attempt, :fence, :generation, :fingerprint, :retry, :timeouts, :lane,
  :parents, :parents_pending, :workflow_id, :labels, :created_ms, :queued_ms, :start_by_ms, :started_ms,
  :finished_ms, :run_at_ms, :lease_expires_ms, :lease_ms, :sign_ms, :worker_id, :error, :tokens, :usd, :place,
  :last_sequence);

-- name: taskById
SELECT * FROM task WHERE id = :id;

-- name: taskBySeq
SELECT * FROM task WHERE seq = :seq;

-- name: leaseTask
UPDATE task SET state = :state, attempt = :attempt, fence = :fence, started_ms = :started_ms,
  sign_ms = :sign_ms, lease_expires_ms = :lease_expires_ms, lease_ms = :lease_ms, worker_id = :worker_id,
  last_sequence = :last_sequence WHERE seq = :seq;

-- name: updateTask
UPDATE task SET state = :state, attempt = :attempt, fence = :fence, generation = :generation, parents = :parents,
  parents_pending = :parents_pending, queued_ms = :queued_ms, start_by_ms = :start_by_ms, finished_ms = :finished_ms, run_at_ms = :run_at_ms,
  lease_expires_ms = :lease_expires_ms, error = :error, tokens = :tokens, usd = :usd, place = :place,
  last_sequence = :last_sequence WHERE seq = :seq;

-- name: updatePending
UPDATE task SET parents_pending = :parents_pending WHERE seq = :seq;

-- name: renewTask
UPDATE task SET lease_expires_ms = :lease_expires_ms, lease_ms = :lease_ms WHERE seq = :seq;

-- name: appendTask
UPDATE task SET tokens = :tokens, usd = :usd, sign_ms = :sign_ms, lease_expires_ms = :lease_expires_ms,
  last_sequence = :last_sequence WHERE seq = :seq;

-- name: deleteTask
DELETE FROM task WHERE seq = :seq;

-- name: readyTasks
SELECT * FROM task INDEXED BY task_ready
WHERE state = 'QUEUED' AND queue = :queue AND lane = :lane AND place < :before ORDER BY place LIMIT :limit;

-- name: firstReady
SELECT min(place) AS place FROM task INDEXED BY task_ready
WHERE state = 'QUEUED' AND queue = :queue AND lane = :lane;

-- name: expiredTasks
SELECT * FROM task WHERE state = 'RUNNING' AND lease_expires_ms <= :now ORDER BY lease_expires_ms LIMIT :limit;

-- name: dueTasks
SELECT * FROM task WHERE state = 'SCHEDULED' AND run_at_ms <= :now ORDER BY run_at_ms, seq LIMIT :limit;

-- name: lateTasks
SELECT * FROM task WHERE state = 'QUEUED' AND start_by_ms IS NOT NULL AND start_by_ms <= :now
ORDER BY start_by_ms LIMIT :limit;

-- name: nextLate
SELECT min(start_by_ms) AS ms FROM task WHERE state = 'QUEUED' AND start_by_ms IS NOT NULL;

-- name: nextExpiry
SELECT min(lease_expires_ms) AS ms FROM task WHERE state = 'RUNNING';

-- name: nextDue
SELECT min(run_at_ms) AS ms FROM task WHERE state = 'SCHEDULED';

-- name: finishedBefore
SELECT seq, id, queue, state, fence, finished_ms FROM task INDEXED BY task_finished
WHERE queue = :queue AND finished_ms IS NOT NULL AND finished_ms <= :before ORDER BY finished_ms, seq LIMIT :limit;

-- name: scheduledSoon
SELECT count(*) AS count FROM (SELECT 1 FROM task INDEXED BY task_scheduled
  WHERE state = 'SCHEDULED' AND run_at_ms <= :soon AND queue = :queue LIMIT :max);

-- name: oldestQueued
-- Within a lane `place` grows with time, but for released tasks, whose place is negative: they are few.
WITH lanes (name) AS (SELECT name FROM lane WHERE queue = :queue
  ORDER BY priority DESC, parked, pass LIMIT 100)
SELECT min(ms) AS ms FROM (
  SELECT (SELECT queued_ms FROM task WHERE state = 'QUEUED' AND queue = :queue
    AND lane = lanes.name AND place >= 0 ORDER BY place LIMIT 1) AS ms FROM lanes
  UNION ALL
  SELECT (SELECT min(queued_ms) FROM (SELECT queued_ms FROM task WHERE state = 'QUEUED' AND queue = :queue
    AND lane = lanes.name AND place < 0 ORDER BY place LIMIT 1000)) AS ms FROM lanes
  UNION ALL
  SELECT (SELECT created_ms FROM chunk WHERE has_queued = 1 AND queue = :queue
    AND lane = lanes.name ORDER BY first_place LIMIT 1) AS ms FROM lanes
);

-- name: putPayload
INSERT OR REPLACE INTO payload (task, kind, bytes) VALUES (:task, :kind, :bytes);

-- name: payloads
SELECT kind, bytes FROM payload WHERE task = :task;

-- name: deletePayloads
DELETE FROM payload WHERE task = :task;

-- name: insertLog
INSERT INTO log (task, sequence, time_ms, state, attempt, reason, worker_id, body)
VALUES (:task, :sequence, :time_ms, :state, :attempt, :reason, :worker_id, :body);

-- name: readLog
SELECT sequence, time_ms, state, attempt, reason, worker_id, body FROM log
WHERE task = :task AND sequence >= :from ORDER BY sequence LIMIT :limit;

-- name: firstKept
SELECT min(sequence) AS sequence FROM log WHERE task = :task;

-- name: trimLog
DELETE FROM log WHERE task = :task AND sequence <= :upTo;

-- name: deleteLog
DELETE FROM log WHERE task = :task;

-- name: insertChunk
INSERT INTO chunk (first_seq, queue, tenant, priority, lane, retry, labels, first_place, created_ms, fence, slots, offsets,
  terms, endings_ms, has_queued, has_succeeded)
VALUES (:first_seq, :queue, :tenant, :priority, :lane, :retry, :labels, :first_place, :created_ms, :fence, :slots, :offsets,
  :terms, :endings_ms, 1, 0);

-- name: chunkByFirst
SELECT * FROM chunk WHERE first_seq = :first_seq;

-- name: updateChunk
UPDATE chunk SET slots = :slots, terms = :terms, endings_ms = :endings_ms WHERE first_seq = :first_seq;

-- name: indexQueued
-- Apart from each other: an index is written for each column that a statement sets, whatever its value.
UPDATE chunk SET has_queued = :has_queued WHERE first_seq = :first_seq;

-- name: indexRunning
UPDATE chunk SET expires_ms = :expires_ms WHERE first_seq = :first_seq;

-- name: indexSucceeded
UPDATE chunk SET has_succeeded = :has_succeeded, ended_ms = :ended_ms WHERE first_seq = :first_seq;

-- name: deleteChunk
DELETE FROM chunk WHERE first_seq = :first_seq;

-- name: nextReadyChunk
SELECT first_seq FROM chunk INDEXED BY chunk_ready
WHERE has_queued = 1 AND queue = :queue AND lane = :lane AND first_place > :after ORDER BY first_place LIMIT 1;

-- name: expiredChunks
SELECT first_seq FROM chunk INDEXED BY chunk_leased
WHERE expires_ms IS NOT NULL AND expires_ms <= :now ORDER BY expires_ms LIMIT :limit;

-- name: nextChunkExpiry
SELECT min(expires_ms) AS ms FROM chunk INDEXED BY chunk_leased WHERE expires_ms IS NOT NULL;

-- name: endedChunks
SELECT first_seq FROM chunk INDEXED BY chunk_ended
WHERE queue = :queue AND ended_ms IS NOT NULL AND ended_ms <= :before ORDER BY ended_ms, first_seq LIMIT :limit;

-- name: listChunks
SELECT first_seq FROM chunk WHERE first_seq < :before ORDER BY first_seq DESC LIMIT :limit;

-- name: listQueuedChunks
SELECT first_seq FROM chunk INDEXED BY chunk_queued
WHERE has_queued = 1 AND queue = :queue AND first_seq < :before ORDER BY first_seq DESC LIMIT :limit;

-- name: listRunningChunks
SELECT first_seq FROM chunk INDEXED BY chunk_running
WHERE expires_ms IS NOT NULL AND queue = :queue AND first_seq < :before ORDER BY first_seq DESC LIMIT :limit;

-- name: listSucceededChunks
SELECT first_seq FROM chunk INDEXED BY chunk_succeeded
WHERE has_succeeded = 1 AND queue = :queue AND first_seq < :before ORDER BY first_seq DESC LIMIT :limit;

-- name: insertSpecs
INSERT INTO chunk_specs (first_seq, bytes) VALUES (:first_seq, :bytes);

-- name: specsOf
SELECT bytes FROM chunk_specs WHERE first_seq = :first_seq;

-- name: deleteSpecs
DELETE FROM chunk_specs WHERE first_seq = :first_seq;

-- name: insertOutputs
INSERT INTO chunk_outputs (first_seq, ending, slots, bytes) VALUES (:first_seq, :ending, :slots, :bytes);

-- name: outputsOf
SELECT slots, bytes FROM chunk_outputs WHERE first_seq = :first_seq AND ending = :ending;

-- name: deleteOutputs
DELETE FROM chunk_outputs WHERE first_seq = :first_seq;

-- name: putDependency
INSERT OR REPLACE INTO dependency (child, parent_id, condition, met) VALUES (:child, :parent_id, :condition, :met);

-- name: meetDependency
UPDATE dependency SET met = 1 WHERE child = :child AND parent_id = :parent_id;

-- name: unmetChildren
SELECT child, condition FROM dependency WHERE parent_id = :parent_id AND met = 0;

-- name: unmetParents
SELECT parent_id, condition FROM dependency WHERE child = :child AND met = 0;

-- name: deleteDependencies
DELETE FROM dependency WHERE child = :child;

-- name: queueByName
SELECT * FROM queue WHERE name = :name;

-- name: queueNames
SELECT name FROM queue ORDER BY name;

-- name: putQueue
INSERT INTO queue (name, BLOCKED, SCHEDULED, QUEUED, RUNNING, INPUT_REQUIRED, SUCCEEDED, FAILED, CANCELED, front,
  back, clock_ms, fence_floor, last_seq, arrived, ended)
VALUES (:name, :BLOCKED, :SCHEDULED, :QUEUED, :RUNNING, :INPUT_REQUIRED, :SUCCEEDED, :FAILED, :CANCELED, :front,
  :back, :clock_ms, :fence_floor, :last_seq, :arrived, :ended)
ON CONFLICT DO UPDATE SET
  BLOCKED = :BLOCKED, SCHEDULED = :SCHEDULED, QUEUED = :QUEUED, RUNNING = :RUNNING, INPUT_REQUIRED = :INPUT_REQUIRED,
  SUCCEEDED = :SUCCEEDED, FAILED = :FAILED, CANCELED = :CANCELED, front = :front, back = :back, clock_ms = :clock_ms,
  fence_floor = :fence_floor, last_seq = :last_seq, arrived = :arrived, ended = :ended;

-- name: laneByName
SELECT * FROM lane WHERE queue = :queue AND name = :name;

-- name: putLane
INSERT OR REPLACE INTO lane (queue, name, priority, tenant, key, labels, pass, waiting, plain, parked)
VALUES (:queue, :name, :priority, :tenant, :key, :labels, :pass, :waiting, :plain, :parked);

-- name: countLane
UPDATE lane SET waiting = :waiting, plain = :plain WHERE queue = :queue AND name = :name;

-- name: deleteLane
DELETE FROM lane WHERE queue = :queue AND name = :name;

-- name: firstLane
SELECT * FROM lane INDEXED BY lane_open
WHERE parked = 0 AND queue = :queue AND priority = :priority AND labels = :labels ORDER BY pass, name LIMIT 1;

-- name: openLanes
SELECT priority, tenant, labels, count(*) AS lanes FROM lane WHERE queue = :queue AND parked = 0
GROUP BY priority, tenant, labels;

-- name: keyLanes
SELECT * FROM lane INDEXED BY lane_key WHERE key <> '' AND queue = :queue AND key = :key AND parked = :parked;

-- name: waitingKeys
SELECT DISTINCT key FROM lane INDEXED BY lane_key WHERE key <> '' AND queue = :queue
UNION SELECT key FROM key WHERE queue = :queue;

-- name: keyByName
SELECT * FROM key WHERE queue = :queue AND key = :key;

-- name: putKey
INSERT OR REPLACE INTO key (queue, key, running, full_at_ms, held_until_ms, parked)
VALUES (:queue, :key, :running, :full_at_ms, :held_until_ms, :parked);

-- name: fillBuckets
UPDATE key SET full_at_ms = NULL WHERE queue = :queue;

-- name: deleteKey
DELETE FROM key WHERE queue = :queue AND key = :key;

-- name: freedKeys
SELECT * FROM key INDEXED BY key_held WHERE queue = :queue AND held_until_ms IS NOT NULL AND held_until_ms <= :now
ORDER BY held_until_ms LIMIT :limit;

-- name: nextFreedKey
SELECT min(held_until_ms) AS ms FROM key INDEXED BY key_held WHERE queue = :queue AND held_until_ms IS NOT NULL
AND EXISTS (SELECT 1 FROM lane WHERE lane.queue = key.queue AND lane.key = key.key AND lane.key <> '');

-- name: fullKey
SELECT 1 FROM key INDEXED BY key_full
WHERE full_at_ms IS NOT NULL AND running = 0 AND parked = 0 AND full_at_ms <= :now LIMIT 1;

-- name: deleteFullKeys
DELETE FROM key WHERE (queue, key) IN (SELECT queue, key FROM key INDEXED BY key_full
  WHERE full_at_ms IS NOT NULL AND running = 0 AND parked = 0 AND full_at_ms <= :now LIMIT :limit);

-- name: controlByQueue
SELECT name, turn, passes, full_at_ms, role_policy, policy, pause_reason, pause_since_ms FROM queue WHERE name = :name;

-- name: putControl
INSERT INTO queue (name, turn, passes, full_at_ms, role_policy, policy, pause_reason, pause_since_ms)
VALUES (:name, :turn, :passes, :full_at_ms, :role_policy, :policy, :pause_reason, :pause_since_ms)
ON CONFLICT DO UPDATE SET
  turn = :turn, passes = :passes, full_at_ms = :full_at_ms, role_policy = :role_policy, policy = :policy,
  pause_reason = :pause_reason, pause_since_ms = :pause_since_ms;

-- name: lastSeq
SELECT max(last_seq) AS seq FROM queue;

-- name: newestTime
SELECT max(clock_ms) AS ms FROM queue;

-- name: listAll
SELECT seq FROM task WHERE seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: listState
SELECT seq FROM task INDEXED BY task_state
WHERE queue = :queue AND state = :state AND seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: listWorkflow
SELECT seq FROM task INDEXED BY task_workflow
WHERE workflow_id = :workflow_id AND workflow_id <> '' AND seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: ping
SELECT 1;
