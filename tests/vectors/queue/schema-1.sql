-- The daemon's file as schema 1 made it, with a job of each kind of state.
-- Not to be changed: later versions must go on from here.
BEGIN;
CREATE TABLE jobs(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, kind TEXT, state TEXT, reason TEXT, priority INTEGER, device TEXT, out TEXT, spec BLOB, submitted_ms INTEGER, started_ms INTEGER, ended_ms INTEGER, attempt INTEGER DEFAULT 0, token TEXT, pid INTEGER, pid_identity TEXT, stop INTEGER DEFAULT 0, time_limit_s INTEGER, exit INTEGER);
CREATE INDEX jobs_state ON jobs(state);
CREATE TABLE needs(job INTEGER, needs INTEGER);
CREATE INDEX needs_job ON needs(job);
CREATE TABLE requests(id TEXT PRIMARY KEY, method TEXT, result BLOB, at_ms INTEGER);
CREATE TABLE events(seq INTEGER PRIMARY KEY, job INTEGER, state TEXT, reason TEXT, at_ms INTEGER);
CREATE INDEX events_job ON events(job, seq);
CREATE INDEX requests_at ON requests(at_ms);
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER);
INSERT INTO meta VALUES('seq', 7);
INSERT INTO jobs VALUES(2,'base','pretrain','done','',0,'0','/tmp/out/2',x'81a46b696e64a87072657472e1',1764000000000,1764000001000,1764000002000,1,'t2',NULL,'',0,60,0);
INSERT INTO jobs VALUES(3,'broken','analyze','failed','signal 9',0,'0','/tmp/out/3',x'81a46b696e64',1764000003000,1764000004000,1764000005000,3,'t3',NULL,'',0,NULL,137);
INSERT INTO jobs VALUES(5,'after','analyze','queued','',-5,'gpu','/tmp/out/5',x'82',1764000006000,NULL,NULL,0,'t5',NULL,'',0,NULL,NULL);
INSERT INTO needs VALUES(5,2);
INSERT INTO requests VALUES('r-1','submit',x'8101',1764000006000);
INSERT INTO events VALUES(6,3,'failed','signal 9',1764000005000);
INSERT INTO events VALUES(7,5,'queued','',1764000006000);
UPDATE sqlite_sequence SET seq=9 WHERE name='jobs';
PRAGMA user_version=1;
COMMIT;
