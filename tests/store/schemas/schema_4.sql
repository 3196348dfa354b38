-- A database of schema 4, as a node had it: peers, invites, panes, a link, settings and an audit log.
-- A released file is never changed.
PRAGMA application_id = 1785750885;
PRAGMA user_version = 4;
BEGIN TRANSACTION;
CREATE TABLE audit (
            number INTEGER PRIMARY KEY NOT NULL,
            at REAL NOT NULL,
            kind TEXT NOT NULL,
            peer TEXT,
            detail TEXT NOT NULL
        );
INSERT INTO "audit" VALUES(1,1792300100.0,'invite_used','gr2q7gf5lh6pzfdn','{"invite": "5f0c2a91"}');
INSERT INTO "audit" VALUES(2,1792302100.0,'paired',NULL,'{"pane": "loss", "by": "invite", "n": 0}');
INSERT INTO "audit" VALUES(3,1792302101.0,'granted','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 1}');
INSERT INTO "audit" VALUES(4,1792302102.0,'asked','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 2}');
INSERT INTO "audit" VALUES(5,1792302103.0,'refused',NULL,'{"pane": "loss", "by": "invite", "n": 3}');
INSERT INTO "audit" VALUES(6,1792302104.0,'viewed','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 4}');
INSERT INTO "audit" VALUES(7,1792302105.0,'paired','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 5}');
INSERT INTO "audit" VALUES(8,1792302106.0,'granted',NULL,'{"pane": "loss", "by": "invite", "n": 6}');
INSERT INTO "audit" VALUES(9,1792302107.0,'asked','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 7}');
INSERT INTO "audit" VALUES(10,1792302108.0,'refused','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 8}');
INSERT INTO "audit" VALUES(11,1792302109.0,'viewed',NULL,'{"pane": "loss", "by": "invite", "n": 9}');
INSERT INTO "audit" VALUES(12,1792302110.0,'paired','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 10}');
INSERT INTO "audit" VALUES(13,1792302111.0,'granted','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 11}');
INSERT INTO "audit" VALUES(14,1792302112.0,'asked',NULL,'{"pane": "loss", "by": "invite", "n": 12}');
INSERT INTO "audit" VALUES(15,1792302113.0,'refused','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 13}');
INSERT INTO "audit" VALUES(16,1792302114.0,'viewed','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 14}');
INSERT INTO "audit" VALUES(17,1792302115.0,'paired',NULL,'{"pane": "loss", "by": "invite", "n": 15}');
INSERT INTO "audit" VALUES(18,1792302116.0,'granted','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 16}');
INSERT INTO "audit" VALUES(19,1792302117.0,'asked','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 17}');
INSERT INTO "audit" VALUES(20,1792302118.0,'refused',NULL,'{"pane": "loss", "by": "invite", "n": 18}');
INSERT INTO "audit" VALUES(21,1792302119.0,'viewed','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 19}');
INSERT INTO "audit" VALUES(22,1792302120.0,'paired','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 20}');
INSERT INTO "audit" VALUES(23,1792302121.0,'granted',NULL,'{"pane": "loss", "by": "invite", "n": 21}');
INSERT INTO "audit" VALUES(24,1792302122.0,'asked','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 22}');
INSERT INTO "audit" VALUES(25,1792302123.0,'refused','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 23}');
INSERT INTO "audit" VALUES(26,1792302124.0,'viewed',NULL,'{"pane": "loss", "by": "invite", "n": 24}');
INSERT INTO "audit" VALUES(27,1792302125.0,'paired','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 25}');
INSERT INTO "audit" VALUES(28,1792302126.0,'granted','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 26}');
INSERT INTO "audit" VALUES(29,1792302127.0,'asked',NULL,'{"pane": "loss", "by": "invite", "n": 27}');
INSERT INTO "audit" VALUES(30,1792302128.0,'refused','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 28}');
INSERT INTO "audit" VALUES(31,1792302129.0,'viewed','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 29}');
INSERT INTO "audit" VALUES(32,1792302130.0,'paired',NULL,'{"pane": "loss", "by": "invite", "n": 30}');
INSERT INTO "audit" VALUES(33,1792302131.0,'granted','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 31}');
INSERT INTO "audit" VALUES(34,1792302132.0,'asked','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 32}');
INSERT INTO "audit" VALUES(35,1792302133.0,'refused',NULL,'{"pane": "loss", "by": "invite", "n": 33}');
INSERT INTO "audit" VALUES(36,1792302134.0,'viewed','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 34}');
INSERT INTO "audit" VALUES(37,1792302135.0,'paired','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 35}');
INSERT INTO "audit" VALUES(38,1792302136.0,'granted',NULL,'{"pane": "loss", "by": "invite", "n": 36}');
INSERT INTO "audit" VALUES(39,1792302137.0,'asked','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 37}');
INSERT INTO "audit" VALUES(40,1792302138.0,'refused','gr2q7gf5lh6pzfdn','{"pane": "loss", "by": "invite", "n": 38}');
INSERT INTO "audit" VALUES(41,1792302139.0,'viewed',NULL,'{"pane": "loss", "by": "invite", "n": 39}');
CREATE TABLE grants (
            pane TEXT NOT NULL REFERENCES panes (name) ON DELETE CASCADE,
            node_id TEXT NOT NULL,
            level TEXT NOT NULL CHECK (level IN ('view', 'interact')),
            PRIMARY KEY (pane, node_id)
        ) WITHOUT ROWID;
