-- The state that the first version wrote: the test that reads it must never need another file.
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1752133483;
PRAGMA journal_mode = WAL;
CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE records (space TEXT NOT NULL, owner TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (space, owner, key)) WITHOUT ROWID;
CREATE TABLE outbox (place INTEGER PRIMARY KEY, webhook TEXT NOT NULL, since INTEGER NOT NULL, alert TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE dead_letters (place INTEGER PRIMARY KEY, webhook TEXT NOT NULL, since INTEGER NOT NULL, answer TEXT NOT NULL, alert TEXT NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE damaged (place INTEGER PRIMARY KEY, record TEXT NOT NULL);
INSERT INTO dead_letters VALUES(1,'ops',1795000000000000000,'invalid_payload','{"id":4,"episode":4,"kind":"opened","rule":"rule","severity":"error","mention":[],"webhooks":["ops"],"decided":0,"key":[],"event":null,"count":1,"suppressed":0,"first_seen":0,"last_seen":0,"since_last":{"secs":0,"nanos":0},"folded":null,"held_back":null}',-4316621004269461618);
INSERT INTO meta VALUES('format',1,3680932240252434306);
INSERT INTO meta VALUES('outbox',X'02000000000000004369C63EC69AE7E1',-6839861653111566245);
INSERT INTO meta VALUES('records',X'0300000000000000CF0E1607C30E5EDF',-4053449907806098264);
INSERT INTO outbox VALUES(2,'ops',1795000000000000000,'{"id":2,"episode":2,"kind":"opened","rule":"rule","severity":"error","mention":[],"webhooks":["ops"],"decided":0,"key":[],"event":null,"count":1,"suppressed":0,"first_seen":0,"last_seen":0,"since_last":{"secs":0,"nanos":0},"folded":null,"held_back":null}',-3339323458734778464);
INSERT INTO outbox VALUES(3,'ops',1795000000000000000,'{"id":3,"episode":3,"kind":"opened","rule":"rule","severity":"error","mention":[],"webhooks":["ops"],"decided":0,"key":[],"event":null,"count":1,"suppressed":0,"first_seen":0,"last_seen":0,"since_last":{"secs":0,"nanos":0},"folded":null,"held_back":null}',3481227293798072035);
INSERT INTO records VALUES('engine','rule','k',X'7374617465',7745209657272319871);
INSERT INTO records VALUES('position','app','a',X'31',4280157766375590915);
INSERT INTO records VALUES('position','app','b',X'32',-8123190630055641677);
