-- What a file costs the ledger, each one pays that comes.

-- A CHECK with three or more constants in a list makes a temporary table of them at every write; comparisons do not. SQLite
-- has no other way to exchange a constraint of a table in use. Nothing is ever 'claimed': a file is seen until it is judged.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql,
  'CHECK (state IN (''seen'', ''claimed'', ''judged'', ''vanished''))',
  'CHECK (state = ''seen'' OR state = ''judged'' OR state = ''vanished'')') WHERE type = 'table' AND name = 'file';
UPDATE sqlite_schema SET sql = replace(sql,
  'CHECK (verdict IN (''accepted'', ''unchanged'', ''duplicate'', ''stale'', ''held'', ''refused''))',
  'CHECK (verdict = ''accepted'' OR verdict = ''unchanged'' OR verdict = ''duplicate'' OR verdict = ''stale'' OR verdict = ''held''
    OR verdict = ''refused'')') WHERE type = 'table' AND name = 'message';
PRAGMA writable_schema = RESET;

-- One index of the files that are still on their way, in which a verdict changes nothing.
UPDATE file SET placed = 1 WHERE state = 'vanished';
DROP INDEX file_open;
DROP INDEX file_unplaced;
CREATE INDEX file_on_its_way ON file (file_no) WHERE placed = 0;