INSERT INTO "grants" VALUES('loss','gr2q7gf5lh6pzfdn','interact');
INSERT INTO "grants" VALUES('metrics','gr2q7gf5lh6pzfdn','view');
CREATE TABLE invites (
            id TEXT PRIMARY KEY NOT NULL,
            token_hash TEXT NOT NULL UNIQUE,
            created REAL NOT NULL,
            expires REAL NOT NULL,
            note TEXT NOT NULL,
            revoked_at REAL,
            used_by TEXT,
            used_at REAL,
            CHECK ((used_by IS NULL) = (used_at IS NULL))
        ) WITHOUT ROWID;
INSERT INTO "invites" VALUES('5f0c2a91','00904983c795d793ee4ebe927a2892868b525423e74e8b8fdb22e7242908db81',1792300000.25,1792300600.25,'Bob, for the review',NULL,'gr2q7gf5lh6pzfdn',1792300100.0);
INSERT INTO "invites" VALUES('9b1e77d4','60dc9e047625d48ba4f7ea7d9a6bdd150e7c0843f9a0be442941eb61b20d000a',1792301000.5,1792387400.5,'',NULL,NULL,NULL);
INSERT INTO "invites" VALUES('c3aa0f12','78482a32941b77d87b7181f3c6f0d88e00d8d9ee7a3b34f226bfcdcbc62d97c8',1792301100.0,1792301700.0,'müde',1792301200.0,NULL,NULL);
CREATE TABLE links (
            id TEXT PRIMARY KEY NOT NULL,
            secret_hash TEXT NOT NULL,
            pane TEXT NOT NULL REFERENCES panes (name) ON DELETE CASCADE,
            level TEXT NOT NULL CHECK (level IN ('view', 'interact')),
            created REAL NOT NULL,
            expires REAL NOT NULL,
            max_guests INTEGER NOT NULL
        ) WITHOUT ROWID;
INSERT INTO "links" VALUES('7d1f','21d1f8ed9293da7ae8fe6b67286a481f840320af8702d7ab8e825ad41445c141','loss','view',1792303000.0,1792389400.0,20);
CREATE TABLE panes (
            name TEXT PRIMARY KEY NOT NULL,
            title TEXT NOT NULL,
            created REAL NOT NULL
        ) WITHOUT ROWID;
INSERT INTO "panes" VALUES('loss','Loss of the two moons model',1792302000.0);
INSERT INTO "panes" VALUES('metrics','Metrics after each epoch — α, β',1792302001.0);
CREATE TABLE peers (
            node_id TEXT PRIMARY KEY NOT NULL,
            public_key TEXT NOT NULL,
            node_name TEXT NOT NULL,
            alias TEXT,
            trusted INTEGER NOT NULL CHECK (trusted IN (0, 1)),
            blocked INTEGER NOT NULL CHECK (blocked IN (0, 1)),
            addresses TEXT NOT NULL,
            capabilities TEXT NOT NULL,
            added REAL NOT NULL,
            last_seen REAL,
            origin TEXT NOT NULL
        , local_name TEXT NOT NULL DEFAULT '', worked TEXT NOT NULL DEFAULT '[]') WITHOUT ROWID;
INSERT INTO "peers" VALUES('gr2q7gf5lh6pzfdn','iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=','bob','Bob von nebenan',1,0,'["ws://192.168.1.20:9797/peer-ws", "relay:wss://relay.example"]','["panes/1", "agents/1"]',1792300100.0,1792309999.125,'invite','','["wss://hub.example/user/bob/peer-ws"]');
INSERT INTO "peers" VALUES('ni4ahvpqlgicuhdn','gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=','cleo',NULL,0,1,'[]','[]',1792300500.0,NULL,'directory','','[]');
CREATE TABLE settings (
            key TEXT PRIMARY KEY NOT NULL,
            value TEXT NOT NULL
        ) WITHOUT ROWID;
INSERT INTO "settings" VALUES('node_name','ada');
INSERT INTO "settings" VALUES('reach','{"mode":"network","port":9797}');
COMMIT;
